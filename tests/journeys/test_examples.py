"""The examples train to a report, out of the box, as well as we say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from tests.conftest import EXAMPLES


# flights goes forward in time, where what can be known beforehand is worth next to nothing.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "metric", "at_least"),
    [("adult", "roc_auc", 0.925), ("penguins", "accuracy", 0.98), ("flights", "r2", -0.02)],
)
def test_an_example_trains_to_a_report(
    name: str, metric: str, at_least: float, workspace: Path
) -> None:
    run = assay.train(EXAMPLES / f"{name}.yaml", overrides=["training.seeds=1"])
    estimate = run.metrics[metric]
    assert estimate.value >= at_least
    assert estimate.low < estimate.value <= estimate.high
    assert all(each.gain.better != "first" for each in run.baselines)
    assert run.baselines[-1].gain.better == "second"
    page = run.report.read_text()
    assert run.experiment in page
    assert not re.search(r"(src|href)=.https?:", page), "the page fetches nothing"
    looked = assay.evaluate(run, on="test")
    assert looked.test.difference.better in (None, "second"), looked.test.difference.verdict


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8])
def test_the_prior_says_the_most_frequent_class(share: float, workspace: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(200) % 7, "bought": np.arange(200) < 200 * share})
    run = assay.train(frame, target="bought", learner="linear", settings={"training": {"seeds": 1}})
    [prior] = run.baselines
    accuracy = prior.evaluation.metrics["accuracy"].value
    assert accuracy == pytest.approx(max(share, 1 - share), abs=0.01)
