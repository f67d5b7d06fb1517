"""Rows that hang together stay together: groups whole, nothing from the future, weights heeded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.tables import table, target_in

LEARNERS = ("linear", "forest", "boosting")


def trained(frame: pd.DataFrame, learner: str, **data) -> tuple[Run, pd.DataFrame, MemoryStore]:
    """A run, and its out-of-fold predictions by row."""
    store = MemoryStore()
    settings = {"data": data, "training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    settings["evaluation"]["calibration"] = "none"
    if learner == "forest":
        settings["model"] = {"options": {"trees": 20}}
    run = assay.train(
        frame, target=target_in(frame), learner=learner, settings=settings, store=store, workers=1
    )
    return run, store.table(run.run_id, "out_of_fold").to_pandas().set_index("row"), store


def in_groups(seed: int = 0) -> pd.DataFrame:
    """Sixty groups of ten rows; what the target is depends on the group, features name it."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(60), 10)
    frame = pd.DataFrame({"who": [f"p{each}" for each in group]})
    frame["mark"] = random.normal(size=60)[group] + random.normal(scale=1e-3, size=600)
    frame["y"] = np.where(random.random(60)[group] < 0.5, "yes", "no")
    return frame.sample(frac=1, random_state=seed, ignore_index=True)


def in_time(n: int = 600, seed: int = 0) -> pd.DataFrame:
    frame = table(Task.REGRESSION, n=n, seed=seed)
    days = np.random.default_rng(seed).permutation(n)
    return frame.assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"))


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_only_names_the_group_is_worth_nothing_for_new_groups(learner: str) -> None:
    frame = in_groups()
    apart = trained(frame, learner, roles={"ignore": ["who"]})[0].metrics["roc_auc"]
    whole, _, store = trained(frame, learner, roles={"group": "who"})
    held_out = whole.metrics["roc_auc"]
    if learner != "linear":
        assert apart.value > 0.9
    assert held_out.value < 0.75
    tested = assay.evaluate(whole, on="test", store=store)
    assert tested.test.evaluation.n == whole.n_rows["test"]


def test_intervals_draw_whole_groups() -> None:
    run, _, _ = trained(in_groups(), "boosting", roles={"group": "who"})
    accuracy = run.metrics["accuracy"]
    assert "cluster" in accuracy.method
    assert accuracy.high - accuracy.low > 0.1, "48 groups say less than 480 rows"


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_future_changes_nothing_of_what_is_predicted_before_it(learner: str) -> None:
    frame = in_time()
    changed = frame.copy()
    late = frame["day"] >= frame["day"].sort_values().iloc[300]
    changed.loc[late, "y"] = -1000 * changed.loc[late, "y"]
    rows = [
        trained(each, learner, roles={"time": "day"}, split={"folds": 4})[1]
        for each in (frame, changed)
    ]
    early = [row for row in rows[0].index if not late[row]]
    assert len(early) > 150
    np.testing.assert_array_equal(*(each.loc[early, "value"] for each in rows))
    assert (rows[0]["value"] != rows[1]["value"]).any()


def test_the_first_block_is_predicted_by_nobody_and_the_test_is_the_latest() -> None:
    frame = in_time()
    run, rows, store = trained(frame, "linear", roles={"time": "day"}, split={"folds": 5})
    assert run.evaluation.n == len(rows) == 400
    days = frame["day"].rank().astype(int) - 1
    assert sorted(days[rows.index]) == list(range(80, 480))
    assert (np.diff(days[rows.index].groupby(rows["fold"]).min()) > 0).all()
    assert assay.evaluate(run, on="test", store=store).test.evaluation.n == 120


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("learner", LEARNERS)
def test_rows_of_no_weight_might_as_well_not_be_there(task: Task, learner: str) -> None:
    frame = table(task, n=400)
    lies = table(task, n=400, seed=1)
    told = [name for name in lies if name.startswith("y")]
    lies[told] = lies[told].to_numpy()[::-1]
    both = pd.concat([frame.assign(w=2.0), lies.assign(w=0.0)], ignore_index=True)
    weighed, _, store = trained(both, learner, roles={"weight": "w"})
    plain, _, _ = trained(both.drop(columns="w"), learner)
    primary = weighed.evaluation.primary
    honest = trained(frame, learner)[0].metrics[primary].value
    sign = -1 if primary == "log_loss" else 1
    assert sign * weighed.metrics[primary].value > sign * plain.metrics[primary].value
    assert weighed.metrics[primary].value == pytest.approx(honest, abs=0.12)
    assert assay.evaluate(weighed, on="test", store=store).test is not None
