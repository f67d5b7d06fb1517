"""The learners that have a name: an explicit list, with the options of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from assay.data.schema import Task
from assay.errors import LearnerError
from assay.learners.auto import AutoLearner, AutoOptions, refuse_labels
from assay.learners.baselines import BuildConstant
from assay.learners.boosting import BoostingLearner, BoostingOptions
from assay.learners.embedded import BuildEmbedded
from assay.learners.estimators import EstimatorLearner
from assay.learners.fine_tuning import FineTuningOptions, LoraOptions
from assay.learners.forest import BuildForest, ForestOptions
from assay.learners.images import ResNetOptions, ResNetRecipe
from assay.learners.linear import BuildLinear, LinearOptions
from assay.learners.networks import NetworkLearner
from assay.learners.own import OwnImagesRecipe, OwnTableRecipe
from assay.learners.pretrained_images import ImageModel, ImageOptions, ImageRecipe
from assay.learners.protocol import Learner, StepwiseLearner
from assay.learners.tabular import MlpOptions, TableRecipe, TabularNetOptions
from assay.learners.text import TextModel, TextOptions, TextRecipe

_OPTIONS: Mapping[str, type[BaseModel]] = {
    "boosting": BoostingOptions,
    "forest": ForestOptions,
    "image": ImageOptions,
    "linear": LinearOptions,
    "mlp": MlpOptions,
    "resnet": ResNetOptions,
    "tabular-net": TabularNetOptions,
    "text": TextOptions,
    "auto": AutoOptions,
}
_MAKE: Mapping[str, Callable[[Any], Learner]] = {
    "boosting": BoostingLearner,
    "forest": lambda options: EstimatorLearner("forest", BuildForest(options)),
    "image": lambda options: NetworkLearner("image", ImageRecipe(options), makes=ImageModel),
    "linear": lambda options: EstimatorLearner("linear", BuildLinear(options)),
    "mlp": lambda options: NetworkLearner("mlp", TableRecipe(options)),
    "resnet": lambda options: NetworkLearner("resnet", ResNetRecipe(options)),
    "tabular-net": lambda options: NetworkLearner("tabular-net", TableRecipe(options)),
    "text": lambda options: NetworkLearner("text", TextRecipe(options), makes=TextModel),
    "auto": AutoLearner,
}
NAMES = tuple(_MAKE)
_OF_ONE_KIND = "image", "resnet", "text"
"""Those that see columns of one kind, and nothing else, in ways of their own."""
_EMBEDDED = "frozen embeddings, linear"
_LIKE = {"epochs": "max_rounds", "steps": "max_rounds"}
"""Options that are to trees what settings of loops are to networks."""


def make_learner(name: str, options: Mapping[str, Any]) -> Learner:
    """The built-in learner of this name; its options were checked before."""
    return _MAKE[name](_OPTIONS[name](**options))


def is_builtin(learner: Learner) -> bool:
    """Whether a learner is one of these, or a network, which our own loop trains."""
    recipe = learner.build if isinstance(learner, EstimatorLearner) else learner
    kinds = (
        AutoLearner | BoostingLearner | NetworkLearner | BuildForest | BuildLinear | BuildConstant
    )
    return isinstance(recipe, kinds)


def options_of(name: str) -> Mapping[str, FieldInfo]:
    """The options of a built-in learner with their types and defaults; none of another one."""
    return _OPTIONS[name].model_fields if name in _OPTIONS else {}


def trains_in_steps(name: str) -> bool:
    """Whether the `training` block says how a built-in learner is trained."""
    unset = _OPTIONS[name].model_construct()  # some have to be given, and do not matter here
    return isinstance(_MAKE[name](unset), StepwiseLearner)


def comparable(name: str) -> list[str]:
    """The built-in learners that are judged on the same rows as the one of this name."""

    def sort(each: str) -> tuple[bool, str]:
        return trains_in_steps(each), each if each in _OF_ONE_KIND else ""

    wanted = sort(name) if name in NAMES else (False, "")
    return [each for each in NAMES if sort(each) == wanted]


def in_place_of(setting: str, learner: str) -> tuple[str, str]:
    """Why a setting of loops means nothing to a learner, and what to set instead."""
    options = options_of(learner)
    option = setting if setting in options else _LIKE.get(setting, "")
    said = f"training.{setting} is for networks"
    if option in options:
        default = options[option].default
        return f"{said}; {learner} has model.options.{option}.", f"options: {{{option}: {default}}}"
    return f"{said}, which {learner} is not.", f"leave training.{setting} out"


def baselines(task: Task, beside: Learner, *, of_images: bool = False) -> list[Learner]:
    """What every model is shown beside, simplest first; never the very learner itself.

    Args:
        task: What is predicted.
        beside: The model's learner.
        of_images: Whether there are images among the features, which a linear model cannot see.
    """
    constant = "prior" if task.is_classification else "mean"
    rungs: list[Learner] = [EstimatorLearner(constant, BuildConstant())]
    if not of_images:
        rungs.append(make_learner("linear", {}))
    if isinstance(beside, NetworkLearner) and isinstance(beside.recipe, TextRecipe):
        rungs.append(EstimatorLearner(_EMBEDDED, BuildEmbedded(beside.recipe.options)))
    return [_told_apart(rung, beside) for rung in rungs if rung != beside]


def _told_apart(rung: Learner, learner: Learner) -> Learner:
    """The baseline under another name, where the learner has the same."""
    if rung.name != learner.name or not isinstance(rung, EstimatorLearner):
        return rung
    return replace(rung, name=f"default {rung.name}")


def check_options(name: str, options: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is wrong with the options of a built-in learner: (option, problem, mend) each."""
    model = _OPTIONS[name]
    try:
        model(**options)
    except ValidationError as error:
        return [_problem(name, model, each) for each in error.errors()]
    return []


