"""What the model has seen of a column: by this, gaps, unseen levels and far values are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.inference.strictness import SLACK
from assay.serving.cells import Reading, days

_SHOWN_LEVELS = 8


@dataclass(frozen=True)
class Seen:
    """What a column was like in training, as `inference.strictness` judges by it.

    Attributes:
        reading: How its cells are read.
        gaps: Whether a value was missing.
        low: Smallest value, in days since 1970 for dates; None where there is no order.
        high: Largest value.
        levels: Levels of a category; None where every one is welcome.
    """

    reading: Reading
    gaps: bool
    low: float | None = None
    high: float | None = None
    levels: frozenset[str] | None = None

    @classmethod
    def of(cls, learnt: Mapping[str, Any], reading: Reading) -> Seen:
        """From what `strictness.seen` wrote of the column."""
        levels = learnt.get("levels")
        return cls(
            reading,
            gaps=learnt["gaps"] or reading.kind == "text",  # a missing text is an empty one
            low=learnt.get("low"),
            high=learnt.get("high"),
            levels=None if levels is None else frozenset(levels),
        )

    def is_odd(self, cells: Sequence[Any]) -> bool:
        """Whether one of some cells, none missing, is unlike what was seen."""
        if self.levels is not None:
            named = cells if self.reading.is_text else map(_level, cells)
            return not self.levels.issuperset(named)
        if self.low is None or self.high is None:
            return False
        slack = SLACK * (self.high - self.low)
        numbers: Sequence[float] = cells
        if self.reading.kind == "datetime":
            read_as = f"datetime {self.reading.form}".rstrip()
            numbers = [days(cell, read_as) for cell in cells]
        return min(numbers) < self.low - slack or max(numbers) > self.high + slack

    def told(self, hides: bool) -> tuple[str, str]:
        """What is odd about a cell that is, and what to do about it."""
        if self.levels is not None:
            levels = sorted(self.levels)
            more = ", ..." if len(levels) > _SHOWN_LEVELS else ""
            known = f"one of {', '.join(levels[:_SHOWN_LEVELS])}{more}"
            return "was never seen before", "send a known level" if hides else f"send {known}"
        assert self.low is not None
        assert self.high is not None
        ends = f"{self._in_words(self.low)} to {self._in_words(self.high)}"
        mend = "look at its unit" if hides else f"look at its unit: seen was {ends}"
        return "is far beyond what was seen", mend

    def _in_words(self, end: float) -> str:
        if self.reading.kind != "datetime":
            return f"{end:.6g}"
        return (date(1970, 1, 1) + timedelta(days=end)).isoformat()


def _level(cell: Any) -> str:
    """The level that a truth value or a number stands for, as `feature_frame` names it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
