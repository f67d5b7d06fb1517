"""What was found by segment, in a form that is recorded and reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, Self

from assay.estimates import Estimate
from assay.segments.criteria import Criterion

MOST_CROSSING = 30
"""Crossings of all pairs of columns together that are looked at: those of most rows."""


@dataclass(frozen=True)
class Segment:
    """Some of the rows beside all others.

    Attributes:
        definition: Which rows, in words: 'sex = Female'.
        n: How many.
        share: Share of all rows that were judged, 0 to 1.
        estimate: The metric on them.
        difference: That of the rest minus it, or the reverse where less is better: positive means
            that the segment is worse.
        rates: For a binary task, as far as defined: 'selection_rate', 'recall' and
            'false_positive_rate'.
        criteria: What the rows meet, one column each; empty in runs that were recorded without it.
    """

    definition: str
    n: int
    share: float
    estimate: Estimate
    difference: Estimate
    rates: Mapping[str, float]
    criteria: tuple[Criterion, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Whether it is worse than the rest beyond chance."""
        return self.difference.low is not None and self.difference.low > 0

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "estimate": _written(self.estimate),
            "difference": _written(self.difference),
            "rates": dict(self.rates),
            "criteria": [each.as_dict() for each in self.criteria],
        }

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**self.as_dict(), "is_worse": self.is_worse}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        read = {name: _read(record[name]) for name in ("estimate", "difference")}
        return cls(**{**record, **read, "criteria": _criteria(record)})


@dataclass(frozen=True)
class Gap:
    """The two segments that are furthest apart.

    Attributes:
        metric: In what.
        high: The segment with the higher value.
        low: That with the lower one.
        estimate: The difference, its interval as wide as the number of pairs demands.
    """

    metric: str
    high: str
    low: str
    estimate: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "estimate": self.estimate.as_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "estimate": Estimate(**record["estimate"])})


@dataclass(frozen=True)
class Parity:
    """Whether a binary model decides alike for all segments, as fairlearn defines it.

    Attributes:
        demographic: Largest difference of selection rates; zero is demographic parity.
        demographic_ratio: Lowest selection rate over the highest.
        odds: The larger of the largest differences of recall and of false-positive rate; zero is
            equalised odds.
        odds_ratio: The smaller of the ratios, lowest over highest, of the two.
    """

    demographic: Gap
    demographic_ratio: float
    odds: Gap | None
    odds_ratio: float | None

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "demographic": self.demographic.as_dict(),
            "odds": self.odds.as_dict() if self.odds is not None else None,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        odds = record["odds"]
        read = {
            "demographic": Gap.from_dict(record["demographic"]),
            "odds": Gap.from_dict(odds) if odds is not None else None,
        }
        return cls(**{**record, **read})


@dataclass(frozen=True)
class Division:
    """All rows by a declared column, or by two that cross.

    Attributes:
        columns: One, or two.
        segments: Worst first.
        gap: Between the worst and the best; None where fewer than two can be measured.
        parity: For a binary task; None likewise.
        left_out: Rows of combinations that are too few to be shown.
    """

    columns: tuple[str, ...]
    segments: tuple[Segment, ...]
    gap: Gap | None
    parity: Parity | None
    left_out: int = 0

    @property
    def name(self) -> str:
        """'sex', or 'sex and race'."""
        return " and ".join(self.columns)

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "columns": list(self.columns),
            "segments": [each.as_dict() for each in self.segments],
            "gap": self.gap.as_dict() if self.gap is not None else None,
            "parity": self.parity.as_dict() if self.parity is not None else None,
        }

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        segments = [each.summary() for each in self.segments]
        return {"name": self.name, **self.as_dict(), "segments": segments}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        gap, parity = record["gap"], record["parity"]
        read = {
            "columns": tuple(record["columns"]),
            "segments": tuple(map(Segment.from_dict, record["segments"])),
            "gap": Gap.from_dict(gap) if gap is not None else None,
            "parity": Parity.from_dict(parity) if parity is not None else None,
        }
        return cls(**{**record, **read})


