"""Laws 1 and 2: the test rows' targets are sealed, and every look at them is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import top_k_accuracy_score

import assay
from assay.data.ledger import Ledger
from assay.data.schema import Task
from assay.data.vault import OpenedRows
from assay.errors import DataError, VaultError
from assay.evaluation.design import Design
from assay.evaluation.metrics import METRICS
from assay.evaluation.recorded import as_table, from_table
from assay.inference.testing import Predicted, confront
from assay.reports.wording import interval
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeStepping
from tests.reports.markup import Markup
from tests.tables import prepared, table, target_of


def marked(task: Task, seed: int = 0) -> pd.DataFrame:
    """A table whose split is frozen in a column."""
    frame = table(task, n=300, seed=seed)
    frame["part"] = np.where(np.arange(len(frame)) % 4 == 0, "test", "train")
    return frame


def scrambled(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with other targets in its test rows, of the same values."""
    frame = frame.copy()
    is_test = frame["part"] == "test"
    target = [name for name in frame if name.startswith("y")]
    before = frame[target].copy()
    frame.loc[is_test, target] = frame.loc[is_test, target].to_numpy()[::-1]
    assert (frame[target] != before).any(axis=None)
    return frame


def computed(run: Run, store: MemoryStore) -> dict:
    """All that training computed, without what is only provenance."""
    known = run.as_dict()
    for name in ("run_id", "created", "duration_s", "provenance", "fingerprint", "test_digest"):
        del known[name]
    known["model"] = None
    known["rows"] = store.table(run.run_id, run.announced_table).to_pydict()
    return known


@pytest.mark.parametrize("task", list(Task))
def test_scrambled_test_targets_change_nothing_that_training_computes(task: Task) -> None:
    frame = marked(task)
    settings = {"data": {"split": {"by": "column", "column": "part"}}, "training": {"seeds": 1}}
    results, predictions = [], []
    for each in (frame, scrambled(frame)):
        store = MemoryStore()
        run = assay.train(
            each, target=target_of(task), learner="linear", settings=settings, store=store
        )
        results.append(computed(run, store))
        predictions.append(assay.predict(store.model(run.run_id, Path())[0].as_posix(), frame))
    assert results[0] == results[1]
    pd.testing.assert_frame_equal(*predictions, check_exact=True)


def test_scrambled_test_targets_change_nothing_where_validation_rows_are_held_out() -> None:
    frame = marked(Task.BINARY)
    settings = {"data": {"split": {"by": "column", "column": "part"}}}
    results = []
    for each in (frame, scrambled(frame)):
        store = MemoryStore()
        run = assay.train(each, target="y", learner=FakeStepping(), settings=settings, store=store)
        results.append(computed(run, store))
    assert results[0]["evaluation"]["rows"] == "validation"
    assert results[0] == results[1]


@pytest.mark.parametrize("column", ["y", "a", "kind", "when"])
def test_an_odd_test_cell_decides_no_type(column: str) -> None:
    frame = marked(Task.BINARY)
    frame["y"] = (frame["y"] == "yes").astype(int)
    frame["when"] = pd.date_range("2026-01-01", periods=len(frame))
    frame = frame.astype(str).replace("nan", None)
    odd = frame.copy()
    odd.loc[0, column] = "?"
    settings = {"data": {"split": {"by": "column", "column": "part"}}, "training": {"seeds": 1}}
    results = []
    for each in (frame, odd):
        store = MemoryStore()
        run = assay.train(each, target="y", learner="linear", settings=settings, store=store)
        results.append(computed(run, store))
    if column == "y":
        for result, n in zip(results, (75, 74), strict=True):
            assert result["n_rows"].pop("test") == n
            found = result["checks"].pop("findings")  # which say how many test rows there are
            assert {each["code"] for each in found} <= {"AS211", "AS308"}
        assert results[1]["n_rows"].pop("with a target of another type") == 1
    assert results[0] == results[1]


