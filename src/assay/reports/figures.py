"""The figures of a report: what each curve looks like and the sentence that reads it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.data.schema import Task
from assay.evaluation.curves import PrecisionRecallCurve, Reliability, RocCurve
from assay.evaluation.result import Evaluation
from assay.reports.axis import Scale, extent
from assay.reports.content import ReportContent
from assay.reports.plots import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Mark,
    Note,
    Plot,
    across,
    bars,
    dots,
    line,
    uprights,
    upwards,
)
from assay.reports.residual_figures import residual_figures
from assay.reports.thresholds import threshold_plot
from assay.reports.wording import between, counted, number, share

_UNIT = (-0.02, 1.02)
_FALSE_ALARMS = 0.1
_RECALL = 0.8
_EVEN = 0.5
_LOW_BARS = 30


def figures(content: ReportContent) -> list[Plot]:
    """The plots that the task has, in reading order."""
    curves, evaluation = content.curves, content.evaluation
    plots = []
    if curves.roc is not None:
        plots.append(_roc(curves.roc, evaluation))
    if curves.precision_recall is not None:
        plots.append(_precision_recall(curves.precision_recall, evaluation))
    if curves.reliability is not None:
        plots.append(_reliability(curves.reliability, content))
    plots += threshold_plot(content)
    if curves.residuals is not None:
        plots += residual_figures(curves.residuals, curves.patterns)
    return plots


def target_plot(content: ReportContent) -> Plot | None:
    """The distribution of a regression's target; None where it was not recorded."""
    target = content.profile.target if content.profile is not None else None
    if target is None or target.numbers is None:
        return None
    spread, drawn = target.numbers, target.numbers.histogram
    rows = np.array(drawn.counts)
    x, y = across(*extent(drawn.edges, 0.02)), upwards(0.0, max(1.0, float(rows.max())) * 1.06)
    middle = spread.at(0.5)
    low, high, lower, upper, median = between(
        *(spread.at(each) for each in (0.0, 1.0, 0.25, 0.75, 0.5))
    )
    reading = (
        f"Half of the rows lie between {lower} and {upper}; the median is {median}, "
        f"the lowest {low} and the highest {high}."
    )
    tails = drawn.below + drawn.above
    beyond = f"{counted(tails, 'row')} beyond the axis {'is' if tails == 1 else 'are'} not drawn."
    return Plot(
        "target",
        f"Distribution of {content.schema.target}",
        f"Histogram of the development rows; a line marks the median. {reading}",
        reading,
        x,
        y,
        content.schema.target,
        "rows",
        [
            bars("bar", x.at(drawn.edges), y.at(rows)),
            Mark("reference solid", f"M{float(x.at(middle)):.1f} {TOP}V{BOTTOM}"),
        ],
        more=[_skewed(target.skewness), *([beyond] if tails else [])],
    )


def _skewed(skewness: float | None) -> str:
    if skewness is None:
        return "All its values are the same."
    if abs(skewness) < _EVEN:
        return f"Nearly symmetrical: skewness {number(skewness)}."
    tail = "high" if skewness > 0 else "low"
    return f"A long tail of {tail} values: skewness {number(skewness)}."


def _roc(curve: RocCurve, evaluation: Evaluation) -> Plot:
    x, y = across(*_UNIT), upwards(*_UNIT)
    found = curve.true_positive_rate[curve.false_positive_rate <= _FALSE_ALARMS].max()
    reading = (
        f"Where at most {share(_FALSE_ALARMS)} of the negatives are taken for positives, "
        f"{share(found)} of the positives are found."
    )
    marks = [
        line("reference", x.at(np.array([0, 1])), y.at(np.array([0, 1]))),
        line("curve", x.at(curve.false_positive_rate), y.at(curve.true_positive_rate)),
    ]
    notes = []
    (negatives, false_alarms), (missed, hits) = evaluation.confusion
    if negatives + false_alarms and missed + hits:
        at = false_alarms / (negatives + false_alarms), hits / (missed + hits)
        marks.append(dots("here", x.at(np.array(at[:1])), y.at(np.array(at[1:]))))
        notes.append(_beside(float(x.at(at[0])), float(y.at(at[1])), "threshold"))
    return Plot(
        "roc",
        "ROC curve",
        "True positive rate against false positive rate at every threshold; the diagonal is "
        f"chance. {reading}",
        reading,
        x,
        y,
        "false positive rate",
        "true positive rate",
        marks,
        notes,
    )


