"""A fake learner, store and check go through the whole house: rooms to come can stand on this."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.data.schema import Task
from assay.errors import InputError
from assay.findings import Severity
from assay.run import Run
from assay.tracking.recorder import Status
from tests.fakes import FakeCheck, FakeLearner, FakeStore
from tests.tables import LABELS, table, target_of

TRUST = ["tests.fakes:FakeModel"]


@pytest.mark.parametrize("task", list(Task))
def test_fakes_go_from_table_to_prediction(task: Task, tmp_path: Path) -> None:
    store = FakeStore()
    frame = table(task, n=300).assign(forbidden=1.5)
    unseen = frame.drop(columns=[name for name in frame if name.startswith("y")])
    run = assay.train(
        frame,
        target=target_of(task),
        learner=FakeLearner(),
        settings={"name": "fakes", "training": {"seeds": 2}, "evaluation": {"resamples": 200}},
        checks=[FakeCheck()],
        store=store,
    )

    record = store.get(run.run_id)
    assert (record.status, record.name) == (Status.FINISHED, "fake-seeds2")
    assert record.metrics[run.evaluation.primary] == run.evaluation.headline.value
    assert [finding.code for finding in store.findings(run.run_id)] == ["AS999"]
    assert run.evaluation.n == run.n_rows["train"] == 240
    assert len(run.seeds) == 2
    assert [each.name for each in run.baselines][-1] == "linear"
    assert {each.feature for each in run.importance} == set(unseen.columns)
    assert run.importance[0].feature == "a"
    assert "middle" in run.provenance["chosen by folds"]

    assert (run.profile.n, run.profile.column("a").n) == (240, 240)
    looked = assay.evaluate(run, on="test", store=store)
    assert looked.test.evaluation.n == 60
    assert looked.profile == run.profile
    page = looked.report.read_text()
    assert "fakes" in page
    assert "A column is forbidden." in page
    assert assay.report(run, store=store) == looked.report

    folder, _ = store.model(run.run_id, tmp_path)
    with pytest.raises(assay.AssayError, match="nobody vouched for"):
        assay.load(str(folder))
    predictions = assay.predict(str(folder), unseen, trust=TRUST)
    assert len(predictions) == 300
    if task is Task.MULTILABEL:
        assert {each for row in predictions["prediction"] for each in row} <= {*LABELS}
    elif task is not Task.REGRESSION:
        assert set(predictions["prediction"]) <= set(frame["y"])
        np.testing.assert_allclose(predictions.iloc[:, 1:].sum(axis=1), 1)


def test_a_run_recorded_before_there_were_profiles_is_read() -> None:
    frame = table(Task.BINARY, n=300)
    run = assay.train(
        frame, target="y", learner=FakeLearner(), store=FakeStore(), checks=[],
        settings={"training": {"seeds": 1}, "evaluation": {"resamples": 200}},
    )  # fmt: skip
    record = json.loads(json.dumps(run.as_dict(), default=str))
    del record["profile"]
    assert Run.from_dict(record).profile is None


def test_two_runs_of_one_store_are_compared() -> None:
    store = FakeStore()
    frame = table(Task.BINARY, n=400)
    settings = {"training": {"seeds": 1}}
    first = assay.train(
        frame, target="y", learner=FakeLearner(), settings=settings, store=store, checks=[]
    )
    second = assay.train(
        frame, target="y", learner="linear", settings=settings, store=store, checks=[]
    )
    comparison = assay.compare(first, second, store=store)
    assert comparison.n == 320
    assert comparison.verdict.metric == "roc_auc"
    assert comparison.verdict.better == "second"
    assert comparison.verdict.verdict.startswith("linear-seeds1 is better than fake-seeds1 by ")
    same = assay.compare(first, first, store=store)
    assert same.verdict.better is None
    assert "within noise" in same.verdict.verdict


def test_runs_on_different_data_are_not_compared() -> None:
    store = FakeStore()
    settings = {"training": {"seeds": 1}}
    first, second = (
        assay.train(
            table(Task.BINARY, seed=seed), target="y", learner=FakeLearner(),
            settings=settings, store=store, checks=[],
        )
        for seed in (0, 1)
    )  # fmt: skip
    with pytest.raises(assay.AssayError, match="cannot be compared") as caught:
        assay.compare(first, second, store=store)
    assert "same table" in caught.value.mend


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_runs_without_common_rows_are_not_compared(task: Task) -> None:
    store = FakeStore()
    settings = {"training": {"seeds": 1}}
    first, second = (
        assay.train(
            table(task), target="y", learner=FakeLearner(), settings=settings, store=store,
            checks=[],
        )
        for _ in range(2)
    )  # fmt: skip
    predicted = store.table(first.run_id, "out_of_fold")
    store.attach(first.run_id).table("out_of_fold", predicted.slice(0, 100))
    store.attach(second.run_id).table("out_of_fold", predicted.slice(100))
    with pytest.raises(assay.AssayError, match="no row was predicted by both") as caught:
        assay.compare(first, second, store=store)
    assert "100 and 92 rows" in caught.value.where
    assert "data.split" in caught.value.mend
    store.attach(second.run_id).table("out_of_fold", predicted.slice(99))
    comparison = assay.compare(first, second, store=store)
    assert comparison.n == 1
    assert comparison.verdict.verdict.startswith("It cannot be said which is better")


def test_a_blocking_finding_is_reported_and_forbids_registration(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(Task.BINARY).assign(forbidden=1.5)
    settings = {"training": {"seeds": 1}}
    check = FakeCheck(Severity.BLOCK)
    run = assay.train(frame, target="y", learner="linear", settings=settings, checks=[check])
    assert run.report.exists()
    assert run.checks.blocking
    with pytest.raises(InputError, match=r"blocking findings \(AS999\)"):
        assay.register(run, "income")
    assert assay.delivery.models() == []


def test_a_learner_that_fails_leaves_a_failed_run_with_its_reason() -> None:
    class Failing(FakeLearner):
        def fit(self, train, validation, context):
            raise RuntimeError("out of luck")

    store = FakeStore()
    with pytest.raises(RuntimeError, match="out of luck"):
        assay.train(table(Task.BINARY), target="y", learner=Failing(), store=store, workers=1)
    [record] = store.runs()
    assert record.status is Status.FAILED
    assert record.reason == "RuntimeError: out of luck"