def trained(seed: int = 0, store: MemoryStore | None = None) -> tuple[Run, MemoryStore]:
    """A run on the same table with a split of its own."""
    store = store or MemoryStore()
    settings = {"data": {"split": {"seed": seed}}, "training": {"seeds": 1}}
    frame = table(Task.BINARY, n=300)
    return assay.train(frame, target="y", learner="linear", settings=settings, store=store), store


def seen(page: Path) -> str:
    """What a reader of the page reads."""
    return Markup(page.read_text()).seen


def test_training_looks_at_nothing(ledger: Path) -> None:
    trained()
    assert Ledger(ledger).looks() == []


def test_each_look_is_in_the_ledger_before_the_number_is_known(ledger: Path) -> None:
    run, store = trained()
    assert assay.evaluate(run, store=store).test is None
    for n in (1, 2, 3):
        looked = assay.evaluate(run, on="test", reason="a test", store=store)
        assert looked.test is not None
        assert looked.test.looks == n
        assert len(Ledger(ledger).looks()) == n
    digest, look = Ledger(ledger).looks()[0]
    assert (digest, look.run_id, look.reason) == (run.test_digest, run.run_id, "a test")


def test_neither_another_workspace_nor_another_seed_resets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, store = trained()
    assay.evaluate(run, on="test", store=store)
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path / "another"))
    same_again, store = trained()
    assert assay.evaluate(same_again, on="test", store=store).test.looks == 2
    # Another seed draws other rows; some of them were seen already.
    redrawn, store = trained(seed=1)
    assert redrawn.test_digest != run.test_digest
    assert assay.evaluate(redrawn, on="test", store=store).test.looks == 3


EDITS = {
    "a constant column": lambda f: f.assign(constant=1),
    "a renamed column": lambda f: f.rename(columns={"a": "alpha"}),
    "all columns renamed but the target": lambda f: f.rename(
        columns={name: f"x_{name}" for name in f.columns.drop("y")}
    ),
    "a rounded column": lambda f: f.assign(a=f["a"].round(12)),
    "all columns rounded": lambda f: f.round({"a": 3, "b": 3, "c": 3}),
    "a dropped column": lambda f: f.drop(columns="a"),
    "a split column": lambda f: f.assign(part=np.where(np.arange(len(f)) % 5, "train", "test")),
}


@pytest.mark.parametrize("seed", [0, 1])
def test_neither_does_an_edit_of_the_columns(seed: int) -> None:
    run, store = trained()
    for _ in range(2):
        assay.evaluate(run, on="test", store=store)
    for name, edit in EDITS.items():
        frame = edit(table(Task.BINARY, n=300))
        split = {"by": "column", "column": "part"} if "part" in frame else {"seed": seed}
        settings = {"data": {"split": split}, "training": {"seeds": 1}}
        edited = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
        assert edited.test_digest != run.test_digest
        assert "These rows have had 2 looks." in seen(edited.report), name
    assert assay.evaluate(edited, on="test", store=store).test.looks == 3


def test_other_rows_of_the_same_table_are_fresh() -> None:
    frame, store = marked(Task.REGRESSION), MemoryStore()
    settings = {"data": {"split": {"by": "column", "column": "part"}}, "training": {"seeds": 1}}
    run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
    assay.evaluate(run, on="test", store=store)
    frame["part"] = np.where(np.arange(len(frame)) % 4 == 1, "test", "train")
    other = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
    assert assay.evaluate(other, on="test", store=store).test.looks == 1


def test_intervals_widen_with_the_looks() -> None:
    run, store = trained()
    first = assay.evaluate(run, on="test", store=store)
    second = assay.evaluate(run, on="test", store=store)
    a, b = first.metrics["accuracy"], second.metrics["accuracy"]
    assert a.value == b.value
    assert (a.level, b.level) == (0.95, pytest.approx(0.975))
    assert b.high - b.low > a.high - a.low


def test_without_asking_for_the_test_out_of_fold_numbers_are_shown() -> None:
    run, store = trained()
    looked = assay.evaluate(run, on="test", store=store)
    plain = assay.evaluate(run, store=store)
    assert plain.test is None
    assert plain.metrics == run.metrics != looked.metrics
    assert (plain.summary()["rows"], plain.latest.n) == ("out-of-fold", 240)


