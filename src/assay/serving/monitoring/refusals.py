"""Refusals: requests that were asked and not answered, counted by hour; nothing of a cell is kept.

Rows that do not fit are in no sample, so that a client that sends 'kg' after a number from today on
moves no column. The share of requests that are refused is therefore watched like one, held against
one request in a hundred: while it is no greater, this raises no more false alarms than any column.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assay.inference.reference import ReferenceColumn

REFUSAL = "refusal"
USUAL = 0.01
"""The share of requests that may be refused before anybody need know of it."""
_AS_IF = 10**8
REFUSED = ReferenceColumn(
    "refused requests", REFUSAL, "share", (round(_AS_IF * (1 - USUAL)),), round(_AS_IF * USUAL)
)
"""Refused requests as a column that was missing in that share of so many rows that it is exact."""

Problem = tuple[str, str]
"""A column, '' where it is none of the model's or not told, and what was wrong: 'wrong_type'."""


@dataclass
class Refusals:
    """Requests of some time.

    Attributes:
        answered: How many were answered.
        refused: How many were not, because of what they held.
        rows: Rows of those, as far as they could be told apart.
        problems: Refused requests by column and kind of problem, of those that they were told.
    """

    answered: int = 0
    refused: int = 0
    rows: int = 0
    problems: Counter[Problem] = field(default_factory=Counter)

    def refuse(self, n_rows: int, problems: Iterable[Problem]) -> None:
        """A request was refused."""
        self.refused += 1
        self.rows += n_rows
        self.problems.update(set(problems))

    @property
    def share(self) -> float:
        """The share of requests that were refused; not a number where none came."""
        n = self.answered + self.refused
        return self.refused / n if n else float("nan")

    @property
    def about(self) -> dict[str, str]:
        """What a file says of them."""
        problems = [[*each, n] for each, n in sorted(self.problems.items())]
        return {
            "requests_answered": str(self.answered),
            "requests_refused": str(self.refused),
            "rows_refused": str(self.rows),
            "problems": json.dumps(problems),
        }

    @classmethod
    def of(cls, about: Mapping[str, str]) -> Refusals:
        """What a file has said; nothing, if it was written before any were counted."""
        problems = json.loads(about.get("problems", "[]"))
        return cls(
            int(about.get("requests_answered", 0)),
            int(about.get("requests_refused", 0)),
            int(about.get("rows_refused", 0)),
            Counter({(column, kind): n for column, kind, n in problems}),
        )

    @classmethod
    def total(cls, parts: Sequence[Refusals]) -> Refusals:
        """Those of all of them."""
        problems: Counter[Problem] = Counter()
        for each in parts:
            problems.update(each.problems)
        answered, refused, rows = (
            sum(getattr(each, name) for each in parts) for name in ("answered", "refused", "rows")
        )
        return cls(answered, refused, rows, problems)


def named(problem: Problem) -> str:
    """A problem in words.

    >>> named(("age", "wrong_type")), named(("", "extra_column"))
    ("'age': wrong type", 'extra column')
    """
    column, kind = problem
    words = kind.replace("_", " ")
    return f"{column!r}: {words}" if column else words
