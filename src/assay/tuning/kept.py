"""Kept: what a search for an ensemble decided and fitted, on the disk as it goes.

A search that is killed is done again by the same command, and takes from here what it had come to:
nothing that ended is fitted twice, and what is tried next is what would have been tried. All of it
is arrays and JSON: nothing is unpickled that somebody else may have written.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.learners.candidates import Candidate
from assay.predictions import Labels, Predictions
from assay.tuning.configurations import Configuration, FoldFit
from assay.workspace import atomic_write

_ARRAYS = ("rows", "values", "probabilities", "scores")
_ABOUT = "about"


@dataclass(frozen=True)
class Decision:
    """What was decided to be tried next.

    Attributes:
        number: Of the first of the configurations; those after it count on.
        candidates: What they are.
        heard: What proposals had been told since the last ones, by number, in this order, before
            these were made; None of what nobody had to propose.
    """

    number: int
    candidates: tuple[Candidate, ...]
    heard: tuple[tuple[int, float | None], ...] | None = None


@dataclass(frozen=True)
class Ended:
    """A fit that ended, and what came of it.

    Attributes:
        number: Of the configuration.
        fold: The fold that was left out.
        fit: What it gave.
        dropped: Why the configuration is no longer gone on with; else empty.
        n_folds: How many folds are to be fitted; None before that was settled.
        loss: Of the configuration, if it is complete with this fit; else None.
    """

    number: int
    fold: int
    fit: FoldFit
    dropped: str = ""
    n_folds: int | None = None
    loss: float | None = None


class Kept:
    """A folder of what was decided and fitted, which one process at a time writes to.

    Args:
        folder: The folder; it need not exist.

    Attributes:
        spent: Seconds that the search had taken in earlier processes when it last kept something.
        since: When it would have begun, had it never been interrupted, in seconds of
            `time.monotonic()`.
    """

    def __init__(self, folder: Path) -> None:
        self._decisions, self._fits = folder / "decisions", folder / "fits"
        self._run = folder / "run"
        self._n_fits = len([*self._fits.glob("*.npz")])
        self.spent = max((each["spent"] for each in self._noted()), default=0.0)
        self.counts_from(time.monotonic())

    def counts_from(self, begun: float) -> None:
        """This process has been searching since then, in seconds of `time.monotonic()`."""
        self.since = begun - self.spent

    def decide(self, decision: Decision) -> None:
        """Keep what is going to be tried, before it is: all of it or nothing."""
        told = {
            "candidates": [each.model_dump(mode="json") for each in decision.candidates],
            "heard": decision.heard,
            "spent": self._by_now,
        }
        path = self._decisions / f"{decision.number:06d}.json"
        atomic_write(path, json.dumps(told), mode=0o600)

    def keep(self, ended: Ended) -> None:
        """Keep a fit that ended."""
        told = {**vars(ended), **vars(ended.fit), "spent": self._by_now}
        said = told.pop("predictions")
        del told["fit"]
        about = np.frombuffer(json.dumps(told, default=_plain).encode(), dtype=np.uint8)
        arrays: dict[str, Any] = {_ABOUT: about}
        for name in _ARRAYS if said is not None else ():
            if getattr(said, name) is not None:
                arrays[name] = getattr(said, name)
        file = io.BytesIO()
        np.savez(file, **arrays)
        atomic_write(self._fits / f"{self._n_fits:06d}.npz", file.getvalue(), mode=0o600)
        self._n_fits += 1

    def decisions(self) -> list[Decision]:
        """What was decided, by number."""
        found = []
        for path in sorted(self._decisions.glob("*.json")):
            told = json.loads(path.read_bytes())
            candidates = tuple(Candidate(**each) for each in told["candidates"])
            heard = told["heard"]
            pairs = None if heard is None else tuple((each, loss) for each, loss in heard)
            found.append(Decision(int(path.stem), candidates, pairs))
        return found

    def fits(self, classes: Labels) -> list[Ended]:
        """The fits, in the order in which they ended.

        Args:
            classes: Labels of the classes; empty for a regression.
        """
        return [_read(path, classes) for path in sorted(self._fits.glob("*.npz"))]

    def begun(self, classes: Labels, most: int | None) -> tuple[list[Configuration], list[Ended]]:
        """The configurations that were begun, as they were, and their fits.

        Args:
            classes: As for `fits`.
            most: No more than these are wanted; None for no limit.
        """
        decided = [candidate for each in self.decisions() for candidate in each.candidates]
        found = [Configuration(*each) for each in enumerate(decided[:most])]
        fits = [each for each in self.fits(classes) if each.number < len(found)]
        for each in fits:
            found[each.number].take(each.fold, each.fit)
            found[each.number].dropped = each.dropped
        return found, fits

    @property
    def run_id(self) -> str | None:
        """The run that the search is recorded in; None before there is one."""
        return self._run.read_text(encoding="utf-8") if self._run.exists() else None

    @run_id.setter
    def run_id(self, run_id: str) -> None:
        atomic_write(self._run, run_id, mode=0o600)

    @property
    def is_worth_nothing(self) -> bool:
        """Whether no fit came to predictions."""
        return all(each["failed"] for each in map(_about, self._fits.glob("*.npz")))

    @property
    def _by_now(self) -> float:
        return time.monotonic() - self.since

    def _noted(self) -> list[Mapping[str, Any]]:
        decided = [json.loads(each.read_bytes()) for each in self._decisions.glob("*.json")]
        return [*decided, *map(_about, self._fits.glob("*.npz"))]


def _about(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        about: dict[str, Any] = json.loads(arrays[_ABOUT].tobytes())
    return about


def _read(path: Path, classes: Labels) -> Ended:
    with np.load(path, allow_pickle=False) as held:
        arrays = dict(held)
    told = json.loads(arrays.pop(_ABOUT).tobytes())
    said = None
    if arrays:
        of_classes = classes if "probabilities" in arrays else None
        said = Predictions(**arrays, classes=of_classes)
    of_search = {name: told[name] for name in ("number", "fold", "dropped", "n_folds", "loss")}
    of_fit = {name: told[name] for name in vars(FoldFit()) if name != "predictions"}
    fit = replace(FoldFit(**of_fit), predictions=said, warned=tuple(told["warned"]))
    return Ended(fit=fit, **of_search)


def _plain(value: Any) -> Any:
    """A number of numpy's as Python's."""
    return value.item()