def test_a_page_drawn_after_more_looks_is_as_wide_as_they_demand() -> None:
    run, store = trained()
    first = assay.evaluate(run, on="test", store=store)
    assert "First look at these rows." in seen(first.report)
    other, _ = trained(store=store)
    for _ in range(3):
        last = assay.evaluate(other, on="test", store=store)
    assert last.test.looks == 4
    drawn = seen(assay.report(run, store=store))
    assert "These rows have had 4 looks" in drawn
    # The two runs are the same but for their names, and so are their test intervals now.
    for number in (
        interval(last.test.evaluation.headline),
        interval(last.test.difference.estimate),
    ):
        assert number in drawn
    assert interval(first.test.evaluation.headline) not in drawn


def test_what_cannot_be_made_wider_is_said_to_be_too_narrow() -> None:
    run, store = trained()
    first = assay.evaluate(run, on="test", store=store)
    del store._kept[run.run_id].tables["test"]
    other, _ = trained(store=store)
    assay.evaluate(other, on="test", store=store)
    drawn = seen(assay.report(run, store=store))
    assert "2 looks. The interval was made at 1 look: read it as wider." in drawn
    assert interval(first.test.evaluation.headline) in drawn


def test_every_look_is_recorded_with_its_run(tmp_path: Path) -> None:
    run, store = trained()
    for why in ("curiosity", "release"):
        assay.evaluate(run, on="test", reason=why, store=store)
    files = store.fetch(run.run_id, "looks", tmp_path).iterdir()
    looks = sorted((json.loads(each.read_text()) for each in files), key=lambda look: look["looks"])
    assert [(look["looks"], look["reason"]) for look in looks] == [(1, "curiosity"), (2, "release")]
    assert looks[0]["run_id"] == run.run_id
    assert store.history(run.run_id, "looks") == [(1, 1.0), (2, 2.0)]
    assert [step for step, _ in store.history(run.run_id, "test_accuracy")] == [1, 2]
    assert store.get(run.run_id).tags["assay.looks"] == "2"


def test_what_cannot_be_counted_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, store = trained()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ASSAY_LEDGER", str(tmp_path / "file" / "ledger.db"))
    with pytest.raises(VaultError, match="the test stays sealed") as caught:
        assay.evaluate(run, on="test", store=store)
    assert "ASSAY_LEDGER" in caught.value.mend
    assert assay.evaluate(run, store=store).test is None


def test_a_model_that_cannot_be_loaded_costs_no_look(ledger: Path) -> None:
    run, store = trained()
    folder, _ = store.model(run.run_id, Path())
    (folder / "artifacts" / "finished" / "estimator.skops").write_bytes(b"changed")
    with pytest.raises(assay.AssayError, match="was changed after it was saved"):
        assay.evaluate(run, on="test", store=store)
    assert Ledger(ledger).looks() == []


def test_the_sealed_number_stands_beside_the_announced_one() -> None:
    run, store = trained()
    test = assay.evaluate(run, on="test", store=store).test
    difference = test.difference
    assert difference.first == run.evaluation.headline.value
    assert difference.second == test.evaluation.headline.value
    assert difference.estimate.value == difference.second - difference.first
    assert difference.estimate.low < difference.estimate.value < difference.estimate.high


def test_rows_that_cannot_be_predicted_cost_no_look(ledger: Path) -> None:
    frame = marked(Task.BINARY)
    frame.loc[4, "a"] = np.nan
    assert frame.loc[4, "part"] == "test"
    settings = {"data": {"split": {"by": "column", "column": "part"}}, "training": {"seeds": 1}}
    settings["prediction"] = {"unexpected_null": "error"}
    store = MemoryStore()
    run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
    with pytest.raises(DataError, match="a is missing in 1 row"):
        assay.evaluate(run, on="test", store=store)
    assert Ledger(ledger).looks() == []


