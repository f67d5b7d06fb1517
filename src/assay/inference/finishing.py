"""Finishing: what was learnt becomes one estimator that calibrates, decides and names the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.data.dataset import Part
from assay.data.schema import Schema, Task
from assay.evaluation.calibration import Calibrated
from assay.evaluation.evaluate import Judged
from assay.evaluation.result import Threshold
from assay.inference.reference import Reference, reference_of
from assay.inference.strictness import seen
from assay.learners.estimators import EstimatorModel
from assay.learners.protocol import Model


@dataclass(frozen=True)
class Finished:
    """Everything that the logged model is made of.

    Attributes:
        schema: Columns and classes.
        predictor: A scikit-learn estimator that gives final labels and probabilities; None for a
            model of another kind.
        model: The model of another kind; None for an estimator.
        calibrator: What calibrates a model of another kind; None for an estimator, which has its
            calibrator inside, or where nothing is calibrated.
        threshold: Of a binary decision.
        calibration: Method of the calibration.
        seen: What each feature was like among the rows it learnt from.
        policies: What is done about rows that are not like these.
        about: What else is worth knowing of it.
        reference: What its traffic is to be held against; None where nobody will.
    """

    schema: Schema
    predictor: Any
    model: Model | None
    calibrator: Any
    threshold: float | None
    calibration: str
    seen: Mapping[str, Any]
    policies: Mapping[str, str]
    about: Mapping[str, Any]
    reference: Reference | None = None


def finish(
    model: Model,
    development: Part,
    *,
    calibrated: Calibrated | None,
    threshold: Threshold | None,
    policies: Mapping[str, str],
    about: Mapping[str, Any],
    held_out: Judged | None = None,
) -> Finished:
    """Put calibration and threshold around a fitted model.

    Args:
        model: Fitted on all development rows.
        development: These rows.
        calibrated: What calibrates its probabilities; None for a regression.
        threshold: Where a binary decision is taken.
        policies: What it does about rows that are not like the development rows.
        about: Facts to be kept with the model: run, learner, what the fit chose.
        held_out: What models like it said of rows that they did not learn from; None where nobody
            will hold its traffic against training.
    """
    schema = development.schema
    calibrator = calibrated.calibrator if calibrated is not None else None
    finished = Finished(
        schema=schema,
        predictor=None,
        model=model,
        calibrator=None,
        threshold=threshold.value if threshold is not None else None,
        calibration=calibrated.method if calibrated is not None else "none",
        seen=seen(development.features, schema.reading),
        policies=policies,
        about=about,
        reference=None if held_out is None else reference_of(development, held_out),
    )
    if not isinstance(model, EstimatorModel):
        return replace(finished, calibrator=_alone(calibrator))
    predictor = model.estimator
    if calibrator is not None:
        assert list(calibrator.classes_) == list(predictor.classes_), "sorted labels on both sides"
        predictor = _around(predictor, calibrator)
    if finished.threshold is not None:
        predictor = _deciding(predictor, development, finished.threshold)
    return replace(finished, predictor=predictor, model=None)


def _alone(calibrator: Any) -> Any:
    """The calibrator without the recorded predictions that it was fitted on."""
    from sklearn.dummy import DummyClassifier

    return None if calibrator is None else _around(DummyClassifier(), calibrator)


def _around(estimator: Any, calibrator: Any) -> Any:
    """The calibrator with the estimator in it instead of the stand-in that it was fitted with."""
    from assay.evaluation.replay import put_inside

    put_inside(calibrator, estimator)
    return calibrator


def _deciding(estimator: Any, development: Part, threshold: float) -> Any:
    """The estimator with its decision at this probability of the positive class."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import FixedThresholdClassifier

    schema = development.schema
    assert schema.task is Task.BINARY
    deciding = FixedThresholdClassifier(
        FrozenEstimator(estimator),
        threshold=threshold,
        pos_label=schema.positive,
        response_method="predict_proba",
    )
    target = development.known_target
    one_of_each = np.array([int(np.flatnonzero(target == label)[0]) for label in schema.classes])
    rows = development.take(one_of_each)
    return deciding.fit(rows.features, rows.known_target)
