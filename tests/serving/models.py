"""Models for servers: fitted and packed without the folds that nobody looks at here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from assay.data.preparation import Prepared, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.evaluation.result import Threshold
from assay.inference.compiled import RowPredictor, fast_or_ordinary
from assay.inference.finishing import finish
from assay.inference.loading import LoadedModel, load_folder
from assay.inference.packing import pack
from assay.inference.settings import PredictionSettings
from assay.learners.builtin import make_learner
from assay.learners.protocol import FitContext, Learner
from assay.serving.app import App
from assay.serving.log import Log
from assay.serving.observer import Observer
from assay.serving.router import Slot
from assay.serving.served_model import ServedModel
from assay.serving.settings import ServingSettings
from tests.tables import table


def mixed(task: Task = Task.BINARY) -> pd.DataFrame:
    """The table with a date and a truth value."""
    frame = table(task)
    when = pd.date_range("2026-01-01", periods=len(frame)).strftime("%Y-%m-%d")
    return frame.assign(when=when, flag=frame["a"] > 0)


def packed(
    folder: Path,
    learner: Learner | None = None,
    data: Prepared | None = None,
    example: pd.DataFrame | None = None,
    policies: Mapping[str, str] = {},
    name: str = "model",
) -> LoadedModel:
    """A model that was fitted once, packed and loaded; linear on the mixed table by default."""
    if data is None:
        settings = DataSettings(source="table", target="y", task=Task.BINARY)
        example = mixed()
        data = prepare(from_frame(example), settings, "table")
    development = data.development
    model = (learner or make_learner("linear", {})).fit(development, development, FitContext())
    threshold = None
    if development.schema.task is Task.BINARY:
        threshold = Threshold(0.4, "f1")
    finished = finish(
        model, development, calibrated=None, threshold=threshold,
        policies=PredictionSettings(**policies).model_dump(), about={},
    )  # fmt: skip
    assert example is not None
    pack(finished, example.head(5), folder / name)
    return load_folder(folder / name, name=f"{name}/1", trust=["tests.fakes:FakeModel"])


@cache
def _predictor(loaded: LoadedModel) -> RowPredictor:
    """Compiled once: it is held against the ordinary path on many rows."""
    return fast_or_ordinary(loaded)


def app_with(
    loaded: LoadedModel, observers: tuple[Observer, ...] = (), log: Log | None = None, **settings
) -> App:
    """The app of a model."""
    asked = ServingSettings(**settings)
    predictor = _predictor(loaded)
    slot = Slot(ServedModel.ready(loaded, asked, reference="model", predictor=predictor))
    return App([slot], asked, observers=observers, log=log or Log(requests=False))
