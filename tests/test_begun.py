"""Runs that hold out, from the first step to the last, also in two goes: nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.errors import DataError, InputError, LearnerError
from assay.findings import Severity
from assay.run import Run
from assay.tracking.memory import MemoryStore
from assay.workspace import Workspace
from tests.fakes import FakeLearner, FakeStepping
from tests.tables import table, target_in

METRICS = ("training_loss", "share")


def trained(
    frame: pd.DataFrame, learner: Any, store: MemoryStore, settings: Mapping[str, Any] | None = None
) -> Run:
    return assay.train(
        frame, target=target_in(frame), learner=learner, settings=settings, store=store, checks=[]
    )


def histories(store: MemoryStore, run_id: str) -> dict[str, list[tuple[int, float]]]:
    [child] = store.children(run_id)
    return {name: store.history(child.run_id, name) for name in METRICS}


def failing(folder: Path, epoch: int) -> FakeStepping:
    """A learner that fails after an epoch, as long as the file says so."""
    (folder / "fails").write_text(str(epoch))
    (folder / "measured").write_text("fast")
    return FakeStepping(fails_after=folder / "fails", measured=folder / "measured")


def in_one_go(folder: Path, frame: pd.DataFrame) -> tuple[Run, MemoryStore]:
    store = MemoryStore()
    return trained(frame, failing(folder, 0), store), store


@pytest.mark.parametrize("task", list(Task))
def test_a_run_is_marked_as_judged_on_validation_rows_wherever_it_shows(
    task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    from assay.cli.console import out
    from assay.cli.summary import show_run

    store = MemoryStore()
    run = trained(table(task), FakeStepping(), store)
    assert run.summary()["rows"] == "validation"
    n = run.evaluation.n
    assert run.n_rows["validation"] == n == store.table(run.run_id, "validation").num_rows
    assert run.n_rows["train"] + n + run.n_rows["test"] == 240
    show_run(run, out())
    assert f"judged on {n} validation rows" in capsys.readouterr().out
    assert run.report is not None
    page = run.report.read_text()
    assert "no row was predicted by a model" not in page
    assert "they stopped it" in page
    assert store.get(run.run_id).tags["assay.rows"] == "validation"
    assert Run.from_dict(json.loads(json.dumps(run.as_dict(), default=str))).chosen == run.chosen
    tested = assay.evaluate(run, on="test", store=store)
    assert tested.summary()["rows"] == "test"
    with pytest.raises(InputError, match="has no out-of-fold rows"):
        assay.evaluate(run, on="out-of-fold", store=store)


def test_a_run_that_holds_out_compares_with_one_of_folds_on_its_validation_rows() -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    first = trained(frame, FakeStepping(), store)
    second = trained(frame, FakeLearner(), store, {"training": {"seeds": 1}})
    compared = assay.compare(second, first, store=store)
    assert (compared.rows, compared.n) == ("validation", first.evaluation.n)


@pytest.mark.parametrize("epoch", [1, 3, 6])
def test_a_run_that_failed_goes_on_and_is_the_same_as_in_one_go(
    epoch: int, tmp_path: Path, workspace: Path
) -> None:
    frame, store = table(Task.BINARY), MemoryStore()
    whole, other = in_one_go(tmp_path, frame)
    learner = failing(tmp_path, epoch)
    with pytest.raises(LearnerError):
        trained(frame, learner, store)
    [record] = store.runs()
    assert record.status == "failed"
    [failed] = store.children(record.run_id)
    before = histories(store, record.run_id)
    assert [len(each) for each in before.values()] == [epoch, epoch]
    (tmp_path / "fails").write_text("0")
    (tmp_path / "measured").write_text("slow")
    run = assay.train(resume=record.run_id, learner=learner, store=store, checks=[])
    assert run.run_id == record.run_id
    assert [each.run_id for each in store.children(run.run_id)] == [failed.run_id]
    assert {store.get(each).status for each in (run.run_id, failed.run_id)} == {"finished"}
    assert histories(store, run.run_id) == histories(other, whole.run_id)
    assert store.table(run.run_id, "validation").equals(other.table(whole.run_id, "validation"))
    assert run.chosen == whole.chosen == {"pace": "fast"}
    assert run.metrics == whole.metrics
    assert not list(Workspace(workspace).checkpoints_folder.glob("*"))


def test_a_run_keeps_its_findings_and_its_log_when_it_goes_on(tmp_path: Path) -> None:
    frame, store = table(Task.BINARY).assign(always=1.0), MemoryStore()
    learner = failing(tmp_path, 3)
    with pytest.raises(LearnerError):
        assay.train(frame, target="y", learner=learner, store=store)
    [record] = store.runs()
    found = store.findings(record.run_id)
    assert [each.code for each in found if each.severity is not Severity.NOTE] == ["AS301"]
    (tmp_path / "fails").write_text("0")
    run = assay.train(resume="last", learner=learner, store=store)
    assert store.findings(run.run_id) == found
    log = (store.folder(run.run_id) / "terminal.log").read_text()
    assert log.index("It failed after epoch 3") < log.index("Saving the model")


def test_where_no_checkpoint_was_left_the_fit_starts_anew_and_says_so(tmp_path: Path) -> None:
    frame, store = table(Task.REGRESSION), MemoryStore()
    whole, other = in_one_go(tmp_path, frame)
    learner, told = failing(tmp_path, 1), []
    with pytest.raises(LearnerError):
        trained(frame, learner, store)
    (tmp_path / "fails").write_text("0")
    run = assay.train(resume="last", learner=learner, store=store, checks=[], announce=told.append)
    assert any("it starts anew" in each.text for each in told)
    assert histories(store, run.run_id) == histories(other, whole.run_id)


def test_what_cannot_go_on_is_refused_in_words(tmp_path: Path) -> None:
    frame, store = table(Task.BINARY), MemoryStore()
    run = trained(frame, FakeStepping(), store)
    with pytest.raises(InputError, match="has finished"):
        assay.train(resume=run, store=store)
    learner = failing(tmp_path, 3)
    with pytest.raises(LearnerError):
        trained(frame, learner, store, {"tracking": {"snapshot_mib": 0}})
    with pytest.raises(LearnerError, match="is not recorded"):
        assay.train(frame, resume="last", store=store)
    with pytest.raises(InputError, match="overrides cannot be given"):
        assay.train(resume="last", overrides=["training.seeds=2"], store=store)
    with pytest.raises(DataError, match="is not the table"):
        assay.train(frame.assign(a=0.0), resume="last", learner=learner, store=store)
    store.resume(store.runs()[0].run_id)
    with pytest.raises(InputError, match="is still running"):
        assay.train(frame, resume="last", learner=learner, store=store)


def test_the_training_block_is_handed_to_learners_that_train_in_steps() -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    run = trained(frame, FakeStepping(), store, {"training": {"epochs": 3}})
    params = store.get(run.run_id).params
    assert (params["training.epochs"], params["training.warmup"]) == ("3", "0.0")
    assert len(histories(store, run.run_id)["share"]) == 3
    assert params["training.batch_size"] == str(run.n_rows["train"])
    assert run.options == {"training.epochs": 3}
    plain = trained(frame, FakeLearner(), store, {"training": {"seeds": 1}})
    assert "training.epochs" not in store.get(plain.run_id).params


@pytest.mark.parametrize(
    ("learner", "setting", "said"),
    [
        ("boosting", "epochs", "training.epochs is for networks; boosting has model.options.max_r"),
        ("boosting", "learning_rate", "boosting has model.options.learning_rate"),
        ("linear", "patience", "training.patience is for networks, which linear is not"),
        (FakeLearner(), "epochs", "training.epochs is for networks, which fake is not"),
    ],
)
def test_settings_of_loops_are_refused_for_other_learners(
    learner: Any, setting: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        trained(table(Task.BINARY), learner, MemoryStore(), {"training": {setting: 3}})
    assert said in str(caught.value)
