"""Freezing: which blocks move in which epoch, how fast, and how far they have moved at the end.

What the network itself has frozen (`requires_grad` is false) stays so: phases only take away. A
block that does not move keeps the statistics of its norms too: batch norm in training mode would
change what a frozen block computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from assay.errors import LearnerError
from assay.training.blocks import Block, blocks
from assay.training.schedules import peak_rate
from assay.training.settings import LoopSettings, Phase

__all__ = ["Block", "Movement", "Phases", "blocks", "moved", "peaks", "weights"]


def peaks(settings: LoopSettings, phase: Phase | None, n_blocks: int) -> tuple[float, ...]:
    """The highest rate of each block, from the output down; 0 for one that is frozen.

    Args:
        settings: Of the training.
        phase: The one in question; None where there are no phases.
        n_blocks: As many as the network has.
    """
    if phase is None:
        top, decay, n_moving = settings.learning_rate, settings.layer_decay, n_blocks
    else:
        top, decay = phase.learning_rate or settings.learning_rate, phase.layer_decay
        n_moving = n_blocks if phase.layers == "all" else phase.layers
    rate = peak_rate(settings, top)
    return tuple(rate * decay**i if i < n_moving else 0.0 for i in range(n_blocks))


class Phases:
    """The phases of a training, on a network.

    Args:
        settings: Of the training. Without phases all moves all the time.
        model: The network, before anything has been frozen by phases.

    Raises:
        LearnerError: A phase names more blocks than there are, or none that may move.
    """

    def __init__(self, settings: LoopSettings, model: nn.Module) -> None:
        self._settings = settings
        self.blocks = blocks(model)
        self._own = {name for name, each in model.named_parameters() if each.requires_grad}
        self._ends = list(accumulate(phase.epochs for phase in settings.phases))
        self._norms = _norms_by_block(model, self.blocks)
        self._held: list[nn.Module] = []
        for i, phase in enumerate(settings.phases):
            self._check(i, phase)

    def at(self, epoch: int) -> int | None:
        """The number of the phase that an epoch is in, both from zero; None without phases."""
        if not self._ends:
            return None
        return min(sum(end <= epoch for end in self._ends), len(self._ends) - 1)

    def apply(self, epoch: int, optimizer: Optimizer) -> tuple[str, ...]:
        """Make the network and its optimizer those of an epoch.

        The state that the optimizer has of a block is kept while the block is frozen, and begins
        when it first moves. To be called as an epoch begins, and after a checkpoint was loaded.

        Args:
            epoch: From zero.
            optimizer: From `make_optimizer`, with the same settings.

        Returns:
            The names of the blocks that move, from the output down.
        """
        number = self.at(epoch)
        if number is not None:
            rates = peaks(self._settings, self._settings.phases[number], len(self.blocks))
            self._move(rates)
            for group in optimizer.param_groups:
                group["peak"] = rates[group["block"]]
        moving = [any(p.requires_grad for p in block.parameters.values()) for block in self.blocks]
        self._held = [
            norm
            for norms, moves in zip(self._norms, moving, strict=True)
            for norm in norms
            if not moves
        ]
        return tuple(b.name for b, moves in zip(self.blocks, moving, strict=True) if moves)

    def hold(self) -> None:
        """Put the norms of frozen blocks into evaluation; to be called after `model.train()`."""
        for norm in self._held:
            norm.eval()

    def release(self) -> None:
        """Let everything move that moved before there were phases."""
        for name, parameter in self._parameters():
            parameter.requires_grad_(name in self._own)
        self._held = []

    def _move(self, rates: tuple[float, ...]) -> None:
        for block, rate in zip(self.blocks, rates, strict=True):
            for name, parameter in block.parameters.items():
                parameter.requires_grad_(rate > 0 and name in self._own)
                if not parameter.requires_grad:
                    parameter.grad = None  # an optimizer would let a zero decay

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        for block in self.blocks:
            yield from block.parameters.items()

    def _check(self, number: int, phase: Phase) -> None:
        n_blocks = len(self.blocks)
        names = ", ".join(block.name or "all of it" for block in self.blocks)
        where = f"training.phases, number {number + 1}"
        if phase.layers != "all" and not 1 <= phase.layers <= n_blocks:
            raise LearnerError(
                f"A phase moves {phase.layers} blocks; the network has {n_blocks}.",
                where=f"{where} (from the output down: {names})",
                mend=f"layers: a number from 1 to {n_blocks}, or all",
            )
        moving = self.blocks if phase.layers == "all" else self.blocks[: phase.layers]
        if not any(name in self._own for block in moving for name in block.parameters):
            raise LearnerError(
                "A phase moves nothing: the network has frozen every parameter of its blocks.",
                where=f"{where} (from the output down: {names})",
                mend="hand over the network unfrozen, `model.requires_grad_(True)`: "
                "phases freeze it themselves",
            )


@dataclass(frozen=True)
class Movement:
    """How far a block has moved.

    Attributes:
        block: Its name.
        n_parameters: Numbers that it is made of.
        relative: Length of the way over the length of the weights before: |after - before| /
            |before|; infinite where all of them were zero.
    """

    block: str
    n_parameters: int
    relative: float


def weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the parameters, with which `moved` compares."""
    return {name: each.detach().clone() for name, each in model.named_parameters()}


def moved(before: dict[str, Tensor], model: nn.Module) -> tuple[Movement, ...]:
    """How far each block has moved, from the output down; 0 only where no bit is another one."""
    found = []
    for block in blocks(model):
        way = length = 0.0
        for name, parameter in block.parameters.items():
            start = before[name].to(parameter.device, torch.float64)
            way += float((parameter.detach().double() - start).square().sum())
            length += float(start.square().sum())
        relative = (way / length) ** 0.5 if length else float("inf") if way else 0.0
        size = sum(each.numel() for each in block.parameters.values())
        found.append(Movement(block.name, size, relative))
    return tuple(found)


def _norms_by_block(model: nn.Module, parts: tuple[Block, ...]) -> list[list[nn.Module]]:
    """The norms that keep statistics; one in no block goes with the block at the input."""
    where = {
        id(module): i
        for i, block in enumerate(parts)
        for part in block.modules
        for module in part.modules()
    }
    norms: list[list[nn.Module]] = [[] for _ in parts]
    for module in model.modules():
        if norms and getattr(module, "running_mean", None) is not None:
            norms[where.get(id(module), -1)].append(module)
    return norms
