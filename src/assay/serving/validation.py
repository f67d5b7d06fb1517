"""Validation: rows are held against the model's schema, and every problem of every row is told.

What is done about gaps, unseen levels and far values is the model's own policy, and what it does
with them is done by `inference.strictness`, which has the last word. This module looks first, by
column, so that a client is told of all rows at once; and it is stricter about types: a number is
not a text, and an image is never the path of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from operator import itemgetter
from typing import Any

from assay.inference.loading import LoadedModel
from assay.serving.cells import MISSING, Reading, reading_of
from assay.serving.refusal import Problem, Refusal, shown
from assay.serving.rows import Columns, Row, Table
from assay.serving.seen import Seen

_MOST_LOOKED_UP = 20
"""Unknown columns for which the nearest known one is looked for: it takes a while."""


@dataclass
class Findings:
    """What was found in some rows, as far as it is listed; and how much there is of it.

    Attributes:
        most: How many problems, and how many warnings, are listed.
        problems: What keeps the rows from being predicted.
        warnings: What is predicted all the same.
        n_problems: All problems.
        n_warnings: All warnings.
        is_clean: Whether nothing was found, also nothing that a policy passes over.
    """

    most: int
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    n_problems: int = 0
    n_warnings: int = 0
    is_clean: bool = True

    def add(self, policy: str, told: Callable[[], Problem]) -> None:
        """Take note of something, as the policy says: of 'error' and 'warn', nothing of others.

        Args:
            policy: What is done about it.
            told: Tells it; asked only where there is room to list it.
        """
        self.is_clean = False
        if policy == "error":
            self.n_problems += 1
            if len(self.problems) < self.most:
                self.problems.append(told())
        elif policy == "warn":
            self.n_warnings += 1
            if len(self.warnings) < self.most:
                self.warnings.append(told())


class Validator:
    """Knows what rows of a model look like.

    Args:
        loaded: The model.
        extra_column: The policy for a column that it was not trained beside.
        hides: Whether nothing is told of columns and levels that the client has not named.
        most: How many problems are listed.
        pixels: Most pixels of an image.

    Attributes:
        known: Names of the columns that it was trained with or beside.
    """

    def __init__(
        self, loaded: LoadedModel, *, extra_column: str, hides: bool, most: int, pixels: int
    ) -> None:
        about = loaded.about
        self._policies: dict[str, str] = {**about["policies"], "extra_column": extra_column}
        self._hides = hides
        self._most = most
        self._readings: dict[str, Reading] = {
            column.name: reading_of(column, pixels) for column in loaded.schema.features
        }
        self._seen: Mapping[str, Seen] = {
            name: Seen.of(about["seen"][name], reading) for name, reading in self._readings.items()
        }
        names = [*self._readings]
        self._cells_of: Callable[[Row], tuple[Any, ...]] = (
            itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        )
        self.known = {column.name for column in loaded.schema.columns} | {*self._readings}

    @property
    def columns(self) -> list[str]:
        """Names of the features, in the order of training."""
        return list(self._readings)

    @property
    def images(self) -> set[str]:
        """Names of the features that are images."""
        return {name for name, reading in self._readings.items() if reading.kind == "image"}

    def checked(self, rows: Sequence[Row]) -> tuple[Table, Findings]:
        """The features of valid rows, and what is worth a warning.

        Args:
            rows: What was sent as rows; that they are objects is known.

        Raises:
            Refusal: Rows do not fit (422), with every problem.
        """
        findings = Findings(self._most)
        try:
            cells = zip(*map(self._cells_of, rows), strict=True)
            columns = dict(zip(self._readings, map(list, cells), strict=True))
            is_exact = set(map(len, rows)) == {len(columns)}
        except KeyError:
            columns = {name: [row.get(name, MISSING) for row in rows] for name in self._readings}
            is_exact = False
        if not is_exact:
            self._look_for_extras(rows, findings)
        return self._held_against(columns, len(rows), findings)

    def checked_columns(self, columns: Columns, n: int) -> tuple[Table, Findings]:
        """As `checked`, of a table by column.

        Args:
            columns: Values by column; of what no model knows the name alone.
            n: Number of rows.
        """
        findings = Findings(self._most)
        for name in columns:
            if name not in self.known:
                self._extra(None, name, findings)
        known = {name: columns.get(name) or [MISSING] * n for name in self._readings}
        return self._held_against(known, n, findings)

    def _held_against(self, columns: Columns, n: int, findings: Findings) -> tuple[Table, Findings]:
        for name, cells in columns.items():
            columns[name] = self._column(name, cells, findings)
        if findings.n_problems:
            findings.problems.sort(key=lambda each: -1 if each.row is None else each.row)
            count = findings.n_problems
            raise Refusal(
                422,
                f"The rows do not fit the model: {count:,} problem{'' if count == 1 else 's'}.",
                "change what the problems name, and send the rows again",
                problems=findings.problems,
                n_problems=count,
            )
        return Table(columns, n, findings.is_clean), findings

    def _column(self, name: str, cells: list[Any], findings: Findings) -> list[Any]:
        """The cells of a column as the model reads them, held against what it has seen."""
        reading, seen, policies = self._readings[name], self._seen[name], self._policies
        told: set[int] = set()
        types = set(map(type, cells))
        if not types <= reading.types or reading.reads is not None:
            cells, told = self._read(name, cells, findings)
            types = set(map(type, cells))
        if reading.is_text and "" in cells:  # which is how a category is missing in a CSV file
            cells = [cell or None for cell in cells]
            types.add(type(None))
        given = cells
        if type(None) in types:
            given = [cell for cell in cells if cell is not None]
            if not seen.gaps:
                self._nulls(name, cells, told, findings)
        if given and seen.is_odd(given):
            policy = policies["out_of_range" if seen.levels is None else "unseen_category"]
            for row, cell in enumerate(cells):
                if cell is not None and seen.is_odd([cell]):
                    findings.add(policy, partial(self._odd, row, name, cell))
        return cells

    def _read(self, name: str, cells: list[Any], findings: Findings) -> tuple[list[Any], set[int]]:
        """The cells as their column reads them, and the rows where one is not there or cannot be.

        There it is None.
        """
        reading, read, told = self._readings[name], [], set()
        for row, cell in enumerate(cells):
            value = None
            if cell is MISSING:
                policy = self._policies["missing_column"]
                policy = "warn" if policy == "impute" else policy
                findings.add(policy, partial(self._missing, row, name))
                told.add(row)
            elif cell is not None:
                is_typed = type(cell) in reading.types
                value, problem = reading.read(cell) if is_typed else (None, reading.wrong(cell))
                if problem:
                    policy = self._policies["wrong_type"]
                    policy = "warn" if policy == "impute" else policy
                    findings.add(policy, partial(_wrong, row, name, problem, reading, cell))
                    told.add(row)
            read.append(value)
        return read, told

    def _look_for_extras(self, rows: Sequence[Row], findings: Findings) -> None:
        for row, cells in enumerate(rows):
            if not cells.keys() <= self.known:
                for name in cells:
                    if name not in self.known:
                        self._extra(row, name, findings)

    def _extra(self, row: int | None, name: str, findings: Findings) -> None:
        n = findings.n_problems + findings.n_warnings
        looks = not self._hides and n < _MOST_LOOKED_UP
        findings.add(self._policies["extra_column"], partial(self._unknown, row, name, looks))

    def _unknown(self, row: int | None, name: str, looks: bool) -> Problem:
        close = get_close_matches(name[:100], self._readings, n=1) if looks else []
        mend = f"perhaps {close[0]!r} is meant; else leave it out" if close else "leave it out"
        return Problem(row, name[:100], "is no column of the model", mend, kind="extra_column")

    def _missing(self, row: int, name: str) -> Problem:
        if self._hides:
            told = "a column is missing"
            return Problem(row, None, told, "send all columns", kind="missing_column")
        mend = f"send {name!r}: {self._readings[name].mend}"
        return Problem(row, name, "the column is missing", mend, kind="missing_column")

    def _nulls(self, name: str, cells: list[Any], told: set[int], findings: Findings) -> None:
        """Gaps, but in rows of which something was told already."""
        mend = "send a value: in training it was never missing"
        for row, cell in enumerate(cells):
            if cell is None and row not in told:
                told_of = partial(Problem, row, name, "is missing", mend, "null", "unexpected_null")
                findings.add(self._policies["unexpected_null"], told_of)

    def _odd(self, row: int, name: str, cell: Any) -> Problem:
        what, mend = self._seen[name].told(self._hides)
        kind = "out_of_range" if self._seen[name].levels is None else "unseen_category"
        return Problem(row, name, what, mend, shown(cell), kind)


def _wrong(row: int, name: str, problem: str, reading: Reading, cell: Any) -> Problem:
    return Problem(row, name, problem, reading.mend, shown(cell), "wrong_type")
