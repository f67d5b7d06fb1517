"""Rows that are not like those the model learnt from: each policy, in Python and plain MLflow."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.errors import DataError
from assay.inference.loading import LoadedModel
from assay.inference.strictness import RowsUnlikeTraining
from assay.tracking.memory import MemoryStore
from tests.tables import table

ODD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "missing_column": (lambda rows: rows.drop(columns="c"), "columns are missing.*: c"),
    "wrong_type": (
        lambda rows: rows.assign(a=["much", *rows["a"].tolist()[1:]]),
        r"column 'a' is numeric|a cannot be read as numeric in 1 row \(0\)",
    ),
    "unexpected_null": (
        lambda rows: rows.assign(kind=[None, None, *rows["kind"].tolist()[2:]]),
        r"kind is missing in 2 rows \(0, 1\)",
    ),
    "unseen_category": (
        lambda rows: rows.assign(kind=["green", "mauve", *rows["kind"].tolist()[2:]]),
        r"kind is 'mauve' in 1 row \(1\), never seen before",
    ),
    "out_of_range": (
        lambda rows: rows.assign(when=[pd.Timestamp("1066-10-14"), *rows["when"].tolist()[1:]]),
        r"when is 1066-10-14 in 1 row \(0\), seen was 2026-01-01 to 2026-",
    ),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[LoadedModel, Path]]:
    """Models by their policies, each trained once."""
    made: dict[str, tuple[LoadedModel, Path]] = {}
    stores = []

    def model(**policies: str) -> tuple[LoadedModel, Path]:
        key = repr(policies)
        if key not in made:
            store = MemoryStore()
            stores.append(store)
            settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
            settings["prediction"] = policies
            run = assay.train(
                rows(), target="y", learner="linear", settings=settings, store=store, workers=1
            )
            folder = store.model(run.run_id, Path())[0]
            made[key] = assay.load(str(folder)), folder
        return made[key]

    return model


def rows() -> pd.DataFrame:
    frame = table(Task.BINARY)
    return frame.assign(when=pd.date_range("2026-01-01", periods=len(frame)))


def test_rows_like_those_of_training_are_predicted_in_silence(models) -> None:
    model, folder = models()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RowsUnlikeTraining)
        model.predict(rows().head(40))
        mlflow.pyfunc.load_model(str(folder)).predict(rows().head(40))


@pytest.mark.parametrize("policy", list(ODD))
def test_error_names_column_rows_and_value(policy: str, models) -> None:
    change, told = ODD[policy]
    model, folder = models(**{policy: "error"})
    odd = change(rows().head(20))
    with pytest.raises(DataError, match=told):
        model.predict(odd)
    with pytest.raises(Exception, match=told if policy != "missing_column" else "missing inputs"):
        mlflow.pyfunc.load_model(str(folder)).predict(odd)


@pytest.mark.parametrize("policy", ["unexpected_null", "unseen_category", "out_of_range"])
def test_warn_is_the_default_and_predicts(policy: str, models) -> None:
    change, told = ODD[policy]
    model, folder = models()
    odd = change(rows().head(20))
    with pytest.warns(RowsUnlikeTraining, match=told):
        said = model.predict(odd)
    with pytest.warns(UserWarning, match=told):
        plain = mlflow.pyfunc.load_model(str(folder)).predict(odd)
    np.testing.assert_array_equal(plain["prediction"], said)


@pytest.mark.parametrize("policy", list(ODD))
@pytest.mark.filterwarnings("ignore")
def test_impute_gives_what_a_missing_value_gives(policy: str, models) -> None:
    change, _ = ODD[policy]
    model, folder = models(**{policy: "impute"})
    column = re.match(
        r"[a-z]+",
        {"missing_column": "c", "wrong_type": "a", "out_of_range": "when"}.get(policy, "kind"),
    )[0]
    odd, gap = change(rows().head(20)), rows().head(20)
    where = {"missing_column": slice(None), "unexpected_null": [0, 1], "unseen_category": [1]}
    gap[column] = gap[column].astype(object)
    gap.loc[gap.index[where.get(policy, [0])], column] = None
    if policy == "unseen_category":
        gap.loc[0, "kind"] = "green"
    np.testing.assert_array_equal(model.predict_proba(odd), model.predict_proba(gap))
    plain = mlflow.pyfunc.load_model(str(folder))
    if policy != "missing_column":  # MLflow wants every column of the signature
        said = plain.predict(odd, params={"output": "probabilities"})
        np.testing.assert_array_equal(said.to_numpy(), model.predict_proba(odd))


def test_a_date_of_any_century_is_told(models) -> None:
    model, _ = models()
    with pytest.warns(
        RowsUnlikeTraining, match=r"when is 9999-12-31 in 1 row \(0\), seen was 2026"
    ):
        model.predict(rows().head(1).assign(when="9999-12-31"))


def test_clip_takes_the_nearest_value_that_was_seen(models) -> None:
    model, _ = models(out_of_range="clip")
    far, near = rows().head(5), rows().head(5)
    learnt = model.served.about["seen"]["a"]
    far.loc[0, "a"], near.loc[0, "a"] = 1e9, learnt["high"]
    np.testing.assert_array_equal(model.predict_proba(far), model.predict_proba(near))
