"""Variation: what may be changed in an experiment, one thing at a time, each tried for validity."""

from __future__ import annotations

import json
import types
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from assay.data.preparation import prepare
from assay.data.sources import read_table, shown
from assay.errors import ExperimentError, InputError
from assay.evaluation.goals import ALONE, Goal
from assay.experiment.experiment import Experiment
from assay.experiment.reading import LoadedExperiment, load_experiment
from assay.learners.builtin import comparable, options_of

FEATURES = "features"
_FIXED = ("name", "tracking", "registry", "data.source", "data.query", "data.sheet", "data.target")


@dataclass(frozen=True)
class Variant:
    """One change of the base.

    Attributes:
        name: The change in words.
        overrides: 'key=value' each.
    """

    name: str
    overrides: tuple[str, ...]


def variants(source: str | Path, vary: Sequence[str], overrides: Sequence[str]) -> list[Variant]:
    """Every change that is asked for, each known to give a valid experiment.

    Args:
        source: An experiment file.
        vary: 'KEY=V1,V2', 'KEY' for what suggests itself, or 'features'.
        overrides: Of the base.

    Raises:
        InputError: A key or a value cannot be.
    """
    base = load_experiment(source, overrides)
    asked = [each for text in vary for each in _of(base, text)]
    if not asked:
        raise InputError("Nothing is varied.", mend="--vary model.learner, or --vary KEY=V1,V2")
    for variant in asked:
        load_experiment(source, [*overrides, *variant.overrides])
    return list({each.overrides: each for each in asked}.values())


def _of(base: LoadedExperiment, text: str) -> list[Variant]:
    key, given, values = text.partition("=")
    key = key.strip()
    if key == FEATURES:
        return _features(base)
    if not key or key in _FIXED or key.partition(".")[0] in _FIXED:
        raise InputError(
            f"{key!r} cannot be varied: it does not change how the same thing is learnt.",
            mend="--vary model.learner, or another key of data, model, training or evaluation",
        )
    now = _value(base, key)
    wanted = _split(values) if given else [_written(each) for each in _suggested(base, key, now)]
    changes = [each for each in wanted if each not in (_written(now), str(now))]
    if not changes:
        raise InputError(f"{key} is {_written(now)} already.", mend=f"--vary {key}=V1,V2")
    return [_variant(base, key, each) for each in changes]


def _variant(base: LoadedExperiment, key: str, value: str) -> Variant:
    """The change; another learner begins with its own defaults."""
    change = f"{key}={value}"
    if key == "model.learner" and base.experiment.model.options:
        return Variant(f"{change}, with its default options", (change, "model.options={}"))
    return Variant(change, (change,))


def _features(base: LoadedExperiment) -> list[Variant]:
    data = base.experiment.data
    table = read_table(base.source, query=data.query, sheet=data.sheet)
    schema = prepare(table, data, shown(base.source)).schema
    ignored = [*data.roles.ignore]
    return [
        Variant(f"without {each.name}", (f"data.roles.ignore={json.dumps([*ignored, each.name])}",))
        for each in schema.features
    ]


def _value(base: LoadedExperiment, key: str) -> Any:
    """What is set now.

    Raises:
        ExperimentError: There is no such key.
    """
    value: Any = base.experiment
    for name in key.split("."):
        if isinstance(value, BaseModel) and name in type(value).model_fields:
            value = getattr(value, name)
        elif key.startswith("model.options.") and isinstance(value, dict):
            field = options_of(base.experiment.model.learner).get(name)
            value = value.get(name, field.default if field is not None else None)
        else:
            raise _unknown(key, name, value)
    return value.model_dump(mode="json") if isinstance(value, Goal) else value


def _unknown(key: str, name: str, block: Any) -> ExperimentError:
    known = list(type(block).model_fields) if isinstance(block, BaseModel) else []
    close = get_close_matches(name, known, n=1)
    above = key.split(name, 1)[0]
    return ExperimentError(
        f"{key} is not a known key.",
        where=f"known there: {', '.join(known) or 'nothing'}; or '{FEATURES}'",
        mend=f"--vary {above}{close[0]}" if close else "--vary model.learner",
    )


def _suggested(base: LoadedExperiment, key: str, now: Any) -> list[Any]:
    """The alternatives that the type of a setting suggests.

    Raises:
        InputError: It suggests none.
    """
    if key == "model.learner":
        return [name for name in comparable(now) if name != now]
    allowed = _allowed(_annotation(base, key))
    if isinstance(now, bool) or (now is None and allowed == [False, True]):
        return [not now]
    if allowed:
        return [each for each in allowed if each != now]
    if isinstance(now, int) and now > 0:
        return [each for each in dict.fromkeys((max(1, now // 2), 2 * now)) if each != now]
    if isinstance(now, float) and now > 0:
        return [now / 2, 2 * now]
    raise InputError(
        f"Nothing suggests itself for {key}, which is {_written(now)}.",
        mend=f"--vary {key}=V1,V2",
    )


def _annotation(base: LoadedExperiment, key: str) -> Any:
    if key.startswith("model.options."):
        field = options_of(base.experiment.model.learner).get(key.rpartition(".")[2])
        return field.annotation if field is not None else None
    annotation: Any = Experiment
    for name in key.split("."):
        annotation = annotation.model_fields[name].annotation
    return annotation


def _allowed(annotation: Any) -> list[Any]:
    """The values that a type counts up; empty if it does not."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [each.value for each in annotation]
    if annotation is bool:
        return [False, True]
    if annotation is Goal:
        return list(ALONE)
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [each for each in get_args(annotation) if each is not type(None)]
        counted = [value for each in inner for value in _allowed(each)]
        return counted + ([None] if counted and len(inner) < len(get_args(annotation)) else [])
    return []


def _split(values: str) -> list[str]:
    """Values at the commas that stand in no brackets."""
    parts, depth = [""], 0
    for each in values:
        depth += (each in "[{(") - (each in "]})")
        if each == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += each
    return [part.strip() for part in parts if part.strip()]


def _written(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, str):
        return str(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, default=str)
