"""Figures: the sentence under a curve states what the curve holds, and lines stay light."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.evaluation.curves import (
    Autocorrelation,
    Bias,
    Curves,
    Heteroscedasticity,
    PrecisionRecallCurve,
    Reliability,
    ResidualPatterns,
    Residuals,
    RocCurve,
    Tails,
)
from assay.evaluation.design import Design
from assay.reports.content import ReportContent
from assay.reports.figures import figures
from assay.reports.plots import LEFT, RIGHT, Plot, line
from assay.reports.wording import MINUS, NARROW_SPACE

from . import builders


def _only(content: ReportContent, **curves: Any) -> list[Plot]:
    return figures(replace(content, curves=replace(Curves(), **curves), threshold=None))


def _said(plot: Plot) -> str:
    return plot.reading.replace(NARROW_SPACE, " ")


def test_roc_is_read_at_a_tenth_of_false_alarms() -> None:
    curve = RocCurve(np.array([0, 0.05, 0.1, 0.3, 1]), np.array([0, 0.4, 0.62, 0.9, 1]))
    (plot,) = _only(builders.binary(), roc=curve)
    assert "at most 10 % of the negatives" in _said(plot)
    assert "62 % of the positives are found" in _said(plot)
    assert plot.reading in plot.description


def test_precision_is_read_at_four_fifths_of_recall() -> None:
    curve = PrecisionRecallCurve(np.array([0, 0.5, 0.85, 1]), np.array([1, 0.9, 0.7, 0.3]), 0.3)
    (plot,) = _only(builders.binary(), precision_recall=curve)
    assert "70 % of what is called positive is; by chance it would be 30 %" in _said(plot)


def test_reliability_counts_the_bins_that_miss_the_diagonal() -> None:
    predicted, observed = np.array([0.1, 0.5, 0.9]), np.array([0.12, 0.3, 0.88])
    curve = Reliability(predicted, observed, observed - 0.1, observed + 0.1, np.full(3, 50.0))
    plot = _only(builders.binary(), reliability=curve)[0]
    assert _said(plot) == (
        "The intervals of 1 of 3 bins miss the diagonal; the widest gap: predicted 50 %, "
        "observed 30 %."
    )
    inside = replace(curve, low=curve.low - 0.2, high=curve.high + 0.2)
    assert "all 3 bins reach" in _said(_only(builders.binary(), reliability=inside)[0])


def test_reliability_tells_the_test_and_how_many_rows_say_what() -> None:
    content = builders.binary()
    plot = next(each for each in figures(content) if each.key == "reliability")
    found = content.evaluation.miscalibration
    assert plot.more[0].startswith(("No sign", "Too sure", "Not sure", "Says", "Off"))
    assert plot.more[0][1:-1] == found.verdict[1:]
    (said,) = (mark for mark in plot.marks if mark.look == "said")
    assert said.path.count("Z") >= 10
    assert "bars at the foot" in plot.description
    plain = replace(content, evaluation=replace(content.evaluation, miscalibration=None))
    bare = next(each for each in figures(plain) if each.key == "reliability")
    assert [mark.look for mark in bare.marks] == [each.look for each in plot.marks][1:]


def test_bars_at_the_foot_end_where_the_axis_does() -> None:
    content = builders.binary()
    said = [5, 90, 4, *[0] * 6, 1]
    found = replace(content.evaluation.miscalibration, said=said)
    content = replace(content, evaluation=replace(content.evaluation, miscalibration=found))
    rare = np.array([0.212, 0.24])
    curve = Reliability(rare, rare, rare - 0.01, rare + 0.01, np.full(2, 50.0))
    plot = next(each for each in _only(content, reliability=curve) if each.key == "reliability")
    (mark,) = (each for each in plot.marks if each.look == "said")
    ends = [float(each) for each in re.findall(r"[MH](\d+(?:\.\d)?)", mark.path)]
    assert mark.path.count("Z") == 3, "those of which the axis shows a part"
    assert min(ends) >= LEFT
    assert max(ends) <= RIGHT


def test_residuals_are_read_by_spread_and_quartiles() -> None:
    predicted = np.arange(100.0)
    residual = np.where(predicted < 50, 1.0, 4.0) * np.where(predicted % 2, 1.0, -1.0)
    along, spread = _only(builders.regression(), residuals=Residuals(predicted, residual))
    assert "standard deviation is 1.00, in the fifth with the highest 4.00" in along.reading
    assert f"between {MINUS}1.75 and 1.75; their median is 0.00" in spread.reading


def test_what_is_more_than_chance_is_told_under_its_plot() -> None:
    predicted = np.arange(100.0)
    residuals = Residuals(predicted, np.where(predicted % 2, 1.0, -1.0))
    clean = _only(builders.regression(), residuals=residuals, patterns=ResidualPatterns(4))
    assert [plot.more for plot in clean] == [[], []]
    curve = Bias(30.1, 0.0004, 0.12, (2.51, 0, -1.02, 0, 0.8), predicted, predicted / 100)
    patterns = ResidualPatterns(
        4, curve, Heteroscedasticity(9.1, 0.02, (1.0, 1.1, 1.4, 2.0, 4.0)),
        Tails(4.2, 0.03, 8.1, 21, 2_100, 0.31, 0.084, 1.0),
        Autocorrelation(55.0, 0.001, (-0.1, 0.42, 0.2), 900, by_time=False),
    )  # fmt: skip
    found = _only(builders.regression(), residuals=residuals, patterns=patterns)
    along, spread, order = ([each.replace(NARROW_SPACE, " ") for each in p.more] for p in found)
    checked = "corrected for 4 patterns looked at"
    assert along == [
        "The predictions are biased: on average the truth lies 2.51 above the lowest fifth of "
        "them, 1.02 below the middle and 0.80 above the highest one. A smooth curve explains 12 % "
        f"of the residuals' variance (p < 0.001, {checked}).",
        "How far they are off depends on the prediction: residuals are 4.0 times as wide in the "
        f"highest fifth as in the lowest (p = 0.020, {checked}). One margin of error does not fit "
        "all rows.",
    ]
    assert "trend" in [mark.look for mark in found[0].marks]
    assert "a curve shows their mean" in found[0].description
    assert spread == [
        "Heavy tails: of 2,100 rows the 21 furthest off make 31 % of the sum of squared errors, "
        f"where normal errors would make 8.4 % (p = 0.030, {checked}); all of them were predicted "
        "too low."
    ]
    assert found[2].reading == (
        "Rows that are 2 apart in the table err alike: their residuals correlate by 0.42 "
        f"(p = 0.001, {checked})."
    )
    assert order == [
        "Such rows are not independent of each other: the intervals are too narrow. Does their "
        "order mean something, as a time or a place? Declare it in roles."
    ]


def test_one_row_far_off_is_told_as_one() -> None:
    tails = Tails(4.2, 0.03, 8.1, 1, 60, 0.31, 0.114, 0.0)
    (_, plot) = _only(
        builders.regression(),
        residuals=Residuals(np.arange(9.0), np.arange(9.0)),
        patterns=ResidualPatterns(1, tails=tails),
    )
    assert [each.replace(NARROW_SPACE, " ") for each in plot.more] == [
        "Heavy tails: of 60 rows the one furthest off makes 31 % of the sum of squared errors, "
        "where normal errors would make 11 % (p = 0.030, corrected for 1 pattern looked at); it "
        "was predicted too high."
    ]


@pytest.mark.parametrize(
    ("design", "told"),
    [(Design.TIME, "intervals allow for that, neighbours in time are drawn together."),
     (Design.CHANCE, "the intervals are too narrow.")],
)  # fmt: skip
def test_intervals_are_too_narrow_only_where_rows_are_drawn_one_by_one(
    design: Design, told: str
) -> None:
    order = Autocorrelation(55.0, 0.001, (0.42, 0.2), 900, by_time=True, design=design)
    (plot,) = _only(
        builders.regression(),
        residuals=Residuals(np.arange(9.0), np.arange(9.0)),
        patterns=ResidualPatterns(2, order=order),
    )[2:]
    assert plot.more == [f"Such rows are not independent of each other: {told}"]


def test_residuals_in_time_are_told_as_such() -> None:
    order = Autocorrelation(55.0, 0.001, (-0.42, 0.2), 900, by_time=True)
    (plot,) = _only(
        builders.regression(),
        residuals=Residuals(np.arange(9.0), np.arange(9.0)),
        patterns=ResidualPatterns(2, order=order),
    )[2:]
    assert plot.reading.startswith(
        "Rows that are next to each other in time err in opposite directions: their residuals "
        f"correlate by {MINUS}0.42 (p = 0.001, corrected for 2 patterns"
    )
    assert plot.more == []
    assert "in time" in plot.title


def test_residuals_that_are_all_zero_are_drawn() -> None:
    plots = _only(builders.regression(), residuals=Residuals(np.ones(5), np.zeros(5)))
    assert not any("nan" in mark.path for plot in plots for mark in plot.marks)


def test_a_line_of_many_points_is_thinned_and_keeps_its_ends() -> None:
    at = np.linspace(0, 300, 40_000)
    mark = line("curve", at, 300 - at)
    assert len(mark.path) < 12_000
    assert mark.path.startswith("M0 300")
    assert mark.path.endswith("L300 0")


def test_a_step_goes_up_before_it_goes_on() -> None:
    assert line("curve", np.array([0.0, 10.0]), np.array([5.0, 2.0]), step=True).path == "M0 5V2H10"