def _precision_recall(curve: PrecisionRecallCurve, evaluation: Evaluation) -> Plot:
    x, y = across(*_UNIT), upwards(*_UNIT)
    at_recall = min(int(np.searchsorted(curve.recall, _RECALL)), len(curve.recall) - 1)
    right = curve.precision[at_recall]
    reading = (
        f"Where at least {share(_RECALL)} of the positives are found, {share(right)} of what is "
        f"called positive is; by chance it would be {share(curve.prevalence)}."
    )
    prevalence = np.full(2, curve.prevalence)
    marks = [
        line("reference", x.at(np.array([0, 1])), y.at(prevalence)),
        line("curve", x.at(curve.recall), y.at(curve.precision), step=True),
    ]
    notes = []
    (_, false_alarms), (missed, hits) = evaluation.confusion
    if hits:
        at = hits / (missed + hits), hits / (hits + false_alarms)
        marks.append(dots("here", x.at(np.array(at[:1])), y.at(np.array(at[1:]))))
        notes.append(_beside(float(x.at(at[0])), float(y.at(at[1])), "threshold", above=True))
    return Plot(
        "precision-recall",
        "Precision and recall",
        f"Precision against recall at every threshold; the level line is chance. {reading}",
        reading,
        x,
        y,
        "recall",
        "precision",
        marks,
        notes,
    )


def _reliability(curve: Reliability, content: ReportContent) -> Plot:
    found, how = content.evaluation.miscalibration, content.calibration.rstrip(".")
    limits = _probability_limits(curve)
    x, y = across(*limits), upwards(*limits)
    off = (curve.predicted < curve.low) | (curve.predicted > curve.high)
    worst = int(np.abs(curve.observed - curve.predicted).argmax())
    bins = len(curve.predicted)
    outside = (
        f"The intervals of all {bins} bins reach the diagonal"
        if not off.any()
        else f"The intervals of {off.sum()} of {bins} bins miss the diagonal"
    )
    reading = (
        f"{outside}; the widest gap: predicted {share(curve.predicted[worst])}, "
        f"observed {share(curve.observed[worst])}."
    )
    multiclass = content.evaluation.task is Task.MULTICLASS
    at = x.at(curve.predicted)
    marks = [
        *([_said(found.said, limits, x)] if found is not None else []),
        line("reference", x.at(np.array(limits)), y.at(np.array(limits))),
        uprights("interval", at, y.at(curve.low), y.at(curve.high)),
        dots("point", at[~off], y.at(curve.observed[~off])),
        dots("point off", at[off], y.at(curve.observed[off])),
    ]
    return Plot(
        "reliability",
        "Reliability of the top class" if multiclass else "Reliability",
        f"Observed frequency with its interval against predicted probability, in {bins} bins of "
        "equal count; the diagonal is perfect calibration, and bars at the foot show how many rows "
        f"each probability is said of. {reading}",
        reading,
        x,
        y,
        "probability of the top class" if multiclass else "predicted probability",
        "how often it is right" if multiclass else "observed frequency",
        [mark for mark in marks if mark.path],
        more=[
            *([f"{found.verdict[:1].upper()}{found.verdict[1:]}."] if found is not None else []),
            *([f"Calibration: {how}."] if how else []),
        ],
    )


def _said(rows: Sequence[int], limits: tuple[float, float], x: Scale) -> Mark:
    """How many rows each probability is said of, as low bars under the points."""
    edges = np.linspace(0, 1, len(rows) + 1)
    inside = (edges[1:] > limits[0]) & (edges[:-1] < limits[1])
    heights = _LOW_BARS * np.array(rows)[inside] / max(1, *rows)
    drawn = np.append(edges[:-1][inside], edges[1:][inside][-1:])
    return bars("said", x.at(np.clip(drawn, *limits)), BOTTOM - heights)


def _probability_limits(curve: Reliability) -> tuple[float, float]:
    """Zero to one, or the tenths that hold all there is, with a margin."""
    low = np.floor(10 * min(curve.predicted.min(), curve.low.min())) / 10
    high = np.ceil(10 * max(curve.predicted.max(), curve.high.max())) / 10
    margin = 0.02 * (high - low)
    return float(low - margin), float(high + margin)


def _beside(x: float, y: float, text: str, *, above: bool = False) -> Note:
    """A word beside a dot, on the side where there is room."""
    room = x < (LEFT + RIGHT) / 2 + 60
    if above:
        return Note(text, x + 9 if room else x - 2, y - 8, "start" if room else "middle")
    return Note(text, x + 9, y + 15) if room else Note(text, x - 9, y + 15, "end")
