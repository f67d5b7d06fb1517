"""Contrasts: what a comparison of runs with a first one found, fit to be shown and kept."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.estimates import Estimate, aligned
from assay.evaluation.result import OUT_OF_FOLD, Difference


@dataclass(frozen=True)
class Change:
    """One thing that is not the same in two runs.

    Attributes:
        thing: What it belongs to: what has the same counts as one thing.
        name: What it is: a key of the experiment file, a package, a commit.
        first: How it is in the first run.
        second: How it is in the second.
        counts: Whether numbers can depend on it.
    """

    thing: str
    name: str
    first: str
    second: str
    counts: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.first}, {self.second})"

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Decisions:
    """Where the decisions of two classifiers are right.

    Attributes:
        both: Rows that both decide right.
        only_first: Rows that only the first does.
        only_second: Rows that only the second does.
        neither: Rows that neither does.
        p_value: Chance of so uneven a parting if both are equally good: the mid-p value, which errs
            at most as often as it says in nearly all cases (Fagerland, Lydersen, Laake 2013).
        exact: The exact one, which errs less often than it says.
        adjusted: The mid-p value where several runs are compared with the first (Holm 1979).
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float
    exact: float
    adjusted: float

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class OverFits:
    """A difference over folds and seeds.

    Attributes:
        estimate: Mean of second minus first over all fits, with the corrected interval.
        folds: Folds of each repetition.
        seeds: Repetitions.
        deviation: Standard deviation of the difference from fit to fit.
        p_value: Of the corrected t-test; None where there is none.
    """

    estimate: Estimate
    folds: int
    seeds: int
    deviation: float = float("nan")
    p_value: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "estimate": self.estimate.as_dict()}


@dataclass(frozen=True)
class RowsNeeded:
    """How many rows more would tell.

    Attributes:
        more: Rows beside those that there are, to two digits; None where none is named.
        power: How often they would tell.
        reason: Why none is named; else empty.
    """

    more: int | None
    power: float
    reason: str = ""

    @property
    def said(self) -> str:
        """The same in a sentence."""
        if self.more is None:
            return f"How many more rows would tell cannot be said: {self.reason}."
        return f"About {self.more:,} more rows would be needed to tell."

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Contrast:
    """One run beside the first.

    Attributes:
        name: Its name.
        run_id: Its id.
        differences: This run minus the first, by metric, the first run's primary one first.
        needed: How many more rows would tell by the primary metric; None where these do.
        decisions: Where both decide right; None where that says nothing.
        over_fits: The primary metric over folds and seeds; None where their folds are not the same.
        seeds: The primary metric of each repetition, of the first run and of this one.
        changes: What is not the same in the two.
    """

    name: str
    run_id: str
    differences: tuple[Difference, ...]
    needed: RowsNeeded | None = None
    decisions: Decisions | None = None
    over_fits: OverFits | None = None
    seeds: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    changes: tuple[Change, ...] = ()

    @property
    def verdict(self) -> Difference:
        """The difference in the primary metric."""
        return self.differences[0]

    @property
    def is_better(self) -> bool:
        """Whether this run is better than the first by more than noise."""
        return self.verdict.better == "second"

    @property
    def conclusion(self) -> str:
        """Which is better, or what it would take to tell."""
        said = self.verdict.verdict
        return f"{said} {self.needed.said}" if self.needed is not None else said

    @property
    def things(self) -> tuple[str, ...]:
        """What differs that numbers can depend on, each thing once."""
        return tuple(dict.fromkeys(each.thing for each in self.changes if each.counts))

    @property
    def whose(self) -> str:
        """Whether the difference can be laid to one thing, in a sentence."""
        counting = [each for each in self.changes if each.counts]
        if not counting:
            return "Nothing is recorded that sets the two apart."
        if len(self.things) == 1 and len(counting) == 1:
            return f"One thing differs: {counting[0]}."
        if len(self.things) == 1:
            return f"One thing differs: {self.things[0]}."
        return (
            f"{len(self.things)} things differ ({', '.join(self.things)}): the difference cannot "
            "be laid to one of them."
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.name,
            "run_id": self.run_id,
            "better": self.verdict.better,
            "verdict": self.conclusion,
            "differences": [each.as_dict() for each in self.differences],
            "rows_needed": self.needed.as_dict() if self.needed is not None else None,
            "decisions": self.decisions.as_dict() if self.decisions is not None else None,
            "over_fits": self.over_fits.as_dict() if self.over_fits is not None else None,
            "seeds": {"first": list(self.seeds[0]), "second": list(self.seeds[1])},
            "changes": [each.as_dict() for each in self.changes],
            "things": list(self.things),
        }


@dataclass(frozen=True)
class Comparison:
    """Runs beside a first one, on rows that all have predicted and none has learnt from.

    Attributes:
        first: Name of the first run, with which the others are compared.
        first_id: Its id.
        n: Rows that all predicted.
        contrasts: The other runs, in the order they were named.
        level: The level at which the intervals of one metric hold together.
        rows: Which rows: 'out-of-fold', or 'validation' if they are that to one of the runs.
        falling: The metrics of which less is better.
        has_labels: Whether rows may have several labels, so that all of them must be right.
    """

    first: str
    first_id: str
    n: int
    contrasts: tuple[Contrast, ...]
    level: float = 0.95
    rows: str = OUT_OF_FOLD
    falling: tuple[str, ...] = ()
    has_labels: bool = False

    @property
    def second(self) -> str:
        """Name of the second run."""
        return self.contrasts[0].name

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The second run minus the first, by metric, the primary one first."""
        return self.contrasts[0].differences

    @property
    def verdict(self) -> Difference:
        """The difference of the second run from the first in the primary metric."""
        return self.contrasts[0].verdict

    @property
    def better(self) -> tuple[str, ...]:
        """The runs that are better than the first by more than noise, allowing for their number."""
        return tuple(each.name for each in self.contrasts if each.is_better)

    @property
    def is_of_one(self) -> bool:
        """Whether all are the same run."""
        return self.contrasts[0].run_id == self.first_id

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints: the second run at the top, every run but the first in `runs`."""
        second = self.contrasts[0].as_dict()
        return {
            "first": self.first,
            "first_id": self.first_id,
            "second": self.second,
            "rows": self.rows,
            "n": self.n,
            "level": self.level,
            "primary": self.verdict.metric,
            "better": second["better"],
            "verdict": second["verdict"],
            "differences": second["differences"],
            "runs": [each.as_dict() for each in self.contrasts],
        }

    def __repr__(self) -> str:
        if len(self.contrasts) == 1:
            return f"Comparison({self.first}, {self.second}: {self.verdict.verdict})"
        told = ", ".join(self.better) or "none of them"
        return f"Comparison({len(self.contrasts)} runs with {self.first}: {told} is better)"

    def _repr_html_(self) -> str:
        return "".join(_shown(self.first, each) for each in self.contrasts) + (
            f"<p>{self.n:,} {self.rows} rows</p>"
        )


def _shown(first: str, contrast: Contrast) -> str:
    """The metrics of two runs as a table, and the conclusion."""
    head = _cells("th", ("", first, contrast.name, "difference"))
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(each.metric)}</th>"
        + _cells("td", (*aligned(each.first, each.second), str(each.estimate)))
        + "</tr>"
        for each in contrast.differences
    )
    return f"<table><tr>{head}</tr>{rows}</table><p>{html.escape(contrast.conclusion)}</p>"


def _cells(kind: str, texts: Sequence[str]) -> str:
    return "".join(f"<{kind}>{html.escape(text)}</{kind}>" for text in texts)
