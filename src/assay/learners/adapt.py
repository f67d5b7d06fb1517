"""Adapting: a name, an import path or an object becomes a learner, or is refused with a reason."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assay.data.dataset import Part
from assay.data.schema import Kind, Schema, Task
from assay.errors import LearnerError
from assay.learners.builtin import (
    NAMES,
    in_place_of,
    is_of_images,
    is_of_tables,
    make_learner,
    refuse_useless_options,
)
from assay.learners.estimators import EstimatorLearner
from assay.learners.fine_tuning import FineTuningRecipe
from assay.learners.images import not_one_image
from assay.learners.networks import NetworkLearner
from assay.learners.own import (
    is_network,
    is_network_class,
    not_a_class,
    own_network,
    path_of,
)
from assay.learners.preprocessing import one_hot
from assay.learners.pretrained_images import ImageRecipe
from assay.learners.protocol import Learner, StepwiseLearner
from assay.learners.settings import ModelSettings
from assay.learners.text import TextRecipe, columns_of
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


def resolve_learner(settings: ModelSettings, folder: Path | None = None) -> Learner:
    """The learner that the `model` block asks for.

    Args:
        settings: The block.
        folder: Of the experiment file, beside which a pretrained model may lie.

    Raises:
        LearnerError: There is no such learner, or its options do not fit it.
    """
    if settings.learner in NAMES:
        return make_learner(settings.learner, _beside(folder, settings.options))
    factory = _imported(settings.learner)
    if is_network_class(factory):
        return own_network(":".join(_parted(settings.learner)), factory, settings.options)
    if not callable(factory) or _is_estimator(factory) or is_network(factory):
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


def _beside(folder: Path | None, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, with the path of a pretrained model that lies beside the experiment file."""
    named = options.get("model")
    if folder is None or not isinstance(named, str) or not (folder / named).is_dir():
        return options
    return {**options, "model": str((folder / named).absolute())}


def adapt(given: Any, options: Mapping[str, Any] | None = None) -> Learner:
    """Make a learner of an object.

    Args:
        given: A learner itself, a scikit-learn estimator or pipeline, or a class of networks.
        options: What the constructor of such a class is given.

    Raises:
        LearnerError: It is none of these; the message shows what a learner needs.
    """
    if isinstance(given, Learner) and not inspect.isclass(given):
        return given
    if _is_estimator(given):
        last = given.steps[-1][1] if hasattr(given, "steps") else given
        return EstimatorLearner(type(last).__name__, BuildGiven(given))
    if is_network_class(given):
        return own_network(path_of(given), given, options or {})
    if is_network(given):
        raise not_a_class(given)
    raise LearnerError(
        f"{given!r} is neither a learner nor a scikit-learn estimator.",
        where="learner",
        mend="give an estimator with fit and predict, or an object with\n"
        "name: str\n"
        "validates: bool\n"
        "def fit(self, train: Part, validation: Part | None, context: FitContext) -> Model: ...",
    )


def trained_as(learner: Learner, given: Mapping[str, Any]) -> Learner:
    """The learner, trained as the `training` block asks for.

    Args:
        learner: Any learner.
        given: Fields of `LoopSettings` that are set.

    Raises:
        LearnerError: Some are, and the learner does not train in steps.
    """
    if not given:
        return learner
    if isinstance(learner, StepwiseLearner):
        return learner.with_training(given)
    name = next(iter(given))
    said, mend = in_place_of(name, learner.name)
    raise LearnerError(said, where=f"training.{name}: {given[name]}", mend=mend)


def check_sees(learner: Learner, schema: Schema) -> None:
    """Refuse images for a learner that cannot see them, and tables for one that sees them only.

    A learner of one's own, or a pipeline, gets the column as it is.

    Raises:
        LearnerError: It reads tables only, and a feature is an image; or the other way round.
    """
    images = schema.named(Kind.IMAGE)
    if is_of_images(learner) and len(images) != 1:
        raise not_one_image(schema, learner.name)
    if isinstance(learner, NetworkLearner) and isinstance(learner.recipe, TextRecipe):
        learner.recipe.reads(columns_of(schema))
    if isinstance(learner, NetworkLearner) and isinstance(learner.recipe, ImageRecipe):
        learner.recipe.sees()
    build = learner.build if isinstance(learner, EstimatorLearner) else None
    is_bare = isinstance(build, BuildGiven) and not hasattr(build.estimator, "steps")
    if images and (is_bare or is_of_tables(learner)):
        raise LearnerError(
            f"{learner.name} cannot see images, and {', '.join(map(repr, images))} holds some.",
            where="model.learner",
            mend="model: {learner: resnet}\n"
            f"or without them: data: {{roles: {{ignore: [{', '.join(images)}]}}}}",
        )


