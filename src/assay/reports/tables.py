"""Tables of the report: all metrics beside each other, and the rows of the source by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.data.schema import Task
from assay.estimates import Estimate, chance
from assay.evaluation.result import OUT_OF_FOLD, VALIDATION, Evaluation
from assay.reports.content import ReportContent
from assay.reports.wording import MINUS, counted, like, metric, rows, share

_ON_ROWS = {
    OUT_OF_FOLD: "No row was predicted by a model that had been fitted on it.",
    VALIDATION: "The model was not fitted on the validation rows, but they stopped it: the sealed "
    "rows say what it is worth.",
}
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
    columns = _columns(content)
    letters = _letters([each for _, found in columns for each in found.metrics.values()])

    def cell(estimate: Estimate | None, model: Estimate) -> MetricCell | None:
        return None if estimate is None else _cell(estimate, model, letters)

    lines = [
        (
            metric(name),
            name == content.evaluation.primary,
            [cell(e.metrics.get(name), model) for _, e in columns],
        )
        for name, model in content.evaluation.metrics.items()
    ]
    return MetricTable(_heads(columns), lines, _footnotes(letters))


def metrics_note(content: ReportContent) -> str:
    """What the names of the metrics mean where rows may have several labels; else empty."""
    if content.schema.task is not Task.MULTILABEL:
        return ""
    return (
        "A label is given where it is as probable as not. Exact match: the share of rows of which "
        "all labels are right. Macro: the mean over the labels, each of which counts the same. "
        "Micro: over all labels of all rows together. By row: the mean over the rows. Log loss, "
        "Brier and Hamming loss are means over rows and labels; LRAP (label ranking average "
        "precision) and ranking loss say how far up the labels that a row has stand in the order "
        f"of its probabilities. {_ON_ROWS[content.evaluation.rows]}"
    )


def calibration_table(content: ReportContent) -> MetricTable | None:
    """The calibration error with its test, and the parts of the Brier score; None without."""
    model = content.evaluation.miscalibration
    columns = [each for each in _columns(content) if each[1].miscalibration is not None]
    if model is None:
        return None
    found = [each.miscalibration for _, each in columns if each.miscalibration is not None]
    letters = _letters([each.error for each in found])

    def plain(texts: Iterable[str]) -> list[MetricCell]:
        return [MetricCell(text, "", "") for text in texts]

    lines = [
        ("Calibration error", False, [_cell(each.error, model.error, letters) for each in found]),
        ("Calibration test, p", False, plain(_chance(each.p) for each in found)),
        ("Reliability", False, plain(_fourth(each.reliability) for each in found)),
        ("Resolution", False, plain(_fourth(each.resolution) for each in found)),
        ("Uncertainty", False, plain(_fourth(each.uncertainty) for each in found)),
    ]
    return MetricTable(_heads(columns), lines, _footnotes(letters))


def _chance(p: float | None) -> str:
    if p is None:
        return "not tested"
    return chance(p).removeprefix("p ").removeprefix("= ")


def _fourth(value: float) -> str:
    """A number to the fourth decimal, so that those beside it add up."""
    return f"{round(value, 4) + 0.0:.4f}".replace("-", MINUS)


def _columns(content: ReportContent) -> list[tuple[str, Evaluation]]:
    columns = [(content.learner, content.evaluation)]
    if content.test is not None:
        columns.append((content.learner, content.test.evaluation))
    return columns + [(each.name, each.evaluation) for each in content.baselines]


def _heads(columns: Sequence[tuple[str, Evaluation]]) -> list[tuple[str, str]]:
    return [(who, f"{rows(each.rows)}, {counted(each.n, 'row')}") for who, each in columns]


def _letters(estimates: Sequence[Estimate]) -> dict[str, str]:
    """A letter for each reason why there is no interval."""
    reasons = dict.fromkeys(_reason(each) for each in estimates if not each.has_interval)
    return {reason: _LETTERS[n % len(_LETTERS)] for n, reason in enumerate(reasons)}


def _footnotes(letters: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(letter, reason) for reason, letter in letters.items()]


def _cell(estimate: Estimate, model: Estimate, letters: Mapping[str, str]) -> MetricCell:
    said, between = like(model, estimate)
    if estimate.has_interval:
        return MetricCell(said, between, "")
    return MetricCell(said, "no interval", letters[_reason(estimate)])


def _reason(estimate: Estimate) -> str:
    return estimate.reason or "no reason was given"


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
    """Rows by class where the evaluation was made; empty for a regression.

    Labels, of which a row may have several, come the most frequent first.
    """
    support = content.evaluation.support
    if content.schema.task is not Task.MULTILABEL:
        return _parts(support)
    first = sorted(support.items(), key=lambda each: -each[1])
    return [PartOfRows(name, n, n / content.evaluation.n) for name, n in first]


def classes_reading(content: ReportContent) -> str:
    """How even the classes are, in a sentence; empty for a regression."""
    classes = class_shares(content)
    if not classes:
        return ""
    if content.schema.task is Task.MULTILABEL:
        most, least = classes[0], classes[-1]
        return (
            f"“{most.name}” is the most frequent of {len(classes)} labels, on {share(most.share)} "
            f"of the rows, “{least.name}” the rarest, on {counted(least.n, 'row')}."
        )
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
