"""How pretrained networks are fine-tuned: the strategies that `text` and `image` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Strategy = Literal["full", "head", "phases", "layer-decay", "lora"]
MEANING = (
    "full: all of it learns. head: only what is fresh. phases: the head, then the upper layers "
    "too, then all of it. layer-decay: the lower a layer, the slower. lora: adapters beside the "
    "layers learn."
)
ADAPTER = "adapter"


class LoraOptions(BaseModel):
    """Options of adapters (LoRA)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(8, ge=1, description="Of the matrices that are learnt beside each layer's.")
    alpha: float = Field(16, gt=0, description="What is learnt is multiplied by alpha / rank.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Of what the adapters see.")


def training_for(strategy: Strategy, count: Callable[[], tuple[int, int]]) -> dict[str, Any]:
    """Fields of `LoopSettings` for a strategy.

    Rates and phases are those of the guide, section 7; layer-wise decay as in Sun et al. 2019
    (arXiv 1905.05583).

    Args:
        strategy: What learns.
        count: Gives how many blocks are above the pretrained layers, and all of them, as
            `blocks_of` does; asked where the strategy goes by them.
    """
    common: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 16,
        "learning_rate": 5e-5,
        "warmup": 0.1,
        "weight_decay": 0.01,
        "patience": 2,
    }
    if strategy == "full":
        return common
    if strategy == "layer-decay":
        return {**common, "learning_rate": 1e-4, "layer_decay": 0.85}
    if strategy == "lora":
        return {**common, "learning_rate": 5e-4}
    head, n_blocks = count()
    if strategy == "head":
        phase = {"epochs": 5, "layers": head}
        return {**common, "epochs": 5, "learning_rate": 1e-3, "phases": (phase,)}
    upper = head + max(1, (n_blocks - head) // 2)
    phases = (
        {"epochs": 2, "layers": head, "learning_rate": 1e-3},
        {"epochs": 2, "layers": upper, "learning_rate": 1e-4, "layer_decay": 0.9},
        {"epochs": 2, "layers": "all", "learning_rate": 2e-5, "layer_decay": 0.9},
    )
    return {**common, "epochs": 6, "learning_rate": 1e-3, "phases": phases, "patience": None}


def blocks_of(net: Any) -> tuple[int, int]:
    """How many blocks, counted from the output, are above the pretrained layers; and all of them.

    A pooler counts with the head.
    """
    from assay.networks.fine_tuning import head_of
    from assay.training.blocks import blocks

    fresh = tuple(f"{name}." for name in head_of(net))
    names = [list(block.parameters) for block in blocks(net)]
    is_body = [
        any(not name.startswith(fresh) and "pooler" not in name for name in each) for each in names
    ]
    return is_body.index(True) if True in is_body else len(names), len(names)


def save_adapter(module: Any, source: str, revision: str | None, folder: Path) -> None:
    """Write what was learnt through adapters by itself, as PEFT reads it, if anything was.

    Args:
        module: The network as it is kept, with its `adapter`.
        source: The pretrained model that they are of.
        revision: Its files.
        folder: Where the model is saved.
    """
    if getattr(module, "adapter", None) is None:
        return
    from safetensors.torch import save_file

    weights, config = module.adapter
    config.base_model_name_or_path = source
    config.revision = revision
    (folder / ADAPTER).mkdir()
    save_file(weights, folder / ADAPTER / "adapter_model.safetensors")
    config.save_pretrained(folder / ADAPTER)
