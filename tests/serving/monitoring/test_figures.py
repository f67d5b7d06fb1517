"""Figures of monitoring: what is written on an axis can be read."""

from __future__ import annotations

import pytest

from assay.estimates import Estimate
from assay.serving.monitoring.figures import performance
from assay.serving.monitoring.performance import Performance, Period


@pytest.mark.parametrize(("value", "label"), [(0.5, "Log loss"), (0.02660, "")])
def test_long_numbers_on_an_axis_have_the_room_of_its_label(value: float, label: str) -> None:
    def estimate(off: float) -> Estimate:
        at, half = value * (1 + off), value * (0.3 if label else 0.001)
        return Estimate(at, at - half, at + half, n=100, level=0.95, method="bootstrap")

    period = Period(480_000, 480_023, estimate(0.0005))
    found = Performance("log_loss", estimate(0.0), "out-of-fold", estimate(0.0002), (period,))
    plot = performance(found)
    assert plot is not None
    assert plot.y_label == label
    assert plot.title == "Log loss over time"
    longest = max(len(text) for _, text in plot.y.marks())
    assert (longest > 5) == (label == "")
