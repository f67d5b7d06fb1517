"""Rows and answers, as they come from JSON and go back to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""Values by column."""
Columns = dict[str, list[Any]]
"""Values of all rows, by column."""
Answer = dict[str, Any]
"""'prediction' (a label, a list of labels, or a number) and, of a classifier, 'probabilities' by
label as text."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that fit a model.

    Attributes:
        columns: The values of each feature, as the model takes them; None where one is missing.
        n: Number of rows.
        is_clean: Whether there is nothing about them that a policy would have to see to.
    """

    columns: Columns
    n: int
    is_clean: bool

    @property
    def rows(self) -> list[Row]:
        """The same, row by row."""
        names = [*self.columns]
        cells = zip(*self.columns.values(), strict=True)
        return [dict(zip(names, each, strict=True)) for each in cells]

    @classmethod
    def joined(cls, tables: Sequence[Table]) -> Table:
        """The rows of several, one after the other."""
        if len(tables) == 1:
            return tables[0]
        names = [*tables[0].columns]
        columns = {name: [cell for each in tables for cell in each.columns[name]] for name in names}
        is_clean = all(each.is_clean for each in tables)
        return cls(columns, sum(each.n for each in tables), is_clean)