def is_of_tables(learner: Learner) -> bool:
    """Whether a learner that we know reads numbers, categories, dates and texts, but no image."""
    recipe = getattr(learner, "build", getattr(learner, "recipe", learner))
    kinds = AutoLearner | BoostingLearner | BuildForest | BuildLinear | OwnTableRecipe | TableRecipe
    return isinstance(recipe, kinds)


def is_of_images(learner: Learner) -> bool:
    """Whether a network sees one column of images, and nothing else."""
    recipe = getattr(learner, "recipe", None)
    return isinstance(recipe, ImageRecipe | ResNetRecipe | OwnImagesRecipe)


def refuse_useless_options(learner: Learner, task: Task) -> None:
    """Refuse an option of a built-in learner that is set and means nothing for the task.

    Raises:
        LearnerError: There is one.
    """
    if isinstance(learner, AutoLearner):
        refuse_labels(task)
    options = getattr(getattr(learner, "build", learner), "options", None)
    if isinstance(options, FineTuningOptions):
        _refuse_useless_adapters(options)
    if not isinstance(options, BaseModel) or type(options) not in _OPTIONS.values():
        return
    name, of = ("loss", "regression") if task.is_classification else ("class_weight", "classes")
    field = type(options).model_fields.get(name)
    if field is not None and getattr(options, name) != field.default:
        raise LearnerError(
            f"model.options.{name} is for {of}, and this task is {task.value}.",
            where=f"{name}: {getattr(options, name)}",
            mend=f"leave {name} out, or set data.task",
        )


def _refuse_useless_adapters(options: FineTuningOptions) -> None:
    if options.strategy != "lora" and options.lora != LoraOptions():
        raise LearnerError(
            f"model.options.lora is for adapters, and the strategy is {options.strategy}.",
            where="model.options.lora",
            mend="strategy: lora, or leave lora out",
        )


def _problem(name: str, model: type[BaseModel], error: Any) -> tuple[str, str, str]:
    option, *within = map(str, error["loc"])
    field = model.model_fields.get(option)
    inner = field.annotation if field is not None else None
    if within and isinstance(inner, type) and issubclass(inner, BaseModel):
        deeper, what, mend = _problem(f"{name}'s {option}", inner, {**error, "loc": within})
        return f"{option}.{deeper}", what, mend
    if field is None:
        close = get_close_matches(option, model.model_fields, n=1)
        known = ", ".join(model.model_fields)
        return (
            option,
            f"is not an option of {name}",
            f"use {close[0]}" if close else f"use one of {known}",
        )
    example = (field.examples or ["..."])[0] if field.is_required() else field.default
    if error["type"] == "missing":
        said = (field.description or "").rstrip(".")
        what = f"has to be given: {said[:1].lower()}{said[1:]}"
        return option, what, f"options: {{{option}: {example}}}"
    message = error["msg"].removeprefix("Input ")
    mend = f"leave {option} out" if example is None else f"{option}: {example}"
    return option, f"is {error['input']!r}: {message}", mend
