"""A choice: how sure a threshold is, and what it is worth beside others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.estimates import Estimate

AT_HALF, BY_THEORY, ALL_NEGATIVE, ALL_POSITIVE = (
    "0.5",
    "decision theory",
    "all negative",
    "all positive",
)
"""What a choice is shown beside; where costs are known all of them, else the first."""


@dataclass(frozen=True)
class Alternative:
    """Another decision about the same rows.

    Attributes:
        name: Which: one of those above.
        threshold: From which probability on it says yes; None where it looks at none.
        reached: The goal's value there.
        gain: By how much the choice is better, with a paired interval: of a cost what is saved.
        held: The value of the metric that must reach a floor; None where there is no floor.
    """

    name: str
    threshold: float | None
    reached: Estimate
    gain: Estimate
    held: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "reached": self.reached.as_dict(), "gain": self.gain.as_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Alternative:
        """Read back what `as_dict` wrote."""
        told = {name: Estimate(**record[name]) for name in ("reached", "gain")}
        return cls(**{**record, **told})


@dataclass(frozen=True)
class GoalCurve:
    """A goal's value by threshold, rising, on the rows it is chosen on, shape (p,) each.

    Attributes:
        thresholds: Each value holds from the threshold before it up to its own.
        reached: The goal's value.
        low: Where it lies on resamples of these rows, at each threshold by itself; empty where
            there are too few rows to say.
        high: The same.
        meets: Whether the floor is met; true where there is none.
    """

    thresholds: tuple[float, ...]
    reached: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    meets: tuple[bool, ...]


@dataclass(frozen=True)
class Choice:
    """What rows drawn again would choose, and what rows reach that did not take part.

    Attributes:
        reached: The goal's value where each row is decided by what the others chose.
        held: There, the metric that must reach a floor; None where there is no floor.
        level: What share of the resamples `low` to `high` holds.
        low: Where resamples of these rows choose; None where that cannot be said, or nothing is
            chosen. No confidence interval: what is best varies by more than the bootstrap shows.
        high: The same.
        lost: What thresholds from `low` to `high` lose of the goal at most, on these rows.
        missed: What share of the resamples chooses a threshold that misses the floor on these rows.
        reason: Why there is no `low`; None where there is one.
        alternatives: What it is shown beside.
        curve: The goal by threshold.
        given_classes: Whether so many rows of each class were asked for: what depends on their
            shares then holds for these only. False in runs that were recorded without it.
    """

    reached: Estimate
    held: Estimate | None
    level: float
    low: float | None
    high: float | None
    lost: float | None
    missed: float | None
    reason: str | None
    alternatives: tuple[Alternative, ...]
    curve: GoalCurve
    given_classes: bool = False

    def beside(self, name: str) -> Alternative | None:
        """The alternative of this name; None where there is none."""
        return next((each for each in self.alternatives if each.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "reached": self.reached.as_dict(),
            "held": self.held.as_dict() if self.held is not None else None,
            "alternatives": [each.as_dict() for each in self.alternatives],
            "curve": {name: list(each) for name, each in vars(self.curve).items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Choice:
        """Read back what `as_dict` wrote."""
        held = record["held"]
        told = {
            "reached": Estimate(**record["reached"]),
            "held": Estimate(**held) if held is not None else None,
            "alternatives": tuple(map(Alternative.from_dict, record["alternatives"])),
            "curve": GoalCurve(**{name: tuple(each) for name, each in record["curve"].items()}),
        }
        return cls(**{**record, **told})