@pytest.mark.parametrize("harm", ["ledger", "vault"])
def test_neither_a_broken_ledger_nor_broken_rows_stop_training(
    ledger: Path, tmp_path: Path, harm: str
) -> None:
    run, store = trained()
    assay.evaluate(run, on="test", store=store)
    [sealed] = (tmp_path / "workspace" / "vault").iterdir()
    broken = ledger if harm == "ledger" else sealed
    broken.write_bytes(b"broken" * 1000)
    unknown = "cannot be told: at least 1 time."
    assert unknown in seen(assay.report(run, store=store))
    again, _ = trained(store=store)
    if harm == "ledger":
        assert "Sealed looks unknown" in seen(again.report)
    else:
        assert "Sealed 1 look " in seen(again.report), "training has sealed the rows anew"
        assert assay.evaluate(again, on="test", store=store).test.looks == 2


def test_a_class_that_only_sealed_rows_have_is_none_that_the_model_knows() -> None:
    data = prepared(Task.MULTICLASS)
    rows = data.raw_development.slice(0, 60).to_pandas()
    rows.loc[:9, "y"] = "new"
    said = np.tile([1.0, 0.0, 0.0], (60, 1))
    outcome, _ = confront(
        Predicted(data.schema, said, said.argmax(axis=1)),
        OpenedRows(pa.Table.from_pandas(rows), np.arange(60), 1),
        Design.CHANCE,
    )
    assert (outcome.classes[3:], outcome.n_known) == (("new",), 3)
    known = outcome.truth < 3
    hits = top_k_accuracy_score(
        outcome.truth[known], said[known], k=2, labels=range(3), normalize=False
    )
    assert METRICS[Task.MULTICLASS]["top_2_accuracy"].of(outcome) == pytest.approx(hits / 60)
    assert from_table(as_table(outcome), data.schema, ["new"]).n_known == 3


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_sealed_rows_of_an_unseen_class_count_as_wrong(task: Task) -> None:
    frame = marked(task)
    is_test = frame["part"] == "test"
    settings = {"data": {"split": {"by": "column", "column": "part"}}, "training": {"seeds": 1}}
    store = MemoryStore()

    def tested(frame: pd.DataFrame) -> Run:
        run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
        return assay.evaluate(run, on="test", store=store)

    known = tested(frame)
    half = is_test & (np.arange(len(frame)) % 8 == 0)
    unseen = tested(frame.assign(y=frame["y"].mask(half, "new")))
    outcome = from_table(store.table(known.run_id, "test"), known.schema)
    n_right = (outcome.truth == outcome.decided)[~half[is_test]].sum()
    assert unseen.test.evaluation.n == is_test.sum() == 75
    assert unseen.metrics["accuracy"].value == pytest.approx(n_right / 75)
    unknown = ["new"] if task is Task.MULTICLASS else []
    classes = tuple(map(str, (*unseen.schema.classes, *unknown)))
    assert tuple(unseen.test.evaluation.support) == classes
    read = from_table(store.table(unseen.run_id, "test"), unseen.schema, unknown)
    assert (read.classes, read.n_unknown) == (classes, len(unknown))
    assert METRICS[task]["accuracy"].of(read) == pytest.approx(n_right / 75)
    kept = outcome.on_rows(outcome.rows[~half[is_test]])
    for name in ("log_loss", "brier"):
        worst = -np.log(np.finfo(float).eps) if name == "log_loss" else 1.0
        mean = METRICS[task][name].of(kept) * len(kept) / 75 + worst * half.sum() / 75
        assert unseen.metrics[name].value >= mean - 1e-9
    if task is Task.MULTICLASS:
        top = METRICS[task]["top_2_accuracy"].of(kept) * len(kept) / 75
        assert unseen.metrics["top_2_accuracy"].value == pytest.approx(top)
    [note] = unseen.test.notes
    assert note.startswith("38 sealed rows have classes that no development row had (new): they")
    assert unseen.summary()["notes"] == [note]
    assert note in seen(unseen.report)
    assert known.test.notes == ()
    # Drawn again from what is recorded, one look later.
    assay.evaluate(unseen, on="test", store=store)
    assert note in seen(assay.report(unseen, store=store))
