"""Validation: rows are held against the model's schema, and every problem of every row is told.

What is done about gaps, unseen levels and far values is the model's own policy, and what it does
with them is done by `inference.strictness`, which has the last word. This module looks first, by
column, so that a client is told of all rows at once; and it is stricter about types: a number is
not a text, and an image is never the path of a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from assay.inference.loading import LoadedModel
from assay.serving.cells import MISSING, Reading, reading_of
from assay.serving.refusal import Problem, Refusal, shown
from assay.serving.rows import Columns, Row
from assay.serving.seen import Seen


@dataclass
class Findings:
    """What was found in some rows, as far as it is listed; and how much there is of it.

    Attributes:
        most: How many problems, and how many warnings, are listed.
        problems: What keeps the rows from being predicted.
        warnings: What is predicted all the same.
        n_problems: All problems.
        n_warnings: All warnings.
    """

    most: int
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    n_problems: int = 0
    n_warnings: int = 0

    def add(self, policy: str, problem: Problem) -> None:
        """Take note of something, as the policy says: of 'error' and 'warn', nothing of others."""
        if policy == "error":
            self.n_problems += 1
            if len(self.problems) < self.most:
                self.problems.append(problem)
        elif policy == "warn":
            self.n_warnings += 1
            if len(self.warnings) < self.most:
                self.warnings.append(problem)


class Validator:
    """Knows what rows of a model look like.

    Args:
        loaded: The model.
        extra_column: The policy for a column that it was not trained beside.
        hides: Whether nothing is told of columns and levels that the client has not named.
        most: How many problems are listed.
        pixels: Most pixels of an image.
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
        self._known = {column.name for column in loaded.schema.columns} | {*self._readings}

    @property
    def columns(self) -> list[str]:
        """Names of the features, in the order of training."""
        return list(self._readings)

    def checked(self, rows: Sequence[Row]) -> tuple[Columns, Findings]:
        """The features of valid rows by column, and what is worth a warning.

        Args:
            rows: What was sent as rows; that they are objects is known.

        Raises:
            Refusal: Rows do not fit (422), with every problem.
        """
        findings = Findings(self._most)
        try:
            columns = {name: [row[name] for row in rows] for name in self._readings}
            is_exact = all(len(row) == len(columns) for row in rows)
        except KeyError:
            columns = {name: [row.get(name, MISSING) for row in rows] for name in self._readings}
            is_exact = False
        if not is_exact:
            self._look_for_extras(rows, findings)
        return self._held_against(columns, findings)

    def checked_columns(self, columns: Columns, n: int) -> tuple[Columns, Findings]:
        """As `checked`, of a table by column.

        Args:
            columns: Values by column; what no model knows too.
            n: Number of rows.
        """
        findings = Findings(self._most)
        for name in columns:
            if name not in self._known:
                self._extra(None, name, findings)
        known = {name: columns.get(name) or [MISSING] * n for name in self._readings}
        return self._held_against(known, findings)

    def _held_against(self, columns: Columns, findings: Findings) -> tuple[Columns, Findings]:
        for name, cells in columns.items():
            columns[name] = self._column(name, cells, findings)
        if findings.n_problems:
            findings.problems.sort(key=lambda each: -1 if each.row is None else each.row)
            n = findings.n_problems
            raise Refusal(
                422,
                f"The rows do not fit the model: {n:,} problem{'' if n == 1 else 's'}.",
                "change what the problems name, and send the rows again",
                problems=findings.problems,
                n_problems=n,
            )
        return columns, findings

    def _column(self, name: str, cells: list[Any], findings: Findings) -> list[Any]:
        """The cells of a column as the model reads them, held against what it has seen."""
        reading, seen, policies = self._readings[name], self._seen[name], self._policies
        types = set(map(type, cells))
        if not types <= reading.types or reading.reads is not None:
            cells = self._read(name, cells, findings)
            types = set(map(type, cells))
        if reading.is_text and "" in cells:  # which is how a category is missing in a CSV file
            cells = [cell or None for cell in cells]
            types.add(type(None))
        given = cells
        if type(None) in types:
            given = [cell for cell in cells if cell is not None]
            if not seen.gaps:
                self._nulls(name, cells, findings)
        if given and seen.is_odd(given):
            policy = policies["out_of_range" if seen.levels is None else "unseen_category"]
            for row, cell in enumerate(cells):
                if cell is not None and seen.is_odd([cell]):
                    findings.add(policy, self._odd(row, name, cell))
        return cells

    def _read(self, name: str, cells: list[Any], findings: Findings) -> list[Any]:
        """The cells as their column reads them; None where one is not there or cannot be read."""
        reading, read = self._readings[name], []
        for row, cell in enumerate(cells):
            value = None
            if cell is MISSING:
                policy = self._policies["missing_column"]
                findings.add("warn" if policy == "impute" else policy, self._missing(row, name))
            elif cell is not None:
                is_typed = type(cell) in reading.types
                value, problem = reading.read(cell) if is_typed else (None, reading.wrong(cell))
                if problem:
                    policy = self._policies["wrong_type"]
                    told = Problem(row, name, problem, reading.mend, shown(cell))
                    findings.add("warn" if policy == "impute" else policy, told)
            read.append(value)
        return read

    def _look_for_extras(self, rows: Sequence[Row], findings: Findings) -> None:
        for row, cells in enumerate(rows):
            if not cells.keys() <= self._known:
                for name in cells:
                    if name not in self._known:
                        self._extra(row, name, findings)

    def _extra(self, row: int | None, name: str, findings: Findings) -> None:
        close = [] if self._hides else get_close_matches(name[:100], self._readings, n=1)
        mend = f"perhaps {close[0]!r} is meant; else leave it out" if close else "leave it out"
        problem = Problem(row, name[:100], "is no column of the model", mend)
        findings.add(self._policies["extra_column"], problem)

    def _missing(self, row: int, name: str) -> Problem:
        if self._hides:
            return Problem(row, None, "a column is missing", "send all columns")
        mend = f"send {name!r}: {self._readings[name].mend}"
        return Problem(row, name, "the column is missing", mend)

    def _nulls(self, name: str, cells: list[Any], findings: Findings) -> None:
        mend = "send a value: in training it was never missing"
        for row, cell in enumerate(cells):
            if cell is None:
                problem = Problem(row, name, "is missing", mend, "null")
                findings.add(self._policies["unexpected_null"], problem)

    def _odd(self, row: int, name: str, cell: Any) -> Problem:
        what, mend = self._seen[name].told(self._hides)
        return Problem(row, name, what, mend, shown(cell))
