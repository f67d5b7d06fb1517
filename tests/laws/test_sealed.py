"""Laws 1 and 2: the test rows' targets are sealed, and every look at them is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.ledger import Ledger
from assay.data.schema import Task
from assay.errors import VaultError
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.tables import table


def marked(task: Task, seed: int = 0) -> pd.DataFrame:
    """A table whose split is frozen in a column."""
    frame = table(task, n=300, seed=seed)
    frame["part"] = np.where(np.arange(len(frame)) % 4 == 0, "test", "train")
    return frame


def scrambled(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with other targets in its test rows, of the same values."""
    frame = frame.copy()
    is_test = frame["part"] == "test"
    frame.loc[is_test, "y"] = frame.loc[is_test, "y"].to_numpy()[::-1]
    assert (frame["y"] != marked_like(frame)["y"]).any()
    return frame


def marked_like(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as it was before it was scrambled."""
    for task in Task:
        original = marked(task)
        if set(original["y"]) == set(frame["y"]):
            return original
    raise AssertionError


def computed(run: Run, store: MemoryStore) -> dict:
    """All that training computed, without what is only provenance."""
    known = run.as_dict()
    for name in ("run_id", "created", "duration_s", "provenance", "fingerprint", "test_digest"):
        del known[name]
    known["model"] = None
    known["rows"] = store.table(run.run_id, "out_of_fold").to_pydict()
    return known


@pytest.mark.parametrize("task", list(Task))
def test_scrambled_test_targets_change_nothing_that_training_computes(task: Task) -> None:
    frame = marked(task)
    settings = {"data": {"split": {"by": "column", "column": "part"}}, "training": {"seeds": 1}}
    results, predictions = [], []
    for each in (frame, scrambled(frame)):
        store = MemoryStore()
        run = assay.train(each, target="y", learner="linear", settings=settings, store=store)
        results.append(computed(run, store))
        predictions.append(assay.predict(store.model(run.run_id, Path())[0].as_posix(), frame))
    assert results[0] == results[1]
    pd.testing.assert_frame_equal(*predictions, check_exact=True)


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
        assert results[1]["n_rows"].pop("with a target of another type") == 1
    assert results[0] == results[1]


def trained(seed: int = 0, store: MemoryStore | None = None) -> tuple[Run, MemoryStore]:
    """A run on the same table with a split of its own."""
    store = store or MemoryStore()
    settings = {"data": {"split": {"seed": seed}}, "training": {"seeds": 1}}
    frame = table(Task.BINARY, n=300)
    return assay.train(frame, target="y", learner="linear", settings=settings, store=store), store


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


def test_intervals_widen_with_the_looks() -> None:
    run, store = trained()
    first = assay.evaluate(run, on="test", store=store)
    second = assay.evaluate(run, on="test", store=store)
    a, b = first.metrics["accuracy"], second.metrics["accuracy"]
    assert a.value == b.value
    assert (a.level, b.level) == (0.95, pytest.approx(0.975))
    assert b.high - b.low > a.high - a.low


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
