"""A sample of predictions to look at: the worst and some at random, none of them sealed."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

import assay
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.evaluation.outcome import Outcome
from assay.reports.sample import MOST_ROWS, losses, predictions_sample
from assay.tracking.memory import MemoryStore

ROWS = np.arange(0, 1000, 2)


def column(name: str, kind: Kind = Kind.NUMERIC, role: Role = Role.FEATURE) -> Column:
    return Column(name, kind, role, "string", "", 5, 0.0)


def schema(*columns: Column, task: Task = Task.BINARY) -> Schema:
    classes = ("no", "yes") if task.is_classification else ()
    target = column("y", Kind.CATEGORICAL, Role.TARGET)
    return Schema((*columns, target), "y", task, classes)


def outcome(n: int = 500) -> Outcome:
    random = np.random.default_rng(1)
    positive = random.uniform(size=n)
    truth = random.integers(0, 2, n)
    return Outcome(
        Task.BINARY,
        rows=ROWS[:n],
        truth=truth,
        classes=("no", "yes"),
        probabilities=np.column_stack([1 - positive, positive]),
        decided=(positive > 0.4).astype(np.int64),
    )


def table(n: int = 500, **more: object) -> pa.Table:
    return pa.table({"a": np.arange(n), "y": ["no"] * n, **more})


def test_half_are_the_worst_and_half_at_random() -> None:
    made = outcome()
    sample = predictions_sample(made, table(), ROWS, schema(column("a")), seed=0).to_pandas()
    assert len(sample) == MOST_ROWS
    assert sample["row"].is_unique
    worst = sample[sample["chosen"] == "worst"]
    assert len(worst) == 100
    assert worst["loss"].is_monotonic_decreasing
    assert worst["loss"].tolist() == sorted(losses(made), reverse=True)[:100]
    assert sample[sample["chosen"] == "random"]["loss"].max() <= worst["loss"].min()
    assert list(sample.columns) == ["row", "chosen", "truth", "predicted", "confidence", "loss"]
    first = sample.iloc[0]
    position = first["row"] // 2
    assert first["truth"] == ("no", "yes")[made.truth[position]]
    assert first["predicted"] == ("no", "yes")[int(made.known_probabilities[position, 1] > 0.4)]


def test_the_choice_is_of_the_seed() -> None:
    def rows(seed: int) -> list[int]:
        made = predictions_sample(outcome(), table(), ROWS, schema(column("a")), seed=seed)
        return made["row"].to_pylist()

    assert rows(3) == rows(3) != rows(4)


@pytest.mark.parametrize("n", [1, 5, 150])
def test_of_few_rows_there_are_all(n: int) -> None:
    made = predictions_sample(outcome(n), table(), ROWS, schema(column("a")), seed=0)
    assert sorted(made["row"].to_pylist()) == ROWS[:n].tolist()


def test_texts_and_ids_stand_beside_them() -> None:
    texts = [f"text {i}" for i in range(499)] + ["x" * 5000]
    columns = (
        column("text", Kind.TEXT),
        column("secret", Kind.TEXT, Role.IGNORED),
        column("name", Kind.CATEGORICAL, Role.ID),
        column("loss", Kind.TEXT),
    )
    given = table(text=texts, secret=texts, name=texts, loss=texts)
    made = predictions_sample(outcome(), given, ROWS, schema(*columns), seed=0)
    assert made.column_names[-3:] == ["text", "name", "loss (data)"]
    assert all(
        each["text"] == f"text {each['row'] // 2}" for each in made.to_pylist() if each["row"] < 998
    )
    longest = max(made["text"].to_pylist(), key=len)
    assert len(longest) <= 2000


def test_pictures_are_small_and_broken_ones_missing() -> None:
    file = BytesIO()
    Image.fromarray(np.full((600, 900, 3), 7, np.uint8)).save(file, "png")
    pictures = [file.getvalue(), b"\x89PNG\r\n\x1a\nnone"] * 2 + [None]
    given = table(5, photo=pa.array(pictures, pa.binary()))
    columns = schema(column("photo", Kind.CATEGORICAL, Role.IGNORED))
    made = predictions_sample(outcome(5), given, ROWS[:5], columns, seed=0)
    by_row = dict(zip(made["row"].to_pylist(), made["photo"].to_pylist(), strict=True))
    assert [each is None for each in (by_row[row] for row in (0, 2, 4, 6, 8))] == [
        False, True, False, True, True,
    ]  # fmt: skip
    assert Image.open(BytesIO(by_row[0])).size == (256, 171)


def test_paths_of_pictures_are_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.fromarray(np.full((9, 9, 3), 7, np.uint8)).save(tmp_path / "cat" / "1.png")
    given = table(2, path=["cat/1.png", "cat/2.png"])
    columns = schema(column("path", Kind.TEXT, Role.ID))
    rows = ROWS[:2]
    made = predictions_sample(outcome(2), given, rows, columns, seed=0, folder=tmp_path)
    by_row = dict(zip(made["row"].to_pylist(), made["path (picture)"].to_pylist(), strict=True))
    assert sorted(made["path"].to_pylist()) == ["cat/1.png", "cat/2.png"]
    assert Image.open(BytesIO(by_row[0])).size == (9, 9)
    assert by_row[2] is None


def test_a_regression_has_errors() -> None:
    made = Outcome(
        Task.REGRESSION, ROWS[:3], np.array([1.0, 2.0, 3.0]), values=np.array([1, 5, 2.0])
    )
    given = predictions_sample(
        made, table(), ROWS, schema(column("a"), task=Task.REGRESSION), seed=0
    )
    assert given.to_pydict() == {
        "row": [2, 4, 0],
        "chosen": ["worst"] * 3,
        "truth": [2.0, 3.0, 1.0],
        "predicted": [5.0, 2.0, 1.0],
        "error": [3.0, -1.0, 0.0],
        "loss": [9.0, 1.0, 0.0],
    }


def test_training_records_a_sample_without_sealed_rows() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=400), "b": random.normal(size=400)})
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    store = MemoryStore()
    run = assay.train(frame, target="y", learner="linear", store=store)
    sample = store.table(run.run_id, "predictions_sample").to_pandas()
    everything = store.table(run.run_id, "out_of_fold").to_pandas().set_index("row")
    assert len(sample) == 200
    assert set(sample["row"]) <= set(everything.index)
    assert (sample["truth"].to_numpy() == frame["y"].to_numpy()[sample["row"]]).all()
