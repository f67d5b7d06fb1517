"""Rows that a model cannot predict are told to the cell; a file that is needed is never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import assay
from assay import delivery
from assay.data.schema import Task
from assay.errors import DataError, InputError
from assay.inference.loading import LoadedModel, load_folder
from assay.inference.predicting import check_out
from assay.inference.strictness import RowsUnlikeTraining
from assay.tracking.memory import MemoryStore
from tests.tables import table

N = 240


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rows = table(Task.BINARY, n=N)
    rows["when"] = pd.date_range("2026-01-01", periods=N)
    rows["flag"] = np.arange(N) % 3 == 0
    rows["day"] = rows["when"].dt.strftime("%d.%m.%Y")
    return rows


@pytest.fixture
def model(frame: pd.DataFrame) -> LoadedModel:
    store = MemoryStore()
    quick = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    run = assay.train(frame, target="y", learner="linear", settings=quick, store=store)
    folder, digest = store.model(run.run_id, Path())
    return load_folder(folder, name="income/2", expected=digest)


def test_a_cell_that_does_not_fit_is_told(model: LoadedModel, frame: pd.DataFrame) -> None:
    every_hundredth = np.arange(N) % 100 == 0
    cases: list[tuple[Any, list[str]]] = [
        (
            frame.assign(a=frame["a"].astype(object).where(~every_hundredth, "much")),
            ["income/2: column 'a' is numeric, but holds 'much'.",
             "column 'a', rows 0, 100, 200, counted from 0",
             "mend:  write a number there, or leave it empty"],
        ),
        (frame.assign(a=["x", "y"] * (N // 2)), ["holds 'x', 'y'", "3, 4 and 235 more"]),
        (frame.assign(when="soon"), ["'when' is datetime, but holds 'soon'", "as 2026-01-31"]),
        (frame.assign(day="2026-01-31"), ["'day' is datetime", "write the date as %d.%m.%Y"]),
        (frame.assign(flag="perhaps"), ["'flag' is true or false, but holds 'perhaps'"]),
        (frame.iloc[:0], ["There are no rows to predict."]),
        ({"a": 1}, ["columns are missing: b, c, kind, whole, when, flag, day"]),
        (pd.concat([frame, frame[["a"]]], axis=1), ["several columns have the name: a"]),
        (3, ["No table can be made of the rows, of type int", "Polars or Arrow table"]),
    ]  # fmt: skip
    for rows, expected in cases:
        with pytest.raises(DataError) as caught:
            assay.predict(model, rows)
        for told in expected:
            assert told in str(caught.value)
    one = {**frame.iloc[0].to_dict(), "a": float("inf")}
    with pytest.warns(RowsUnlikeTraining, match="a is missing"):  # what is infinite is missing
        assert len(assay.predict(model, one)) == 1


def test_predictions_are_never_written_over_the_data(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(data)
    (tmp_path / "hard.csv").hardlink_to(data)
    for out in (data, tmp_path / "x" / ".." / "rows.csv", tmp_path / "link.csv",
                tmp_path / "hard.csv"):  # fmt: skip
        with pytest.raises(InputError, match=r"written over the data, rows\.csv") as caught:
            check_out(out, data)
        assert caught.value.mend.endswith("predictions.csv")
    with pytest.raises(InputError, match="over the data"):
        check_out(tmp_path / "part.csv", tmp_path)
    check_out(tmp_path / "other.csv", data)


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("nowhere/p.csv", "There is no folder nowhere"),
        ("/proc/p.csv", "Nothing can be written into the folder /proc"),
        ("folder.csv", "Predictions cannot be written to folder.csv"),
        ("p.xlsx", "Predictions cannot be written to p.xlsx"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before(
    out: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("a\n1\n")
    Path("folder.csv").mkdir()
    with pytest.raises(InputError, match=told):
        delivery.predict_file("no-such-model", "rows.csv", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "rows.csv"]