@dataclass(frozen=True)
class Weakness:
    """A weak segment that was found on some rows, and what others say of it.

    Attributes:
        definition: Which rows, in words: 'age ≤ 25 and city = Oslo'.
        columns: The columns in it.
        n: How many, of all rows that were judged.
        share: Their share of them, 0 to 1.
        value: Accuracy, or the mean absolute error, on the confirming rows among them.
        rest: The same on the other confirming rows.
        difference: How much worse, positive, from confirming rows only; its interval as wide as
            the number of segments that were tried on them demands.
        expected: How often the model expected to be right on these confirming rows, by its own
            probabilities; None for a regression, and where there is no such row.
        criteria: What the rows meet, one column each; empty in runs that were recorded without it.
    """

    definition: str
    columns: tuple[str, ...]
    n: int
    share: float
    value: float
    rest: float
    difference: Estimate
    expected: float | None = None
    criteria: tuple[Criterion, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Whether the confirming rows say that it is worse than the rest beyond chance."""
        return self.difference.low is not None and self.difference.low > 0

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "columns": list(self.columns),
            "value": _without_nan(self.value),
            "rest": _without_nan(self.rest),
            "difference": _written(self.difference),
            "criteria": [each.as_dict() for each in self.criteria],
        }

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**self.as_dict(), "is_worse": self.is_worse}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        read = {
            "columns": tuple(record["columns"]),
            "value": _with_nan(record["value"]),
            "rest": _with_nan(record["rest"]),
            "difference": _read(record["difference"]),
            "criteria": _criteria(record),
        }
        return cls(**{**record, **read})


MEASURES = {"accuracy": "accuracy", "exact_match": "exact match", "mae": "mean absolute error"}
"""What weak segments are found by, in words."""


@dataclass(frozen=True)
class Segments:
    """A model by segment, on the rows that it was judged on in training, or on sealed rows.

    Attributes:
        metric: What declared segments are compared by.
        n: Rows that were judged.
        level: Level at which all intervals hold together.
        divisions: By declared column, then by pairs of them.
        measure: What weak segments are found by, one of `MEASURES`.
        weak: Those that were confirmed, weakest first; on sealed rows these very ones, confirmed
            or not.
        tried: How many were proposed on some rows and tried on others.
        reason: Why none was looked for; empty where they were.
    """

    metric: str
    n: int
    level: float
    divisions: tuple[Division, ...]
    measure: str
    weak: tuple[Weakness, ...]
    tried: int
    reason: str = ""

    @property
    def n_declared(self) -> int:
        """How many declared segments were looked at."""
        return sum(len(each.segments) for each in self.divisions)

    @property
    def criteria(self) -> tuple[tuple[Criterion, ...], ...]:
        """What the rows of each segment meet, of declared ones and of weak ones."""
        declared = [one.criteria for each in self.divisions for one in each.segments]
        return (*declared, *(each.criteria for each in self.weak))

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "divisions": [each.as_dict() for each in self.divisions],
            "weak": [each.as_dict() for each in self.weak],
        }

    def summary(self) -> dict[str, Any]:
        """What `--json` prints: everything by the names that it has here."""
        return {
            **self.as_dict(),
            "divisions": [each.summary() for each in self.divisions],
            "weak": [each.summary() for each in self.weak],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        read = {
            "divisions": tuple(map(Division.from_dict, record["divisions"])),
            "weak": tuple(map(Weakness.from_dict, record["weak"])),
        }
        return cls(**{**record, **read})


def _written(estimate: Estimate) -> dict[str, Any]:
    return {**estimate.as_dict(), "value": _without_nan(estimate.value)}


def _read(record: Mapping[str, Any]) -> Estimate:
    return Estimate(**{**record, "value": _with_nan(record["value"])})


def _criteria(record: Mapping[str, Any]) -> tuple[Criterion, ...]:
    return tuple(map(Criterion.from_dict, record.get("criteria", ())))


def _without_nan(value: float) -> float | None:
    """Null, as JSON has no NaN, where a number is not defined."""
    return None if isnan(value) else value


def _with_nan(value: float | None) -> float:
    return nan if value is None else value
