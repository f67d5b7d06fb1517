"""The finished model at work: any table that has its columns, and nothing else, is predicted."""

from __future__ import annotations

import gc
import sqlite3
import tracemalloc
import weakref
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import assay
from assay import delivery
from assay.data.dataset import Part
from assay.data.schema import Task
from assay.data.sources import read_batches
from assay.errors import DataError, InputError, NotFoundError
from assay.inference import predicting
from assay.inference.loading import LoadedModel, load_folder
from assay.monitor import silent
from assay.tracking.memory import MemoryStore
from tests.data.sources.forms import write_workbook
from tests.fakes import FakeLearner, FakeModel
from tests.tables import table


def model_of(frame: pd.DataFrame, **settings: object) -> LoadedModel:
    store = MemoryStore()
    quick = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    run = assay.train(
        frame, target="y", learner="linear", settings={**quick, **settings}, store=store
    )
    folder, digest = store.model(run.run_id, Path())
    model = load_folder(folder, name="it", expected=digest)
    assert model.threshold == (run.threshold.value if run.threshold else None)
    return model


def in_hundreds(source: str | Path, **of: str | None) -> Iterator[pa.Table]:
    """Read in pieces that are smaller than the tables here."""
    return read_batches(source, **of, rows=100)


def test_labels_follow_the_threshold_and_keep_their_type() -> None:
    frame = table(Task.BINARY)
    frame["y"] = (frame["y"] == "yes").astype(int)
    model = model_of(frame)
    probabilities, labels = model.predict_proba(frame), model.predict(frame)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels == 1, probabilities[:, 1] >= model.threshold)
    assert model.classes == (0, 1)


@dataclass(frozen=True)
class Overconfident(FakeLearner):
    """Says everything with far too much certainty."""

    name: str = "overconfident"

    def _mean(self, train: Part, side: np.ndarray) -> np.ndarray:
        sharp = super()._mean(train, side) ** 6
        return sharp / sharp.sum()


@pytest.mark.parametrize(
    ("task", "method"),
    [
        (Task.BINARY, "sigmoid"),
        (Task.BINARY, "beta"),
        (Task.BINARY, "isotonic"),
        (Task.MULTICLASS, "temperature"),
    ],
)
def test_a_model_of_ones_own_is_logged_as_calibrated_as_it_was_announced(
    task: Task, method: str, tmp_path: Path
) -> None:
    frame, store = table(task, n=600), MemoryStore()
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200, "calibration": method}}
    run = assay.train(
        frame, target="y", learner=Overconfident(), settings=settings, store=store, workers=1
    )
    folder, digest = store.model(run.run_id, tmp_path)
    trust = [f"{FakeModel.__module__}:{FakeModel.__qualname__}"]
    model = load_folder(folder, name="it", expected=digest, trust=trust)
    said = model.predict_proba(frame)
    codes = [model.classes.index(label) for label in frame["y"]]
    logged = -np.log(said[np.arange(len(frame)), codes]).mean()
    announced = run.evaluation.metrics["log_loss"]
    assert announced.low < logged < announced.high
    plain = mlflow.pyfunc.load_model(str(folder))
    as_plain = plain.predict(frame, params={"output": "probabilities"})
    np.testing.assert_array_equal(as_plain.to_numpy(), said)


