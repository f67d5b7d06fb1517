"""Models that are packed and loaded again, of a table with columns of every kind, and its rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError
from assay.evaluation.calibration import calibrate
from assay.evaluation.goals import Goal
from assay.evaluation.result import Threshold
from assay.inference.finishing import finish
from assay.inference.loading import LoadedModel, load_folder
from assay.inference.packing import pack
from assay.inference.served import Served
from assay.inference.settings import PredictionSettings
from assay.inference.strictness import RowsUnlikeTraining
from assay.learners.protocol import FitContext, Learner
from tests.tables import table, target_of

WORDS = "alpha beta gamma delta good bad ugly".split()


def mixed(task: Task, n: int = 300, seed: int = 0) -> pd.DataFrame:
    """The small table with dates, truth, texts, many levels and gaps besides."""
    frame, random = table(task, n, seed), np.random.default_rng(seed + 1)
    hours = pd.to_timedelta(random.integers(0, 700 * 24, n), unit="h")
    frame["when"] = pd.Timestamp("2024-01-01") + hours
    frame["day"] = [f"{day:%d.%m.%Y}" for day in frame["when"] + pd.Timedelta("9D")]
    frame["many"] = random.choice([f"level {number}" for number in range(280)], n)
    frame["flag"] = random.random(n) < 0.5
    frame["note"] = [" ".join(random.choice(WORDS, 6)) for _ in range(n)]
    frame.loc[random.random(n) < 0.1, "kind"] = None
    return frame


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of such a table, as JSON would bring them."""
    features = frame.drop(columns=[name for name in frame if name.startswith("y")])
    texts = features.assign(when=[each.isoformat() for each in features["when"]])
    return texts.astype(object).where(texts.notna(), None).to_dict("records")


def packed(
    learner: Learner,
    task: Task,
    folder: Path,
    *,
    calibration: str = "none",
    threshold: float | None = None,
    n: int = 300,
) -> LoadedModel:
    """A model of the mixed table, from its fit to its loading."""
    frame = mixed(task, n)
    settings = DataSettings(source="table", target=target_of(task), task=task)
    development = prepare(from_frame(frame), settings, "table").development
    held = np.arange(len(development)) % 5 == 0
    model = learner.fit(development.take(~held), development.take(held), FitContext())
    finished = finish(
        model,
        development,
        calibrated=_calibrated(model, development, calibration) if calibration != "none" else None,
        threshold=Threshold(threshold, Goal.of(threshold)) if threshold is not None else None,
        policies=PredictionSettings().model_dump(),
        about={},
    )
    pack(finished, frame.head(5), folder / "model")
    return load_folder(folder / "model", name="mixed")


def _calibrated(model: Any, development: Part, method: str) -> Any:
    schema = development.schema
    return calibrate(
        model.predict(development.features),
        schema.codes(development.known_target),
        np.arange(len(development)) % 3,
        method=method,
        task=schema.task,
        level=0.95,
        resamples=200,
    )


def with_policies(loaded: LoadedModel, **policies: str) -> LoadedModel:
    """The model with other policies."""
    about = {**loaded.served.about, "policies": PredictionSettings(**policies).model_dump()}
    served = Served(about, loaded.served.predictor, loaded.served.calibrator)
    return LoadedModel(served, loaded.name, loaded.examples)


def alone(loaded: LoadedModel, row: dict[str, Any]) -> tuple[list[float], Any, list[str]] | str:
    """What the ordinary path says of a row: numbers, prediction, warnings; or why it refuses it."""
    frame = pd.DataFrame([row])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if not loaded.classes:
                [value] = loaded.predict(frame).tolist()
                numbers, prediction = [value], value
            else:
                probabilities = loaded.predict_proba(frame)
                numbers, [prediction] = probabilities[0].tolist(), loaded.decide(probabilities)
        except DataError as error:
            return error.what
    told = [str(each.message) for each in caught if each.category is RowsUnlikeTraining]
    return numbers, prediction, sorted(told)
