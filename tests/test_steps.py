"""Steps: what a run takes down when it begins, so that it can be done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import assay
from assay.data import snapshot
from assay.data.schema import Task
from assay.data.sources import from_frame
from assay.run import Run
from assay.tracking.memory import MemoryStore
from assay.workspace import Workspace
from tests.fakes import FakeLearner
from tests.tables import table


def trained(frame: pd.DataFrame, store: MemoryStore | None = None, **settings: Any) -> Run:
    blocks = {"training": {"seeds": 1}, **settings}
    return assay.train(frame, target="y", learner=FakeLearner(), settings=blocks,
                       store=store or MemoryStore(), checks=[])  # fmt: skip


def test_a_small_table_is_kept_as_it_was_read(workspace: Path) -> None:
    frame = table(Task.BINARY)
    run = trained(frame)
    path = snapshot.find(Workspace(workspace), run.fingerprint)
    assert path is not None
    assert snapshot.read(path).equals(from_frame(frame))
    before = path.stat().st_mtime_ns
    assert trained(frame, training={"seeds": 2}).fingerprint == run.fingerprint
    assert path.stat().st_mtime_ns == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("limit", [0, 0.001])
def test_a_table_above_the_limit_is_not(workspace: Path, limit: float) -> None:
    run = trained(table(Task.BINARY), tracking={"snapshot_mib": limit})
    assert snapshot.find(Workspace(workspace), run.fingerprint) is None
    assert not Workspace(workspace).snapshots_folder.exists()


def test_what_was_kept_trains_the_same_run(workspace: Path) -> None:
    run = trained(table(Task.MULTICLASS))
    path = snapshot.find(Workspace(workspace), run.fingerprint)
    assert path is not None
    store = MemoryStore()
    again = trained(snapshot.read(path).to_pandas(), store)
    for name in ("fingerprint", "test_digest", "schema"):
        assert getattr(again, name) == getattr(run, name)
    assert again.provenance["split fingerprint"] == run.provenance["split fingerprint"]


def test_fixed_class_counts_reach_everything_that_is_judged() -> None:
    store, frame = MemoryStore(), table(Task.BINARY, 500)
    run = trained(frame, store, evaluation={"class_counts": "fixed", "resamples": 300})
    tested = assay.evaluate(run, on="test", store=store)
    for judged in (run.evaluation, tested.test.evaluation):
        assert judged.metrics["accuracy"].method == "Newcombe"
        assert judged.metrics["log_loss"].method == "stratified bootstrap"
    assert run.baselines[0].gain.estimate.method == "paired stratified bootstrap"
    assert "stratified bootstrap" in assay.report(tested, "card", store=store).read_text()


def test_rows_in_time_are_judged_by_blocks_of_it_and_groups_as_they_are() -> None:
    store, frame = MemoryStore(), table(Task.BINARY, 700).assign(day=range(700))
    data = {"roles": {"time": "day"}, "split": {"test": 0.3}}
    run = trained(frame, store, data=data)
    tested = assay.evaluate(run, on="test", store=store)
    for judged in (run.evaluation, tested.test.evaluation):
        assert judged.headline.method == "time-block bootstrap"
        assert judged.metrics["accuracy"].method == "time-block bootstrap"
    other = assay.train(frame, target="y", learner="linear", store=store, checks=[],
                        settings={"data": data})  # fmt: skip
    found = assay.compare(run, other, store=store)
    assert found.verdict.estimate.method == "paired time-block bootstrap"
    assert found.contrasts[0].decisions is None
    tied = {"roles": {"time": "day", "group": "half"}, "split": {"by": "time"}}
    grouped = trained(frame.assign(half=frame["day"] // 2), data=tied)
    assert grouped.evaluation.headline.method == "cluster bootstrap"


def splits(*, n: int = 240, seeds: int = 1, **split: Any) -> str:
    store = MemoryStore()
    settings = {"data": {"split": split}, "training": {"seeds": seeds}}
    run = trained(table(Task.BINARY, n), store, **settings)
    fingerprint: str = run.provenance["split fingerprint"]
    assert store.get(run.run_id).tags["assay.split"] == fingerprint
    return fingerprint


def test_runs_of_one_split_have_one_split_fingerprint() -> None:
    first = splits()
    assert splits() == first
    others = [splits(seed=1), splits(folds=4), splits(test=0.3), splits(seeds=2), splits(n=239)]
    assert len({first, *others}) == 6


def test_the_values_are_no_part_of_the_split() -> None:
    frame = table(Task.BINARY)
    run, other = trained(frame), trained(frame.assign(a=frame["a"] + 1))
    assert run.fingerprint != other.fingerprint
    assert run.provenance["split fingerprint"] == other.provenance["split fingerprint"]


@pytest.mark.parametrize("deterministic", [True, False])
def test_determinism_is_as_set_and_recorded(deterministic: bool) -> None:
    run = trained(table(Task.BINARY), training={"seeds": 2, "deterministic": deterministic})
    seeds = run.provenance["seeds"]
    assert (seeds["of the fits"], seeds["deterministic"]) == ([0, 1], deterministic)
    assert seeds.get("torch.use_deterministic_algorithms") is (True if deterministic else None)


def test_a_page_shows_the_packages_that_numbers_depend_on_and_counts_the_rest() -> None:
    run = trained(table(Task.BINARY))
    assert run.report is not None
    page = run.report.read_text()
    n = len(run.provenance["all packages"])
    assert f"{n:,}, in run.json of the run" in page
    assert "pluggy" in run.provenance["all packages"]
    assert "pluggy" not in page
    for said in ("split fingerprint", "back ends", "seeds", "scikit-learn"):
        assert said in page
