"""Frozen embeddings: what a pretrained transformer makes of texts, for a linear model behind it.

The rung between TF-IDF and fine-tuning: the transformer is run once over the rows and learns
nothing, which is often enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from assay.learners.served_network import one_thread
from assay.learners.text import TextOptions, TextRecipe
from assay.networks.reading import hushed
from assay.predictions import Floats

_ROWS_AT_ONCE = 32


class TextEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to the mean of what a frozen transformer says of their tokens.

    Args:
        model: As in `TextOptions`.
        revision: Which files it must be.
        columns: The columns of texts.
        max_length: Tokens of a text that are read.
        long: What is read of longer ones; windows count by their tokens.
    """

    def __init__(
        self,
        model: str,
        revision: str | None,
        columns: tuple[str, ...],
        max_length: int,
        long: str,
    ) -> None:
        self.model = model
        self.revision = revision
        self.columns = columns
        self.max_length = max_length
        self.long = long

    def fit(self, features: pd.DataFrame, y: Any = None) -> TextEmbedder:  # noqa: ARG002
        """There is nothing to fit."""
        return self

    def transform(self, features: pd.DataFrame) -> Floats:
        """Embeddings, shape (n, width), computed with one thread: how many decides the last bits.

        The transformer is read each time and let go afterwards; of the texts nothing is kept.
        """
        import torch

        encoding, net = _loaded(self.model, self.revision, self.columns, self.max_length, self.long)
        rows = encoding.sequences(features)
        order = np.argsort(-rows.lengths, kind="stable")
        found: list[Any] = []
        with one_thread(), torch.inference_mode(), _half():
            for low in range(0, len(order), _ROWS_AT_ONCE):
                padded = rows.padded(order[low : low + _ROWS_AT_ONCE])
                found.append(_pooled(net, **{k: torch.from_numpy(v) for k, v in padded.items()}))
        joined = torch.cat(found).double().numpy()
        embeddings: Floats = np.empty_like(joined)
        embeddings[order] = joined
        return embeddings


def _loaded(
    model: str, revision: str | None, columns: tuple[str, ...], max_length: int, long: Any
) -> tuple[Any, Any]:
    from transformers import AutoModel

    from assay.networks.pretrained_source import find

    options = TextOptions(model=model, revision=revision, max_length=max_length, long=long)
    encoding = replace(TextRecipe(options).reads(columns), folder=None)
    folder = find(model, revision).folder
    with hushed():
        net = AutoModel.from_pretrained(folder, dtype="float32", trust_remote_code=False)
    return encoding, net.eval()


def _half() -> Any:
    """In bfloat16 where the processor computes in it: several times as fast, as good for this."""
    import torch

    from assay.training.precision import Precision, supported

    cpu = torch.device("cpu")
    return Precision.of("bf16" if "bf16" in supported(cpu) else "fp32", cpu).forward()


def _pooled(net: Any, attention_mask: Any, **tokens: Any) -> Any:
    """The mean over all tokens of each row."""
    n, length = len(attention_mask), attention_mask.shape[-1]
    flat = {name: each.reshape(-1, length) for name, each in tokens.items()}
    mask = attention_mask.reshape(-1, length).clone()
    mask[:, 0] = 1  # a window without a token has to be something, and weighs nothing below
    said = net(attention_mask=mask, **flat).last_hidden_state.float()
    weights = attention_mask.reshape(n, -1, 1).float()
    return (said.reshape(n, -1, said.shape[-1]) * weights).sum(1) / weights.sum(1).clamp_min(1)