def check_fit_for(learner: Learner, task: Task) -> None:
    """Refuse an estimator of the wrong sort before any work starts.

    Raises:
        LearnerError: A regressor for classes, a classifier for numbers, one that gives no
            probabilities, one that is for all labels at once, or one that could only be saved by
            pickle. An option that means nothing for the task. A network where PyTorch is not
            installed.
    """
    refuse_useless_options(learner, task)
    if isinstance(learner, NetworkLearner):
        _refuse_without_torch(learner.name)
        if isinstance(learner.recipe, FineTuningRecipe):
            _refuse_without_transformers(learner)
            _refuse_what_phases_say(learner)
        _refuse_useless_training(learner, task)
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
    if task is Task.MULTILABEL:
        _refuse_of_labels(learner.name, estimator)
    check_savable(estimator)


def _refuse_of_labels(name: str, estimator: Any) -> None:
    """Refuse what makes a classifier of labels of another one, as we do; a chain is none."""
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.multioutput import ClassifierChain, MultiOutputClassifier

    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if isinstance(last, OneVsRestClassifier | MultiOutputClassifier | ClassifierChain):
        inner = type(last.estimator).__name__
        raise LearnerError(
            f"{name} is for all labels at once, and each label is fitted by itself.",
            where=f"model.learner: {type(last).__name__}({inner}(...))",
            mend=f"give the classifier itself: {inner}(...)",
        )


def _refuse_useless_training(learner: NetworkLearner, task: Task) -> None:
    """Refuse a setting of `training` that is set and means nothing for the task."""
    loss = learner.given.get("loss", "auto")
    fitting = (
        ("auto", "cross-entropy") if task.is_classification else ("auto", "mse", "l1", "huber")
    )
    useless = [] if loss in fitting else ["loss"]
    if not task.is_classification:
        useless += [each for each in ("class_weight", "label_smoothing") if learner.given.get(each)]
    for name in useless:
        what = "values" if task.is_classification else "classes"
        raise LearnerError(
            f"training.{name}: {learner.given[name]} is for {what}, and this task is {task.value}.",
            where=f"training.{name}",
            mend=f"loss: {' or '.join(fitting)}"
            if name == "loss"
            else f"leave training.{name} out",
        )


def _refuse_without_torch(name: str) -> None:
    missing = [each for each in ("torch", "safetensors") if find_spec(each) is None]
    if missing:
        raise LearnerError(
            f"{name} is a network, and {' and '.join(missing)} cannot be found.",
            where="model.learner",
            mend="pip install 'assay-ml[torch]', or learner: boosting",
        )


def _refuse_without_transformers(learner: NetworkLearner) -> None:
    is_text = isinstance(learner.recipe, TextRecipe)
    kind, instead = ("transformer", "linear") if is_text else ("vision model", "resnet")
    needed = ("transformers", "peft") if learner.options.strategy == "lora" else ("transformers",)
    for package in needed:
        if find_spec(package) is None:
            raise LearnerError(
                f"{learner.name} is a pretrained {kind}, and {package} cannot be found.",
                where="model.learner",
                mend=f"pip install 'assay-ml[huggingface]', or learner: {instead}",
            )


def _refuse_what_phases_say(learner: NetworkLearner) -> None:
    """Refuse settings that each phase of a strategy has its own of."""
    if learner.options.strategy != "phases" or "phases" in learner.given:
        return
    for name in ("epochs", "learning_rate", "layer_decay"):
        if name in learner.given:
            raise LearnerError(
                f"training.{name} is set, and strategy: phases has its own of each phase.",
                where=f"training.{name}: {learner.given[name]}",
                mend="training: {phases: [{epochs: 2, layers: 2, learning_rate: 0.001}, ...]}, "
                f"or leave {name} out",
            )


def _imported(path: str) -> Any:
    module_name, attribute = _parted(path)
    mark = ":" if ":" in path else "."
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
    if module_name == "__main__":
        raise LearnerError(
            f"{attribute} was defined in a script or notebook, and is not in this one.",
            where=f"model.learner: {path}",
            mend=f"hand it over again, learner={attribute}, or keep it in a module",
        )
    close = get_close_matches(attribute, dir(module), n=1)
    raise LearnerError(
        f"Module {module_name!r} has no {attribute!r}.",
        where=f"model.learner: {path}",
        mend=f"learner: {module_name}{mark}{close[0]}"
        if close
        else "write it as package.module:factory",
    )


def _parted(path: str) -> tuple[str, str]:
    """The module of an import path, and the name in it."""
    module, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    return module, name


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
