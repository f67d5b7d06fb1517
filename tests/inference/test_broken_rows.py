"""Whatever table a model is given: predictions of every row, or an error that says how to mend it.

Never a traceback, and never a silent wrong answer: what is predicted without a word is predicted
as the same rows are when they are written as they were in training.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import assay
from assay.data.schema import Task
from assay.errors import AssayError
from assay.inference.loading import LoadedModel
from assay.inference.strictness import RowsUnlikeTraining
from assay.tracking.memory import MemoryStore
from tests.tables import table

ODD_VALUES: list[Any] = [
    None, np.nan, np.inf, -np.inf, "", " ", "red", "Red", "mauve", "1", "1,5", "1e400", "nan",
    "2026-01-01", "31/12/2026", "yes", True, 0, -1, 2**70, 1e308, b"\xff", pd.NaT,
    pd.Timestamp("1066-10-14"), pd.Timedelta("1s"), complex(1, 2), (1, 2), [1], {"a": 1}, object(),
]  # fmt: skip
KINDS: dict[str, Callable[[pd.Series], Any]] = {
    "as objects": lambda column: column.astype(object),
    "as text": lambda column: column.map(str, na_action="ignore"),
    "as a category": lambda column: column.astype("category"),
    "as pandas' own type": lambda column: column.convert_dtypes(),
    "as bytes": lambda column: column.map(lambda value: str(value).encode()),
    "all missing": lambda column: pd.Series([None] * len(column), index=column.index),
    "as lists": lambda column: pd.Series([[value] for value in column], index=column.index),
    "as dates": lambda column: pd.Series(pd.Timestamp("2026-01-01"), index=column.index),
    "as float32": lambda column: pd.to_numeric(column, errors="coerce").astype("float32"),
}
NAMES = ("a", "b", "c", "kind", "whole", "when", "flag", "y")


def rows() -> pd.DataFrame:
    frame = table(Task.BINARY)
    random = np.random.default_rng(5)
    return frame.assign(
        when=pd.date_range("2026-01-01", periods=len(frame)), flag=random.random(len(frame)) < 0.5
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedModel]:
    """One model of each built-in learner, and one as lenient as can be."""
    store, made = MemoryStore(), {}
    lenient = dict.fromkeys(
        ("missing_column", "wrong_type", "unexpected_null", "unseen_category", "out_of_range"),
        "impute",
    )
    lenient["out_of_range"] = "clip"
    asked = {"linear": {}, "forest": {}, "boosting": {}, "lenient": lenient}
    for name, policies in asked.items():
        run = assay.train(
            rows(),
            target="y",
            learner="linear" if name == "lenient" else name,
            settings={
                "training": {"seeds": 1},
                "evaluation": {"resamples": 200},
                "prediction": policies,
            },
            store=store,
            workers=1,
        )
        folder = tmp_path_factory.mktemp(name)
        made[name] = assay.load(str(store.model(run.run_id, folder)[0]))
    return made


@st.composite
def broken(draw: st.DrawFn) -> pd.DataFrame:
    """Some rows of the table with odd values, types, names, orders and indexes."""
    n = draw(st.sampled_from([0, 1, 2, 7]))
    frame = rows().head(n)
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
        frame[name] = KINDS[draw(st.sampled_from(sorted(KINDS)))](frame[name])
    for _ in range(draw(st.integers(0, 3)) if n else 0):
        name = draw(st.sampled_from(NAMES))
        values = list(frame[name].astype(object))
        values[draw(st.integers(0, n - 1))] = draw(st.sampled_from(ODD_VALUES))
        frame[name] = pd.Series(values, index=frame.index, dtype=object)
    order = draw(st.permutations(list(frame.columns)))
    frame = frame[order[: len(order) - draw(st.integers(0, 2))]]
    if draw(st.booleans()):
        frame = frame.assign(**{"more of it": 1})
    if draw(st.booleans()) and len(frame.columns):
        frame = pd.concat([frame, frame.iloc[:, :1]], axis=1)
    if draw(st.booleans()):
        frame.index = pd.Index([5] * len(frame))
    return frame


@pytest.mark.parametrize("name", ["linear", "forest", "boosting", "lenient"])
def test_a_broken_table_gives_predictions_of_all_rows_or_an_error_of_ours(
    name: str, models: dict[str, LoadedModel]
) -> None:
    model = models[name]

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(broken())
    def law(frame: pd.DataFrame) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RowsUnlikeTraining)
            try:
                said = assay.predict(model, frame)
            except AssayError:
                return
        assert len(said) == len(frame)
        assert list(said.index) == list(frame.index)
        assert said["prediction"].isin(["yes", "no"]).all()
        probabilities = said[["probability_no", "probability_yes"]].to_numpy()
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)

    law()


FAITHFUL: dict[str, Callable[[pd.DataFrame], Any]] = {
    "columns in another order": lambda frame: frame[frame.columns[::-1]],
    "a column more": lambda frame: frame.assign(extra="x"),
    "another index": lambda frame: frame.set_index(pd.Index(range(9, 9 + len(frame)))),
    "objects": lambda frame: frame.astype(object),
    "pandas' own types": lambda frame: frame.convert_dtypes(),
    "texts": lambda frame: frame.apply(lambda column: column.map(repr_of, na_action="ignore")),
    "categories": lambda frame: frame.assign(kind=frame["kind"].astype("category")),
    "Arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def repr_of(value: object) -> str:
    return str(value)


@pytest.mark.parametrize("name", ["linear", "forest", "boosting", "lenient"])
@pytest.mark.parametrize("written", list(FAITHFUL))
def test_the_same_rows_however_they_are_written_get_the_same_predictions(
    written: str, name: str, models: dict[str, LoadedModel]
) -> None:
    frame = rows().head(30)
    expected = assay.predict(models[name], frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RowsUnlikeTraining)
        said = assay.predict(models[name], FAITHFUL[written](frame))
    pd.testing.assert_frame_equal(
        said.reset_index(drop=True), expected.reset_index(drop=True), check_exact=True
    )


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_a_file_is_predicted_as_the_table_is(
    form: str, models: dict[str, LoadedModel], tmp_path: Path
) -> None:
    from tests.data.sources.forms import FORMS

    frame = rows()
    written = FORMS[form](frame, tmp_path)
    expected = assay.predict(models["boosting"], frame)
    said = assay.predict(models["boosting"], written.source)
    pd.testing.assert_frame_equal(said, expected, check_exact=True)


def test_a_number_too_large_for_trees_is_told(models: dict[str, LoadedModel]) -> None:
    frame = rows().head(2)
    name = next(each.name for each in models["forest"].schema.features if each.kind == "numeric")
    frame[name] = 1e308
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RowsUnlikeTraining)
        with pytest.raises(AssayError, match="infinity or a value too large"):
            assay.predict(models["forest"], frame)
