"""Adapting: a name, an import path or an object becomes a learner, or is refused with a reason."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from assay.data.dataset import Part
from assay.data.schema import Task
from assay.errors import LearnerError
from assay.learners.builtin import NAMES, make_learner, refuse_useless_options
from assay.learners.estimators import EstimatorLearner
from assay.learners.preprocessing import one_hot
from assay.learners.protocol import Learner
from assay.learners.settings import ModelSettings
from assay.learners.trust import check_savable


@dataclass(frozen=True)
class BuildGiven:
    """Clones an estimator that the user gave; a bare one gets the default preprocessing."""

    estimator: Any

    def __call__(self, train: Part, seed: int) -> Any:
        from sklearn.base import clone
        from sklearn.pipeline import Pipeline

        given = clone(self.estimator)
        if isinstance(given, Pipeline):
            return given
        return Pipeline([("preprocess", one_hot(train, seed)), ("estimator", given)])


def resolve_learner(settings: ModelSettings) -> Learner:
    """The learner that the `model` block asks for.

    Raises:
        LearnerError: There is no such learner, or its options do not fit it.
    """
    if settings.learner in NAMES:
        return make_learner(settings.learner, settings.options)
    factory = _imported(settings.learner)
    if not callable(factory) or _is_estimator(factory):
        return adapt(factory)
    try:
        made = factory(**settings.options)
    except TypeError as error:
        raise LearnerError(
            f"{settings.learner} cannot be called with model.options: {error}.",
            where="model.options",
            mend=f"it takes {_parameters(factory)}",
        ) from None
    except LearnerError:
        raise
    except Exception as error:
        raise LearnerError(
            f"{settings.learner} could not make a learner: {_told(error)}",
            where="model.learner",
            mend="see what it says: change model.options, or the function itself",
        ) from error
    return adapt(made)


def adapt(given: Any) -> Learner:
    """Make a learner of an object: a learner itself, or a scikit-learn estimator or pipeline.

    Raises:
        LearnerError: It is neither; the message shows what a learner needs.
    """
    if isinstance(given, Learner) and not inspect.isclass(given):
        return given
    if _is_estimator(given):
        last = given.steps[-1][1] if hasattr(given, "steps") else given
        return EstimatorLearner(type(last).__name__, BuildGiven(given))
    raise LearnerError(
        f"{given!r} is neither a learner nor a scikit-learn estimator.",
        where="learner",
        mend="give an estimator with fit and predict, or an object with\n"
        "name: str\n"
        "validates: bool\n"
        "def fit(self, train: Part, validation: Part | None, context: FitContext) -> Model: ...",
    )


def check_fit_for(learner: Learner, task: Task) -> None:
    """Refuse an estimator of the wrong sort before any work starts.

    Raises:
        LearnerError: A regressor for classes, a classifier for numbers, one that gives no
            probabilities, or one that could only be saved by pickle. An option that means nothing
            for the task.
    """
    refuse_useless_options(learner, task)
    if not isinstance(learner, EstimatorLearner) or not isinstance(learner.build, BuildGiven):
        return
    from sklearn.base import is_classifier, is_regressor

    estimator = learner.build.estimator
    if not task.is_classification and not is_regressor(estimator):
        raise LearnerError(
            f"{learner.name} is no regressor, but the target is a number.",
            where="model.learner",
            mend="use a regressor, or set data.task to binary or multiclass",
        )
    if task.is_classification and not is_classifier(estimator):
        raise LearnerError(
            f"{learner.name} is no classifier, but the target has classes.",
            where="model.learner",
            mend="use a classifier, or set data.task: regression",
        )
    if task.is_classification and not hasattr(estimator, "predict_proba"):
        raise LearnerError(
            f"{learner.name} gives no probabilities, so it can neither be calibrated nor compared.",
            where="model.learner",
            mend=f"wrap it: CalibratedClassifierCV({learner.name}(...))",
        )
    check_savable(estimator)


def _imported(path: str) -> Any:
    module_name, mark, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise LearnerError(
            f"There is no module {error.name!r}.",
            where=f"model.learner: {path}",
            mend="install it, or put it beside the experiment file",
        ) from None
    except Exception as error:
        raise LearnerError(
            f"The module {module_name!r} cannot be imported: {_told(error)}",
            where=f"model.learner: {path}",
            mend="mend the module, and import it by itself to see more",
        ) from error
    if hasattr(module, attribute):
        return getattr(module, attribute)
    close = get_close_matches(attribute, dir(module), n=1)
    raise LearnerError(
        f"Module {module_name!r} has no {attribute!r}.",
        where=f"model.learner: {path}",
        mend=f"learner: {module_name}{mark}{close[0]}"
        if close
        else "write it as package.module:factory",
    )


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _is_estimator(given: Any) -> bool:
    needed = ("fit", "predict", "get_params")
    return not inspect.isclass(given) and all(hasattr(given, name) for name in needed)


def _parameters(factory: Any) -> str:
    try:
        return ", ".join(inspect.signature(factory).parameters) or "no options"
    except (TypeError, ValueError):
        return "other options"
