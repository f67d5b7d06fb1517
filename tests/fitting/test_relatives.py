"""Related features are found, and their importance is measured together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.fitting.relatives import related_features
from assay.tracking.memory import MemoryStore
from tests.tables import table


def groups_of(frame: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    settings = DataSettings(source="t", target="y")
    return related_features(prepare(from_frame(frame), settings, "t").development)


@pytest.mark.parametrize("seed", range(5))
def test_unrelated_features_stay_alone(seed: int) -> None:
    random = np.random.default_rng(seed)
    frame = table(Task.BINARY, n=2000, seed=seed)
    frame["city"] = random.integers(0, 300, 2000).astype(str)
    frame["rare"] = random.random(2000) < 0.01
    assert groups_of(frame.assign(city="c" + frame["city"])) == ()


def test_a_copy_a_code_a_curve_and_a_coarser_level_are_related() -> None:
    frame = table(Task.BINARY, n=2000)
    frame["copy"] = frame["a"] * 3 + np.random.default_rng(0).normal(scale=0.1, size=2000)
    frame["code"] = frame["kind"].map({"red": 3, "green": 1, "blue": 2})
    frame["curve"] = np.exp(frame["c"])
    assert groups_of(frame) == (("a", "copy"), ("c", "curve"), ("kind", "code"))


def test_twins_do_not_hide_each_other() -> None:
    frame = table(Task.BINARY, n=1200)
    twins = frame.assign(twin=frame["a"])
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    drops = []
    for each in (frame, twins):
        run = assay.train(
            each, target="y", learner="boosting", settings=settings, store=MemoryStore(), workers=1
        )
        drops.append({worth.feature: worth.drop.value for worth in run.importance})
        assert run.from_dict(run.as_dict()).importance == run.importance
    assert set(drops[1]) == {"a + twin", "b", "c", "kind", "whole"}
    assert drops[1]["a + twin"] == pytest.approx(drops[0]["a"], rel=0.15)


def test_what_is_missing_together_is_not_related_by_that() -> None:
    frame = table(Task.BINARY, n=4000)
    frame.loc[np.random.default_rng(1).random(4000) < 0.8, ["a", "c"]] = np.nan
    assert groups_of(frame) == ()
    assert groups_of(frame.assign(twin=frame["a"] * 2)) == (("a", "twin"),)