def test_truth_values_are_classes_too() -> None:
    frame = table(Task.BINARY)
    frame["y"] = frame["y"] == "yes"
    model = model_of(frame)
    assert set(model.predict(frame).tolist()) == {True, False}


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Pieces are made as they are asked for, and nothing of an earlier one is kept."""
    frame = table(Task.BINARY)
    model, piece = model_of(frame), pd.concat([frame.drop(columns="y")] * 8)
    alive: list[weakref.ref[pa.Table]] = []

    def pieces(held: list[int]) -> Iterator[pa.Table]:
        for _ in range(12):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes())
            assert sum(each() is not None for each in alive) <= 1
            made = pa.Table.from_pandas(piece, preserve_index=False)
            alive.append(weakref.ref(made))
            yield made

    gc.freeze()  # so that to collect is quick
    tracemalloc.start()
    try:
        for ending in ("csv", "parquet"):
            held: list[int] = []
            predicted = predicting.predict_batches(model, pieces(held), silent)
            written = predicting.write_frames(predicted, tmp_path / f"out.{ending}")
            assert written == 12 * len(piece)
            assert max(held[7:]) - max(held[2:7]) < pa.Table.from_pandas(piece).nbytes / 4
    finally:
        tracemalloc.stop()
        gc.unfreeze()


@pytest.mark.parametrize("positive", ["yes", "no"])
def test_the_positive_class_can_be_either(positive: str) -> None:
    frame = table(Task.BINARY)
    model = model_of(frame, data={"positive": positive}, evaluation={"calibration": "sigmoid"})
    assert model.classes[1] == positive
    probabilities = model.predict_proba(frame)[:, 1]
    is_positive = frame["y"] == positive
    assert probabilities[is_positive].mean() > probabilities[~is_positive].mean()
    said = model.predict(frame) == positive
    np.testing.assert_array_equal(said, probabilities >= model.threshold)


def test_rows_are_predicted_one_by_one_as_in_a_table() -> None:
    frame = table(Task.REGRESSION)
    model = model_of(frame)
    alone = [model.predict(frame.iloc[[row]])[0] for row in range(10)]
    np.testing.assert_allclose(alone, model.predict(frame)[:10], rtol=1e-12)


def test_extra_columns_another_order_and_arrow_are_fine() -> None:
    import pyarrow as pa

    frame = table(Task.BINARY)
    model = model_of(frame)
    expected = model.predict(frame)
    turned = frame[frame.columns[::-1]].assign(more=1)
    np.testing.assert_array_equal(model.predict(turned), expected)
    np.testing.assert_array_equal(model.predict(pa.Table.from_pandas(frame)), expected)


def test_what_does_not_fit_is_told() -> None:
    frame = table(Task.REGRESSION)
    model = model_of(frame)
    with pytest.raises(DataError, match="columns are missing: b, kind") as caught:
        model.predict(frame[["a", "c", "whole"]])
    assert "a, b, c, kind, whole" in caught.value.mend
    with pytest.raises(DataError, match="column 'a' is numeric, but"):
        model.predict(frame.assign(a="much"))
    with pytest.raises(DataError, match="a regression has no probabilities"):
        model.predict_proba(frame)


def test_ids_travel_with_predictions() -> None:
    frame = table(Task.BINARY)
    frame.insert(0, "who", [f"u{i}" for i in range(len(frame))])
    model = model_of(frame, data={"roles": {"id": "who"}})
    predictions = assay.predict(model, frame)
    assert predictions["who"].tolist() == frame["who"].tolist()
    assert list(predictions.columns) == ["who", "prediction", "probability_no", "probability_yes"]


def test_an_id_that_is_called_prediction_is_not_lost() -> None:
    frame = table(Task.BINARY)
    frame.insert(0, "prediction", [f"u{i}" for i in range(len(frame))])
    model = model_of(frame, data={"roles": {"id": "prediction"}})
    predictions = assay.predict(model, frame)
    assert predictions["prediction"].tolist() == frame["prediction"].tolist()
    assert set(predictions["prediction_"]) == {"yes", "no"}


def test_tables_of_all_libraries_keep_their_ids_and_rows() -> None:
    import polars

    frame = table(Task.BINARY)
    frame["who"] = [f"u{i}" for i in range(len(frame))]
    model = model_of(frame, data={"roles": {"id": "who"}})
    expected = assay.predict(model, frame)
    for form in (pa.Table.from_pandas(frame), polars.from_pandas(frame)):
        pd.testing.assert_frame_equal(assay.predict(model, form), expected)
    for rows in ([7, 5], [7, 7]):
        chosen = assay.predict(model, frame.iloc[rows])
        pd.testing.assert_frame_equal(chosen, expected.iloc[rows])
        assert chosen.attrs == {"model": "it"}
    one = assay.predict(model, frame.iloc[3].to_dict())
    assert (len(one), one["who"][0]) == (1, "u3")


@pytest.mark.parametrize("form", [".csv", ".parquet"])
def test_a_file_is_predicted_piece_by_piece_as_it_would_be_whole(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(Task.MULTICLASS, n=700).assign(who=[f"u{i}" for i in range(700)])
    frame["code"] = np.where(np.arange(700) < 300, "True", "1.0")
    frame.loc[500:, "code"] = "no number"
    frame["when"] = pd.date_range("2026-01-01", periods=700).astype(str)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    model = model_of(frame, data={"roles": {"id": "who"}})
    monkeypatch.setattr(predicting, "read_batches", in_hundreds)
    steps = []
    out = tmp_path / f"out{form}"
    written = delivery.predict_file(model, tmp_path / "rows.csv", out, announce=steps.append)
    assert (written.n, written.model, len(steps)) == (700, "it", 7)
    read = pd.read_csv(out) if form == ".csv" else pd.read_parquet(out)
    pd.testing.assert_frame_equal(read, assay.predict(model, frame), check_dtype=False)
    assert [path.name for path in tmp_path.glob("*out*")] == [out.name]


@pytest.mark.parametrize("missing", [30, 130, range(100)], ids=["first", "second", "all of first"])
@pytest.mark.parametrize("form", [".csv", ".parquet"])
def test_whole_ids_stay_whole_beside_missing_ones(
    missing: int | range, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(Task.REGRESSION, n=200).assign(who=range(2**60, 2**60 + 200))
    model = model_of(frame, data={"roles": {"id": "who"}})
    frame["who"] = frame["who"].astype("Int64")
    frame.loc[missing, "who"] = pd.NA
    frame.to_parquet(tmp_path / "rows.parquet")
    monkeypatch.setattr(predicting, "read_batches", in_hundreds)
    out = tmp_path / f"out{form}"
    delivery.predict_file(model, tmp_path / "rows.parquet", out)
    read = pyarrow.parquet.read_table(out) if form == ".parquet" else pd.read_csv(out, dtype=str)
    ids = read["who"].to_pylist() if form == ".parquet" else read["who"].tolist()
    told = ["" if pd.isna(each) else str(each) for each in ids]
    assert told == ["" if pd.isna(each) else str(each) for each in frame["who"]]


def test_databases_and_workbooks_are_predicted(tmp_path: Path) -> None:
    frame = table(Task.REGRESSION)
    model = model_of(frame)
    expected = assay.predict(model, frame)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        frame.to_sql("sales", connection, index=False)
    address = f"sqlite:///{tmp_path / 'shop.db'}"
    rows = frame.astype(object).where(frame.notna(), None)
    sheet = [list(frame.columns), *rows.itertuples(index=False)]
    write_workbook(tmp_path / "table.xlsx", {"first": [["nothing"]], "second": sheet})
    for source, settings in (
        (address, {"query": "sales"}),
        (address, {"query": "select * from sales"}),
        (tmp_path / "table.xlsx", {"sheet": "second"}),
    ):
        said = assay.predict(model, source, **settings)
        pd.testing.assert_frame_equal(said, expected, check_exact=True)
        written = delivery.predict_file(model, source, tmp_path / "out.csv", **settings)
        assert written.n == len(frame)
    with pytest.raises(DataError, match="A query goes with a database"):
        assay.predict(model, tmp_path / "table.xlsx", query="sales")


def test_rows_of_a_file_are_counted_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(Task.REGRESSION, n=400)
    model = model_of(frame)
    frame["a"] = frame["a"].astype(object)
    frame.loc[321, "a"] = "oops"
    frame.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.setattr(predicting, "read_batches", in_hundreds)
    with pytest.raises(DataError, match="'oops'") as caught:
        delivery.predict_file(model, tmp_path / "rows.csv", tmp_path / "out.csv")
    assert "row 321" in caught.value.where
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_another_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model that Assay has saved") as caught:
        assay.load(str(tmp_path))
    assert "mlflow.pyfunc.load_model" in caught.value.mend


def test_a_run_shows_itself() -> None:
    run = assay.train(
        table(Task.BINARY), target="y", learner="linear", store=MemoryStore(),
        settings={"training": {"seeds": 1}, "evaluation": {"resamples": 200}},
    )  # fmt: skip
    assert repr(run).startswith("Run(linear-seeds1: roc_auc 0.")
    html = run._repr_html_()
    assert "<table>" in html
    assert str(run.metrics["roc_auc"]) in html


def test_whole_ids_of_tables_in_memory_stay_whole() -> None:
    import polars

    frame = table(Task.REGRESSION).assign(who=range(2**60, 2**60 + 240))
    model = model_of(frame, data={"roles": {"id": "who"}})
    ids = [2**60 + 1, None, 2**60 + 3]
    rows = pa.Table.from_pandas(frame.head(3).drop(columns="who"), preserve_index=False)
    rows = rows.append_column("who", pa.array(ids))
    for form in (rows, polars.from_arrow(rows)):
        assert assay.predict(model, form)["who"].tolist() == ids


def test_columns_without_a_name_are_named_by_their_place_wherever_they_come_from(
    tmp_path: Path,
) -> None:
    frame = table(Task.REGRESSION).rename(columns={"b": ""})
    model = model_of(frame)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    pd.testing.assert_frame_equal(
        assay.predict(model, frame), assay.predict(model, tmp_path / "rows.csv")
    )


def test_rows_of_a_frame_in_another_order_are_counted_from_its_first() -> None:
    frame = table(Task.REGRESSION)
    model = model_of(frame)
    odd = frame.assign(a=frame["a"].astype(object))[::-1]
    odd.iloc[8, odd.columns.get_loc("a")] = "much"
    with pytest.raises(DataError) as refused:
        assay.predict(model, odd)
    assert "row 8," in refused.value.where


@pytest.mark.parametrize("settings", [{"query": "sales"}, {"sheet": "one"}])
def test_how_a_source_is_read_is_refused_of_a_table_in_memory(settings: dict[str, str]) -> None:
    frame = table(Task.REGRESSION)
    with pytest.raises(InputError, match="goes with a source, and the data is a table in memory"):
        assay.predict(model_of(frame), frame, **settings)
