"""Vision models so small that they train in a second, written as `transformers` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.data.schema import Task

SIDE = 16
MEAN, DEVIATION = (0.5, 0.4, 0.3), (0.2, 0.25, 0.5)
KINDS: dict[str, dict[str, Any]] = {
    "vit": {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 4,
        "intermediate_size": 64, "image_size": SIDE, "hidden_dropout_prob": 0.1,
    },
    "swin": {
        "embed_dim": 16, "depths": [2, 1], "num_heads": [2, 2], "window_size": 2, "patch_size": 2,
        "image_size": SIDE,
    },
    "convnext": {
        "hidden_sizes": [16, 32], "depths": [1, 1], "num_stages": 2, "image_size": SIDE,
        "patch_size": 2,
    },
    "resnet": {
        "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic",
    },
}  # fmt: skip

FIXED = {"precision": "fp32", "threads": 1, "channels_last": False, "loader_workers": 0}
"""What would be measured: another choice gives other bits."""


def pictures(task: Task, n: int = 120) -> pd.DataFrame:
    """Grey squares on black, whose place and shade say something about the target."""
    random = np.random.default_rng(0)
    shade, place = random.integers(60, 250, n), random.integers(0, 5, n)
    images = random.integers(0, 40, size=(n, 8, 8))
    for image, value, left in zip(images, shade, place, strict=True):
        image[2:6, left : left + 3] = value
    target = {
        Task.BINARY: np.where(place > 2, "yes", "no"),
        Task.MULTICLASS: np.select([place > 3, place > 1], ["high", "middle"], "low"),
        Task.MULTILABEL: [
            [name for name, has in (("right", left > 2), ("bright", value > 150)) if has]
            for left, value in zip(place, shade, strict=True)
        ],
        Task.REGRESSION: shade * 10.0 + place,
    }
    return pd.DataFrame({"image": list(images), "y": target[task]})


def written(folder: Path, kind: str = "vit", **config: Any) -> Path:
    """A model of two layers or stages with random weights, without a head, and its preprocessor."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    made = AutoConfig.for_model(kind, **{**KINDS.get(kind, {}), **config})
    AutoModel.from_config(made).save_pretrained(folder)
    told = {
        "image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE},
        "image_mean": MEAN, "image_std": DEVIATION,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder
