"""Attention for training on a processor, where PyTorch's own is slow once it has dropout.

`scaled_dot_product_attention` has no kernel for dropout there; it is written out here, with masks
of `dropped`. Where nothing is dropped, as in evaluation, it is PyTorch's own, to the bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from assay.networks.dropout import Dropout, dropped

NAME = "assay"
_SDPA = "sdpa"
_IN_PLAIN = {"position_bias", "cache", "softcap"}
"""What a model may ask for beside; then it gets PyTorch's own."""


def draw_cheaply(model: Any) -> None:
    """Let a Hugging Face model draw its dropout cheaply while it is trained on a processor.

    Args:
        model: It, or its adapters; nothing that is saved of it changes.
    """
    for module in list(model.modules()):
        for name, part in module.named_children():
            if type(part) is nn.Dropout:
                setattr(module, name, Dropout(part.p).train(part.training))
    if model.config._attn_implementation == _SDPA:
        _register()
        model.set_attn_implementation(NAME)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **asked: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers' `AttentionInterface` has it.

    Args:
        module: Whose it is.
        query: Shape (n, heads, length, size).
        key: Shape (n, heads of keys, length, size), as are the values.
        value: What is averaged.
        attention_mask: Whether a position sees another, or what is added to its score; shape
            (n or 1, heads or 1, length, length). None if all is seen, or all that comes before.
        dropout: Share of the weights that are dropped.
        scaling: Of the scores; 1 / sqrt(size) when None.
        is_causal: Whether the query at a place sees the keys up to that place, where no mask says
            otherwise and there are several queries; as the module says when None.
        asked: Whatever else a model asks for.

    Returns:
        Averages, shape (n, length, heads, size); and None.
    """
    from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward

    has_more = any(asked.get(name) is not None for name in _IN_PLAIN)
    if not dropout or query.device.type != "cpu" or has_more:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, is_causal, **asked
        )
    groups = getattr(module, "num_key_value_groups", 1)
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = (query * scale) @ key.transpose(2, 3)
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    if attention_mask is None and causal and query.shape[2] > 1:
        attention_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attention_mask is not None:
        scores = scores + _added(attention_mask, scores.dtype)
    weights = dropped(scores.softmax(-1), dropout)
    return (weights @ value).transpose(1, 2).contiguous(), None


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What a mask adds to scores."""
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def _register() -> None:
    """Tell transformers of it, with masks as PyTorch's own takes them."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
