"""Diagnosis: in which layer NaN or infinity first came up, and which rows are to blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from assay.errors import DivergedError
from assay.training.batches import Batch, part_of, rows_in
from assay.training.calling import called_in_full
from assay.training.losses import Loss, as_loss
from assay.training.tracing import Trace, bad_rows, is_bad, kind_of
from assay.training.untouched import beside, untouched

Where = Literal["input", "target", "weight", "forward", "loss", "gradient", "nowhere"]
_MOST_ROWS = 16
"""Rows that are looked for one by one, and shown."""

_MENDS = {
    "input": "drop these rows, or fill what is missing in them",
    "target": "drop these rows, or mend their targets",
    "weight": "begin anew, at a lower rate: training: {learning_rate: ..., clip: 1.0}",
    "forward": "training: {precision: fp32}, a lower learning_rate, or a normalisation before "
    "this layer; in a layer of your own, clamp what goes into exp, log and divisions",
    "loss": "give the loss logits, not probabilities; clamp what goes into log and divisions",
    "gradient": "add a small number under sqrt, norm and divisions (their slope at 0 is infinite); "
    "training: {precision: fp32, clip: 1.0}",
    "nowhere": "training: {precision: fp32}, or a lower learning_rate",
}


@dataclass(frozen=True)
class Diagnosis:
    """Where a training broke.

    Attributes:
        layer: The module's name as in `named_modules()`, or the parameter's, or '' where it is
            neither.
        where: On the way of a batch through the network, the first place that is not finite;
            'nowhere' if all is finite when the batch is taken again.
        rows: Numbers of the rows at fault, at most 16; none where rows are only at fault together.
        text: All of it in a sentence.
    """

    layer: str
    where: Where
    rows: tuple[int, ...]
    text: str

    @property
    def mend(self) -> str:
        return _MENDS[self.where]


class Standing(Protocol):
    """Where a training stands."""

    @property
    def step(self) -> int: ...

    @property
    def rollbacks(self) -> int: ...


def diverged(
    model: nn.Module,
    window: Sequence[Batch],
    rows: Sequence[int] | Tensor,
    loss: Any,
    position: Standing,
    *,
    forward: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> DivergedError:
    """The error of a training that cannot go on.

    Args:
        model: The network, with the weights that it broke with.
        window: The micro-batches of the step.
        rows: Their row numbers, one after the other.
        loss: What is minimised.
        position: Where training stands.
        forward: The context of the forward pass: its precision.
    """
    found, at = Diagnosis("", "nowhere", (), ""), 0
    for batch in window:
        found = diagnose(model, batch, rows[at : at + rows_in(batch)], loss, forward=forward)
        if found.where != "nowhere":
            break
        at += rows_in(batch)
    times = f", after {position.rollbacks} returns to a checkpoint" * bool(position.rollbacks)
    return DivergedError(
        f"Training runs into NaN or infinity at step {position.step:,}{times}: {found.text}",
        where=found.layer,
        mend=found.mend,
    )


def diagnose(
    model: nn.Module,
    batch: Batch,
    rows: Sequence[int] | Tensor,
    loss: Any,
    *,
    forward: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Diagnosis:
    """Take a batch through the network again, and stop at the first place that is not finite.

    Weights, buffers, gradients, modes and random generators are left as they were.

    Args:
        model: The network.
        batch: The batch at which it broke.
        rows: The batch's row numbers, of any kind; shape (n,).
        loss: What is minimised.
        forward: The context of the forward pass: its precision. An autocast around the call
            counts as well.
    """
    loss, batch = as_loss(loss), beside(batch, model)
    with untouched(model), torch.enable_grad():
        found = _of_pass(model, batch, loss, forward)
        if found[1] in {"forward", "loss"}:
            found = _of_data(batch, found[2]) or _of_weights(model) or found
    layer, where, at, text = found
    numbers = [int(each) for each in rows]
    faulty = tuple(numbers[each] for each in at)
    if len(at) > _MOST_ROWS:
        whose = f" Rows {', '.join(map(str, faulty[:_MOST_ROWS]))}, ... ({len(at)} of them)."
    elif faulty:
        whose = f" {'Row' if len(at) == 1 else 'Rows'} {', '.join(map(str, faulty))}."
    else:
        whose = ""
    return Diagnosis(layer, where, faulty[:_MOST_ROWS], f"{text}.{whose}")


_Found = tuple[str, Where, list[int], str]


def _of_data(batch: Batch, broken: list[int]) -> _Found | None:
    """What the rows that break hold themselves: some networks can do with a missing value."""
    places: tuple[tuple[Where, Any, str], ...] = (
        ("input", batch.inputs, "the inputs hold"),
        ("target", batch.targets, "the targets hold"),
        ("target", batch.weights, "the sample weights hold"),
    )
    for where, tree, text in places:
        at = bad_rows(tree, rows_in(batch))
        if at is not None and (not broken or not at or set(at) & set(broken)):
            return "", where, at, f"{text} {kind_of(tree)}"
    return None


def _of_weights(model: nn.Module) -> _Found | None:
    """A buffer may hold infinity, as masks do, but nothing may hold NaN."""
    for name, each in model.named_parameters():
        if is_bad(each):
            return name, "weight", [], f"'{name}' itself holds {kind_of(each)}"
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point() and bool(torch.isnan(buffer).any()):
            return name, "weight", [], f"'{name}' itself holds NaN"
    return None


def _of_pass(
    model: nn.Module,
    batch: Batch,
    loss: Loss,
    forward: Callable[[], AbstractContextManager[Any]],
) -> _Found:
    n = rows_in(batch)
    trace = Trace()
    with trace.on(model), forward():
        outputs = called_in_full(model, batch.inputs)
    total = loss.total(outputs, batch.targets, batch.weights)
    value = total / loss.size(batch.targets, batch.weights)
    if is_bad(value):
        return _of_forward(model, batch, trace, forward) or _of_loss(loss, batch, outputs, value)
    place = trace.backward(model, value) if value.requires_grad else None
    if place is None:
        return "", "nowhere", [], "all is finite when the batch is taken again"
    at = _by_halves(
        lambda low, high: _gradient_breaks(model, loss, part_of(batch, low, high), forward), n
    )
    return place[0], "gradient", at, place[1]


def _of_forward(
    model: nn.Module,
    batch: Batch,
    trace: Trace,
    forward: Callable[[], AbstractContextManager[Any]],
) -> _Found | None:
    if trace.bad is None:
        return None
    layer, tree, is_entering = trace.bad
    n, kind = rows_in(batch), kind_of(tree)
    at = bad_rows(tree, n) or _by_halves(
        lambda low, high: _forward_breaks(model, part_of(batch, low, high), forward), n
    )
    text = (
        f"{kind} comes up on the way into '{layer}'" if is_entering else f"'{layer}' gives {kind}"
    )
    return layer, "forward", at, text


def _of_loss(loss: Loss, batch: Batch, outputs: Any, value: Tensor) -> _Found:
    at = _by_halves(lambda low, high: _loss_breaks(loss, outputs, batch, low, high), rows_in(batch))
    return "", "loss", at, f"the loss gives {kind_of(value)} of outputs that are finite"


def _forward_breaks(model: nn.Module, part: Batch, forward: Callable[[], Any]) -> bool:
    model.eval()  # rows by themselves: batch norm of one row is not defined
    trace = Trace()
    with torch.no_grad(), trace.on(model), forward():
        outputs = called_in_full(model, part.inputs)
    return trace.bad is not None or is_bad(outputs)


def _loss_breaks(loss: Loss, outputs: Any, batch: Batch, low: int, high: int) -> bool:
    given = part_of(Batch(outputs, batch.targets, batch.weights), low, high)
    with torch.no_grad():
        return is_bad(loss.total(*given) / loss.size(given.targets, given.weights))


def _gradient_breaks(model: nn.Module, loss: Loss, part: Batch, forward: Callable[[], Any]) -> bool:
    model.eval()
    with forward():
        outputs = called_in_full(model, part.inputs)
    total = loss.total(outputs, part.targets, part.weights)
    moving = [each for each in model.parameters() if each.requires_grad]
    return any(
        each is not None and is_bad(each)
        for each in torch.autograd.grad(total, moving, allow_unused=True)
    )


def _by_halves(breaks: Callable[[int, int], bool], n: int) -> list[int]:
    """Positions that break by themselves, at most one more than are shown."""
    found: list[int] = []
    open_parts = [(0, n)] if n else []
    while open_parts and len(found) <= _MOST_ROWS:
        low, high = open_parts.pop()
        if not breaks(low, high):
            continue
        if high - low == 1:
            found.append(low)
            continue
        middle = (low + high) // 2
        open_parts += [(middle, high), (low, middle)]
    return found
