"""Tables of the report: all metrics beside each other, and the rows of the source by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.estimates import Estimate
from assay.reports.content import ReportContent
from assay.reports.wording import counted, like, metric, rows, share

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class MetricCell:
    """A metric's value with its interval, or the letter of the footnote that says why not."""

    value: str
    interval: str
    footnote: str


@dataclass(frozen=True)
class MetricTable:
    """All metrics, one row each.

    Attributes:
        heads: Column heads: who, and on which rows.
        lines: Name, whether it is the primary one, and a cell per column (None: not measured).
        footnotes: Letter and reason.
    """

    heads: Sequence[tuple[str, str]]
    lines: Sequence[tuple[str, bool, Sequence[MetricCell | None]]]
    footnotes: Sequence[tuple[str, str]]


def metric_table(content: ReportContent) -> MetricTable:
    """The model's metrics, those on the sealed rows once opened, and the baselines'."""
    columns = [(content.learner, content.evaluation)]
    if content.test is not None:
        columns.append((content.learner, content.test.evaluation))
    columns += [(each.name, each.evaluation) for each in content.baselines]
    reasons = dict.fromkeys(
        each.reason or "no reason was given"
        for _, evaluation in columns
        for each in evaluation.metrics.values()
        if not each.has_interval
    )
    letters = {reason: _LETTERS[n % len(_LETTERS)] for n, reason in enumerate(reasons)}

    def cell(estimate: Estimate | None, model: Estimate) -> MetricCell | None:
        if estimate is None:
            return None
        why = "" if estimate.has_interval else letters[estimate.reason or "no reason was given"]
        said, between = like(model, estimate)
        return MetricCell(said, between, why)

    lines = [
        (
            metric(name),
            name == content.evaluation.primary,
            [cell(e.metrics.get(name), model) for _, e in columns],
        )
        for name, model in content.evaluation.metrics.items()
    ]
    heads = [(who, f"{rows(each.rows)}, {counted(each.n, 'row')}") for who, each in columns]
    return MetricTable(heads, lines, [(letter, reason) for reason, letter in letters.items()])


@dataclass(frozen=True)
class PartOfRows:
    """A part of the source's rows, or a class, with its share of all."""

    name: str
    n: int
    share: float


def parts(content: ReportContent) -> list[PartOfRows]:
    """Rows by part, those parts that have any."""
    return _parts({name: n for name, n in content.n_rows.items() if n})


def class_shares(content: ReportContent) -> list[PartOfRows]:
    """Rows by class where the evaluation was made; empty for a regression."""
    return _parts(content.evaluation.support)


def classes_reading(content: ReportContent) -> str:
    """How even the classes are, in a sentence; empty for a regression."""
    classes = class_shares(content)
    if not classes:
        return ""
    if len(classes) == 2:
        return f"{share(classes[1].share)} of the rows are “{classes[1].name}”."
    most, least = (pick(classes, key=lambda each: each.n) for pick in (max, min))
    return (
        f"“{most.name}” is the most frequent of {len(classes)} classes with {share(most.share)} "
        f"of the rows, “{least.name}” the rarest with {counted(least.n, 'row')}."
    )


def _parts(rows_by_name: Mapping[str, int]) -> list[PartOfRows]:
    total = sum(rows_by_name.values()) or 1
    return [PartOfRows(name, n, n / total) for name, n in rows_by_name.items()]
