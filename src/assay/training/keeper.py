"""Keeping states: the newest, the best and the one to return to; on a disk, or else in memory.

At the end of every epoch, and in between by the clock. What training returns to after NaN is never
a state that the clock chose: one that was resumed returns to the same as one that never stopped.
Epochs that follow each other quickly are held in memory, so that a small network does not wait for
the disk; they are written before whatever is written after them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from assay.errors import InputError
from assay.training.checkpoint import Checkpoints
from assay.training.state import copied

State = Mapping[str, Any]
_SPARING_S = 1.0
"""Seconds from one end of an epoch on the disk to the next."""


class Keeper:
    """Keeps states of a training; to be closed.

    Args:
        folder: Where checkpoints go; None to hold in memory what is needed while it trains.
        keep: Ends of epochs that are kept.
    """

    def __init__(self, folder: Path | None, keep: int) -> None:
        self._folder = folder
        self._serial = 0
        self._good: State | None = None
        self._best: State | None = None
        self._is_best_written = True
        self._wrote_at = float("-inf")
        self._slots: dict[str, Checkpoints] = {}
        with ExitStack() as opened:
            for name, most in (("epochs", keep), ("moments", 1), ("best", 1)):
                if folder is not None:
                    self._slots[name] = opened.enter_context(Checkpoints(folder / name, most))
            self._open = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def refuse_to_begin_anew(self) -> None:
        """Refuse to begin where another training has left its states.

        Raises:
            InputError: It has.
        """
        if self.newest() is not None:
            raise InputError(
                "The folder holds checkpoints of an earlier training.",
                where=str(self._folder),
                mend="go on from them with resume=True, or name another folder",
            )

    def newest(self) -> State | None:
        """The state that was saved last and is whole; None if there is none."""
        found = [self._slots[name].latest() for name in ("epochs", "moments") if self._slots]
        states = [state for state in found if state is not None]
        newest = max(states, key=lambda state: state["serial"], default=None)
        if newest is not None:
            self._serial = newest["serial"]
        return newest

    def end_of_epoch(self, state: State) -> None:
        """Keep a state to return to; it may change as soon as this returns."""
        state = self._numbered(state)
        if self._slots and time.monotonic() - self._wrote_at >= _SPARING_S:
            self._write_end(state)
        else:
            self._good = copied(state)

    def moment(self, state: State, *, waits: bool = False) -> None:
        """Keep a state to go on from, if there is a disk.

        Args:
            state: As it is now.
            waits: Whether to wait until everything is on the disk.
        """
        if not self._slots:
            return
        state = self._numbered(state)
        self.write_what_is_held()
        self._slots["moments"].save(state, step=state["step"], after=self._slots["epochs"])
        if waits:
            for each in self._slots.values():
                each.wait()

    def keep_best(self, step: int, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights of the best evaluation so far."""
        self._best = copied({"step": step, "weights": dict(weights)})
        self._is_best_written = False

    def write_what_is_held(self) -> None:
        """Have the disk keep the best weights, and then the end of the last epoch."""
        if not self._slots:
            return
        self._write_best()
        if self._good is not None:
            self._write_end(self._good)

    def good(self) -> State | None:
        """The state at the end of the last epoch; None if it could not be kept."""
        if self._good is not None or not self._slots:
            return self._good
        return self._slots["epochs"].latest()

    def best(self, step: int) -> State | None:
        """The weights of the evaluation at a step; None if they are not, or no longer, there."""
        found = self._best
        if found is None and self._slots:
            found = self._slots["best"].latest()
        return found if found is not None and found["step"] == step else None

    def _numbered(self, state: State) -> State:
        self._serial += 1
        return {**state, "serial": self._serial}

    def _write_end(self, state: State) -> None:
        """Write the end of an epoch, after the best weights, which it speaks of."""
        self._write_best()
        self._slots["epochs"].save(state, step=state["step"], after=self._slots["best"])
        self._good, self._wrote_at = None, time.monotonic()

    def _write_best(self) -> None:
        if self._best is not None and not self._is_best_written:
            self._slots["best"].save(self._best, step=self._best["step"])
            self._is_best_written = True
