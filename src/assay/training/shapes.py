"""Whether outputs fit targets: said before training in their shapes, not from inside a loss."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from assay.errors import LearnerError
from assay.training.batches import tensors_of
from assay.training.losses import BinaryCrossEntropy, CrossEntropy, Loss, OfFunction, Regression

_OURS = (CrossEntropy, BinaryCrossEntropy, Regression)


def loss_of(model: nn.Module, loss: Loss, outputs: Any, targets: Any, weights: Any) -> Tensor:
    """The mean loss of a batch, a scalar.

    Raises:
        LearnerError: Outputs and targets do not fit each other or the loss; both shapes are named.
    """
    where = f"{type(model).__name__}, {_named(loss)}"
    _check_rows(outputs, targets, where)
    if isinstance(loss, _OURS):
        if not isinstance(outputs, Tensor):
            raise LearnerError(
                f"The network gives {_shown(outputs)}; {_named(loss)} takes one tensor.",
                where=where,
                mend="return the logits or values alone from forward, or give a loss of your own: "
                "a function of outputs and targets",
            )
        if isinstance(loss, CrossEntropy):
            _check_classes(loss, outputs, targets, where)
        else:
            _check_values(outputs, targets, where)
    try:
        total = loss.total(outputs, targets, weights) / loss.size(targets, weights)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        raise LearnerError(
            f"The loss cannot be computed of outputs {_shown(outputs)} and targets "
            f"{_shown(targets)}: {error}",
            where=where,
            mend="let the last layer give what the loss takes",
        ) from error
    if isinstance(loss, OfFunction):
        _check_broadcast(loss, outputs, targets, weights, where)
    if not isinstance(total, Tensor) or total.ndim:
        raise LearnerError(
            f"The loss gives {_shown(total)} and not one number.",
            where=where,
            mend="let total() return a sum: a tensor without axes",
        )
    return total


def _check_rows(outputs: Any, targets: Any, where: str) -> None:
    said, asked = next(tensors_of(outputs), None), next(tensors_of(targets), None)
    if said is None or asked is None or (said.ndim and len(said) == len(asked)):
        return
    raise LearnerError(
        f"The network gives {_shown(outputs)} for targets {_shown(targets)}: not as many rows.",
        where=where,
        mend="keep the first axis in forward: one output for each row; flatten with "
        "x.flatten(1), not x.flatten()",
    )


def _check_classes(loss: CrossEntropy, outputs: Tensor, targets: Tensor, where: str) -> None:
    shapes = f"outputs {_shown(outputs)} and targets {_shown(targets)}"
    if outputs.ndim > 2 and not loss.classes_last:
        outputs = outputs.movedim(1, -1)
    if targets.is_floating_point():
        if targets.ndim > 2 and not loss.classes_last:
            targets = targets.movedim(1, -1)
        if outputs.shape != targets.shape:
            raise LearnerError(
                f"Cross-entropy of {shapes}: targets of fractions are shares of the classes, in "
                "the outputs' shape.",
                where=where,
                mend="targets.long() if they are classes; loss: mse if they are values",
            )
        return
    if outputs.ndim < 2 or outputs.shape[:-1] != targets.shape:
        raise LearnerError(
            f"Cross-entropy of {shapes}: it takes a logit for each class, (n, k) with (n,), or "
            "(n, length, k) with (n, length).",
            where=where,
            mend=f"targets.squeeze(-1) of shape {tuple(outputs.shape[:-1])}"
            if targets.ndim == outputs.ndim and targets.shape[-1:] == (1,)
            else "end forward with a layer as nn.Linear(width, k) and do not squeeze its outputs",
        )
    counts = targets if loss.ignore_index is None else targets[targets != loss.ignore_index]
    if not counts.numel():
        return
    low, high, k = int(counts.min()), int(counts.max()), outputs.shape[-1]
    if low < 0 or high >= k:
        raise LearnerError(
            f"The targets are classes from {low} to {high}, and the network gives {k} logits, for "
            f"classes 0 to {k - 1}.",
            where=where,
            mend=f"nn.Linear(..., {high + 1}) as the last layer"
            if low >= 0
            else "number the classes from 0; padding is CrossEntropy(ignore_index=-100)",
        )


def _check_values(outputs: Tensor, targets: Tensor, where: str) -> None:
    squeezed = outputs.squeeze(-1) if outputs.shape[-1:] == (1,) else outputs
    if targets.shape in (outputs.shape, squeezed.shape):
        return
    raise LearnerError(
        f"The network gives {_shown(outputs)} for targets {_shown(targets)}.",
        where=where,
        mend="let the last layer give one value for each that the targets have: nn.Linear(..., "
        f"{targets[0].numel()})",
    )


def _check_broadcast(loss: Loss, outputs: Any, targets: Any, weights: Any, where: str) -> None:
    """A column beside a row is taken for a table of all pairs: the loss is then of nothing real."""
    if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor)):
        return
    alike = outputs.is_floating_point() and targets.is_floating_point()
    if not alike or outputs.shape == targets.shape or outputs.numel() != targets.numel():
        return
    if len(targets) < 2:
        return
    with torch.no_grad(), suppress(RuntimeError, IndexError, ValueError):
        # Outputs that are all alike, or chance, hide it: targets for outputs bring it to light.
        for said in (outputs, targets.to(outputs.dtype).reshape_as(outputs)):
            as_is = loss.total(said, targets, weights)
            as_meant = loss.total(said.reshape_as(targets), targets, weights)
            if not torch.allclose(as_is, as_meant, rtol=1e-3, equal_nan=True):
                raise LearnerError(
                    f"The loss takes outputs {_shown(outputs)} and targets {_shown(targets)} for "
                    "a table of all pairs.",
                    where=where,
                    mend="outputs.squeeze(-1) at the end of forward, or in the loss",
                )


def _named(loss: Loss) -> str:
    if isinstance(loss, OfFunction):
        return "a loss of your own"
    return f"{loss.kind} loss" if isinstance(loss, Regression) else type(loss).__name__


def _shown(tree: Any) -> str:
    """Shapes, in the nesting that they come in."""
    if isinstance(tree, Tensor):
        return f"({', '.join(map(str, tree.shape))}{',' * (tree.ndim == 1)})"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{name}: {_shown(each)}" for name, each in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        return f"[{', '.join(map(_shown, tree))}]"
    return type(tree).__name__
