"""The profile: what the columns of the development rows hold, and how the target is distributed.

Values only, recorded with the run for people to look at; `profiling` measures them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.predictions import Floats

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Histogram:
    """Rows by bins of equal width.

    Attributes:
        low: Where the first bin starts.
        high: Where the last one ends.
        counts: Rows by bin.
        below: Rows under the first bin: a tail too long to be drawn.
        above: Rows over the last one.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0

    @property
    def edges(self) -> Floats:
        """Where the bins start and end, shape (bins + 1,)."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Histogram:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "counts": tuple(record["counts"])})


@dataclass(frozen=True)
class Numbers:
    """How finite numbers are spread; dates are days since 1970.

    Attributes:
        quantiles: At the shares of `QUANTILES`: the least first, the median in the middle.
        histogram: Rows by bins of equal width.
    """

    quantiles: tuple[float, ...]
    histogram: Histogram

    def at(self, share: float) -> float:
        """The quantile at one of the shares of `QUANTILES`."""
        return self.quantiles[QUANTILES.index(share)]

    def as_dict(self) -> dict[str, Any]:
        return {"quantiles": list(self.quantiles), "histogram": self.histogram.as_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Numbers:
        """Read back what `as_dict` wrote."""
        return cls(tuple(record["quantiles"]), Histogram.from_dict(record["histogram"]))


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds.

    Attributes:
        name: Its name.
        n: Rows with a value.
        missing: Rows without one.
        distinct: Distinct values.
        infinite: Rows whose number is infinite; they are in no quantile and no bin.
        numbers: Of numbers and dates; None for others, and where no number is finite.
        levels: Rows of the most frequent levels of a category or truth value, by label.
        mean_length: Characters of a free text on average.
    """

    name: str
    n: int
    missing: int
    distinct: int
    infinite: int = 0
    numbers: Numbers | None = None
    levels: tuple[tuple[str, int], ...] = ()
    mean_length: float | None = None

    def as_dict(self) -> dict[str, Any]:
        numbers = self.numbers.as_dict() if self.numbers is not None else None
        return {**self.__dict__, "numbers": numbers, "levels": [list(each) for each in self.levels]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ColumnProfile:
        """Read back what `as_dict` wrote."""
        numbers = record["numbers"]
        return cls(
            **{
                **record,
                "numbers": Numbers.from_dict(numbers) if numbers is not None else None,
                "levels": tuple((label, n) for label, n in record["levels"]),
            }
        )


@dataclass(frozen=True)
class Together:
    """Two labels that rows have together.

    Attributes:
        first: The more frequent one.
        second: The other.
        n: Rows that have both.
        expected: Rows that would by chance, were the labels given independently of each other.
        tells: Whether that is more or less than chance would give, at 95 % over all pairs.
    """

    first: str
    second: str
    n: int
    expected: float
    tells: bool


@dataclass(frozen=True)
class TargetProfile:
    """How the target is distributed.

    Attributes:
        classes: Rows by class, in the order of the schema; empty for a regression.
        numbers: Of a regression.
        mean: Of a regression's finite values.
        skewness: Third standardised moment, 0 for a symmetric distribution; None where it is not
            defined.
        per_row: Where rows may have several labels, rows by how many they have: without any first.
        together: Pairs of labels that rows have together, those least like chance first.
    """

    classes: Mapping[str, int]
    numbers: Numbers | None = None
    mean: float | None = None
    skewness: float | None = None
    per_row: tuple[int, ...] = ()
    together: tuple[Together, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "classes": dict(self.classes),
            "numbers": self.numbers.as_dict() if self.numbers is not None else None,
            "per_row": list(self.per_row),
            "together": [dict(each.__dict__) for each in self.together],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TargetProfile:
        """Read back what `as_dict` wrote."""
        numbers = record["numbers"]
        return cls(
            **{
                **record,
                "numbers": Numbers.from_dict(numbers) if numbers is not None else None,
                "per_row": tuple(record.get("per_row", ())),
                "together": tuple(Together(**each) for each in record.get("together", ())),
            }
        )


@dataclass(frozen=True)
class Gap:
    """Features that miss together, and the target of the rows in which they do.

    Attributes:
        columns: The one with most missing rows first.
        missing: Rows without a value of the first.
        together: Rows in which all of them miss.
        label: The class whose share differs most; empty for a regression.
        when_missing: Share of that class, or mean of the target, where the first is missing.
        when_present: The same where it is not.
        difference: Missing minus present: of the shares, or for a regression of where the rows
            stand on average when all are put in order of the target, 0 the lowest and 1 the
            highest.
        chance: Lowest and highest difference that chance alone would give, at 95 % over all gaps.
    """

    columns: tuple[str, ...]
    missing: int
    together: int
    label: str
    when_missing: float
    when_present: float
    difference: float
    chance: tuple[float, float]

    @property
    def tells(self) -> bool:
        """Whether the difference is more than chance."""
        return not self.chance[0] <= self.difference <= self.chance[1]

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "columns": list(self.columns), "chance": list(self.chance)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Gap:
        """Read back what `as_dict` wrote."""
        low, high = record["chance"]
        return cls(**{**record, "columns": tuple(record["columns"]), "chance": (low, high)})


@dataclass(frozen=True)
class Profile:
    """What the development rows hold.

    Attributes:
        n: Rows.
        complete: Rows in which no feature is missing.
        columns: One for each column of the table, in its order.
        target: How the target is distributed.
        gaps: Sets of features that miss together, those that tell most of the target first.
    """

    n: int
    complete: int
    columns: tuple[ColumnProfile, ...]
    target: TargetProfile
    gaps: tuple[Gap, ...]

    def column(self, name: str) -> ColumnProfile | None:
        """The column of this name, if there is one."""
        return next((each for each in self.columns if each.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "complete": self.complete,
            "columns": [each.as_dict() for each in self.columns],
            "target": self.target.as_dict(),
            "gaps": [each.as_dict() for each in self.gaps],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Profile:
        """Read back what `as_dict` wrote."""
        return cls(
            n=record["n"],
            complete=record["complete"],
            columns=tuple(ColumnProfile.from_dict(each) for each in record["columns"]),
            target=TargetProfile.from_dict(record["target"]),
            gaps=tuple(Gap.from_dict(each) for each in record["gaps"]),
        )
