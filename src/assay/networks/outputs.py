"""Outputs: what a network, or the mean of its members, says.

This module stands alone, and imports no framework, because its text travels inside logged models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def probabilities(outputs: Tensor) -> Tensor:
    """What a network or the mean of its members says of classes.

    Args:
        outputs: Logits, shape (n, classes) or (n, members, classes).

    Returns:
        Shape (n, classes), summing to one.
    """
    each = outputs.softmax(-1)
    return each.mean(1) if each.ndim == 3 else each


def label_probabilities(outputs: Tensor) -> Tensor:
    """What a network or the mean of its members says of labels, each of them yes or no.

    Args:
        outputs: Logits, shape (n, labels) or (n, members, labels).

    Returns:
        Shape (n, labels), each from zero to one.
    """
    each = outputs.sigmoid()
    return each.mean(1) if each.ndim == 3 else each


def values(outputs: Tensor) -> Tensor:
    """What a network or the mean of its members says of a number.

    Args:
        outputs: Shape (n, 1) or (n, members, 1).

    Returns:
        Shape (n,).
    """
    each = outputs.squeeze(-1)
    return each.mean(1) if each.ndim == 2 else each
