"""A source that is written to while it is read is refused; after that it may change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assay
from assay import delivery
from assay.data.schema import Task
from assay.data.sources import read_batches, read_table
from assay.data.sources.forms import FORMS as READERS
from assay.data.sources.forms import form_of
from assay.errors import DataError
from assay.monitor import Step
from assay.tracking.memory import MemoryStore
from tests.data.sources.forms import FORMS, mixed
from tests.tables import table

ONE_FILE = ("csv", "csv.gz", "parquet", "arrow", "jsonl")


@pytest.mark.parametrize("form", ONE_FILE)
def test_a_file_that_changes_while_it_is_read_piece_by_piece_is_refused(
    form: str, tmp_path: Path
) -> None:
    written = FORMS[form](mixed(), tmp_path)
    batches = read_batches(written.source, rows=10)
    next(batches)
    os.utime(written.source, ns=(1, 1))
    with pytest.raises(DataError, match=r"table\..* was changed while it was read") as refused:
        list(batches)
    assert "read a copy of it" in refused.value.mend


@pytest.mark.parametrize("cut", [True, False])
def test_a_file_that_changes_while_it_is_read_whole_is_refused(
    cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the reader finds it broken: that is not what is wrong with it."""
    path = tmp_path / "table.parquet"
    mixed().to_parquet(path)
    reader = form_of(path)
    read = reader.read

    def late(path: Path) -> Any:
        whole = read(path)
        path.write_bytes(path.read_bytes()[:100])
        return read(path) if cut else whole

    monkeypatch.setattr(READERS[".parquet"], "read", late)
    with pytest.raises(DataError, match="was changed while it was read"):
        read_table(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "b.csv").unlink(),
        lambda folder: (folder / "c.csv").write_text("x,y\n5,6\n"),
        lambda folder: (folder / "b.csv").write_text("x,y\n3,4\n7,8\n"),
    ],
    ids=["a file goes", "a file comes", "a file changes"],
)
def test_a_folder_is_one_file_of_many(change: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,3\n")
    (tmp_path / "b.csv").write_text("x,y\n3,4\n")
    batches = read_batches(tmp_path, rows=1)
    next(batches)
    change(tmp_path)
    with pytest.raises(DataError, match="was changed while it was read"):
        list(batches)


def test_what_is_not_of_the_table_may_change(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,3\n")
    batches = read_batches(tmp_path, rows=1)
    next(batches)
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".lock").write_text("")
    (tmp_path / "train.log").write_text("")
    assert len(list(batches)) == 1


def test_predictions_of_a_file_that_changes_are_not_written(tmp_path: Path) -> None:
    frame, path = table(Task.REGRESSION, n=600), tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    store = MemoryStore()
    run = assay.train(frame, target="y", learner="linear", settings=QUICK, store=store)
    model = assay.load(str(store.model(run.run_id, tmp_path)[0]))

    def meddle(step: Step) -> None:
        path.write_text("a,b\n")

    with pytest.raises(DataError, match=r"rows\.csv was changed while it was read"):
        delivery.predict_file(model, path, tmp_path / "out.csv", announce=meddle)
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_run_does_not_care_what_becomes_of_its_file(tmp_path: Path) -> None:
    """Once it is read: the numbers are those of the table that its fingerprint names."""
    path = tmp_path / "t.parquet"
    frame = table(Task.BINARY)
    experiment = tmp_path / "t.yaml"
    experiment.write_text(
        "data: {source: t.parquet, target: y}\nmodel: {learner: linear}\n"
        "training: {seeds: 1}\nevaluation: {resamples: 200}\n"
    )
    runs = []
    for meddled in (False, True):
        frame.to_parquet(path)

        def meddle(step: Step, meddled: bool = meddled) -> None:
            if meddled and "Fitting" in step.text:
                path.write_bytes(b"gone")

        runs.append(assay.train(experiment, store=MemoryStore(), announce=meddle))
    still, changed = runs
    assert changed.fingerprint == still.fingerprint
    assert changed.evaluation.metrics == still.evaluation.metrics


QUICK = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
