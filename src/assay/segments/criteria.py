"""Criteria: what the rows of a segment meet, recorded so that they are found in any table.

So a segment that was declared or found on some rows means the same on others: its levels and ends
are not those of the rows that it is looked at on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Test = Literal["range", "number", "level", "others", "missing"]


@dataclass(frozen=True)
class Criterion:
    """What rows meet by one column.

    Attributes:
        column: The column.
        test: Whether its values are in a range, are a number, are among levels, are others than
            these, or are missing.
        levels: The levels, as text.
        above: What numbers of the range are above; None where it has no lower end.
        up_to: The last number of the range, likewise; or the number.
    """

    column: str
    test: Test
    levels: tuple[str, ...] = ()
    above: float | None = None
    up_to: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "levels": tuple(record["levels"])})
