"""A model of every learner is served, and answers the numbers that `assay.load` predicts.

`mlflow models serve` answers them as well: its application is asked here, without its process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc import load_model, scoring_server
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from starlette.testclient import TestClient

from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.inference.loading import LoadedModel
from assay.learners.adapt import adapt, trained_as
from assay.learners.builtin import baselines, make_learner
from assay.learners.protocol import Learner
from tests.fakes import FakeLearner
from tests.serving.models import app_with, packed
from tests.tables import prepared, table
from tests.tiny_transformer import FIXED, texts
from tests.tiny_vision import FIXED as FIXED_IMAGES
from tests.tiny_vision import pictures

QUICK = {"epochs": 1, "batch_size": 64}
ROWS = 40
_BOOSTING = {"learner": "boosting", "options": {"max_leaves": 4, "max_rounds": 10}}


def _pipeline() -> Learner:
    columns = ColumnTransformer([("numbers", SimpleImputer(), ["a", "b", "c"])])
    return adapt(make_pipeline(columns, LogisticRegression()))


OF_TABLES: dict[str, tuple[Task, Callable[[], Any]]] = {
    "linear": (Task.REGRESSION, lambda: make_learner("linear", {})),
    "boosting": (Task.BINARY, lambda: make_learner("boosting", {"max_rounds": 10})),
    "boosting of labels": (
        Task.MULTILABEL, lambda: make_learner("boosting", {"max_rounds": 5}),
    ),
    "forest": (Task.MULTICLASS, lambda: make_learner("forest", {"trees": 5})),
    "auto": (
        Task.BINARY,
        lambda: make_learner("auto", {"candidates": [_BOOSTING, {"learner": "linear"}]}),
    ),
    "mlp": (
        Task.MULTICLASS, lambda: trained_as(make_learner("mlp", {"width": 8}), QUICK),
    ),
    "tabular-net": (
        Task.REGRESSION,
        lambda: trained_as(make_learner("tabular-net", {"width": 8, "members": 2}), QUICK),
    ),
    "of one's own": (Task.BINARY, FakeLearner),
    "prior": (Task.MULTICLASS, lambda: baselines(Task.BINARY, beside=FakeLearner())[0]),
    "mean": (Task.REGRESSION, lambda: baselines(Task.REGRESSION, beside=FakeLearner())[0]),
    "a classifier": (Task.BINARY, lambda: adapt(ExtraTreesClassifier(n_estimators=5))),
    "a regressor": (Task.REGRESSION, lambda: adapt(LinearRegression())),
    "a pipeline": (Task.BINARY, _pipeline),
}  # fmt: skip


@pytest.mark.parametrize("name", list(OF_TABLES))
def test_a_model_of_every_learner_answers_what_it_predicts(name: str, tmp_path: Path) -> None:
    task, make = OF_TABLES[name]
    served_as_loaded(make(), prepared(task), table(task), tmp_path)


def test_a_model_of_texts_does(tiny_transformer: Path, tmp_path: Path) -> None:
    learner = make_learner("text", {"model": str(tiny_transformer), "max_length": 32})
    learner = learner.with_training({**QUICK, "phases": (), **FIXED})  # type: ignore[attr-defined]
    served_as_loaded(learner, _prepared(texts(Task.BINARY)), texts(Task.BINARY), tmp_path)


def test_a_model_of_images_does(tmp_path: Path) -> None:
    learner = make_learner("resnet", {"widths": [4, 8]})
    learner = learner.with_training({**QUICK, **FIXED_IMAGES})  # type: ignore[attr-defined]
    frame = pictures(Task.BINARY)
    served_as_loaded(learner, _prepared(frame), frame, tmp_path)


def _prepared(frame: pd.DataFrame) -> Any:
    settings = DataSettings(source="table", target="y", task=Task.BINARY)
    return prepare(from_frame(frame), settings, "table")


def served_as_loaded(learner: Learner, data: Any, frame: pd.DataFrame, folder: Path) -> None:
    """One row by itself, and many together: the same numbers as from Python."""
    loaded = packed(folder, learner, data, frame)
    features = [each.name for each in loaded.schema.features]
    rows = json.loads(
        frame[features].head(ROWS).to_json(orient="records", double_precision=15,
                                           default_handler=_listed)
    )  # fmt: skip
    with TestClient(app_with(loaded)) as client:
        for sent in (rows[:1], rows):
            said = client.post("/predict", json={"rows": sent})
            assert said.status_code == 200, said.text
            answers = said.json()["predictions"]
            given = pd.DataFrame(sent)
            predicted = loaded.predict(given)
            if not loaded.classes:
                assert [each["prediction"] for each in answers] == predicted.tolist()
                continue
            assert [each["prediction"] for each in answers] == predicted.tolist()
            numbers = [[*each["probabilities"].values()] for each in answers]
            np.testing.assert_array_equal(np.array(numbers), loaded.predict_proba(given))
    by_mlflow(folder / "model", rows, loaded)


def by_mlflow(folder: Path, rows: list[dict[str, Any]], loaded: LoadedModel) -> None:
    """The same rows, answered by MLflow's own server."""
    given = pd.DataFrame(rows)
    with TestClient(scoring_server.init(load_model(str(folder)))) as client:
        said = client.post("/invocations", json={"dataframe_records": rows})
        assert said.status_code == 200, said.text
        labels = [each["prediction"] for each in said.json()["predictions"]]
        assert labels == loaded.predict(given).tolist()
        if loaded.classes:
            asked = {"dataframe_records": rows, "params": {"output": "probabilities"}}
            answers = client.post("/invocations", json=asked).json()["predictions"]
            numbers = np.array([[*each.values()] for each in answers])
            # a formula may add up in another order: MLflow lays the cells out by itself
            np.testing.assert_allclose(numbers, loaded.predict_proba(given), rtol=1e-12)


def _listed(value: Any) -> Any:
    return np.asarray(value).tolist()
