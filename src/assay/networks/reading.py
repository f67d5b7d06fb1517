"""Reading: what a Hugging Face model says of the tokens of some rows.

This module stands alone, and imports no framework, because its text travels inside logged models.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def logits_of(model: Any, attention_mask: Tensor, **tokens: Tensor) -> Tensor:
    """Logits, or a value, of each row, shape (n, n_outputs).

    Args:
        model: For sequence classification; its outputs have `logits`.
        attention_mask: 1 where a row has a token, int64, shape (n, length). Of rows that are
            several windows, (n, windows, length): their logits are averaged over the windows that
            hold anything, and over the first one of a row without tokens.
        tokens: `input_ids` and whatever else the model takes, of the same shape.
    """
    if attention_mask.ndim == 2:
        logits: Tensor = model(attention_mask=attention_mask, **tokens).logits
        return logits
    holds = attention_mask.any(-1)
    holds[:, 0] = True
    windows = {name: each[holds] for name, each in tokens.items()}
    logits = model(attention_mask=attention_mask[holds], **windows).logits
    rows, counts = holds.nonzero()[:, 0], holds.sum(1, keepdim=True)
    pooled = logits.new_zeros(len(holds), logits.shape[-1]).index_add(0, rows, logits)
    return pooled / counts


@contextmanager
def hushed() -> Iterator[None]:
    """Within it `transformers` draws no bars, and says nothing of heads that are fresh on purpose.

    PEFT asks models for what transformers 5.20 calls by another name, and finds out by itself how
    GPT-2 lays its matrices; that is hushed as well.
    """
    from transformers.utils import logging

    hush: Any = logging
    level, had_bars = hush.get_verbosity(), hush.is_progress_bar_enabled()
    hush.set_verbosity(hush.ERROR)
    hush.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*gradient_checkpointing.*", FutureWarning)
            warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
            yield
    finally:
        hush.set_verbosity(level)
        if had_bars:
            hush.enable_progress_bar()
