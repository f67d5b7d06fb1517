"""The examples train to a report, out of the box, as well as we say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import assay
from tests.conftest import EXAMPLES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "metric", "at_least"),
    [("adult", "roc_auc", 0.925), ("penguins", "accuracy", 0.98), ("flights", "r2", 0.08)],
)
def test_an_example_trains_to_a_report(
    name: str, metric: str, at_least: float, workspace: Path
) -> None:
    run = assay.train(EXAMPLES / f"{name}.yaml", overrides=["training.seeds=1"])
    estimate = run.metrics[metric]
    assert estimate.value >= at_least
    assert estimate.low < estimate.value <= estimate.high
    assert all(each.gain.better == "second" for each in run.baselines)
    page = run.report.read_text()
    assert run.experiment in page
    assert not re.search(r"(src|href)=.https?:", page), "the page fetches nothing"
    looked = assay.evaluate(run, on="test")
    assert looked.test.difference.better in (None, "second"), looked.test.difference.verdict
