"""Problems: everything that is wrong with an experiment file, told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from assay.errors import ExperimentError
from assay.training.settings import TRAINER_NAMES

_SHOWN_DEFAULTS = {
    "source": "adult.parquet",
    "target": "COLUMN",
    "learner": "boosting",
    "goal": "f1",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        key: The dotted key at fault.
        what: What is wrong with it, a whole sentence.
        mend: What to write instead.
        allowed: What may stand there; empty if `what` says it.
        meant: The key that an unknown one is probably meant to be.
        is_missing: Whether the key is not there at all.
    """

    key: str
    what: str
    mend: str
    allowed: str = ""
    meant: str = ""
    is_missing: bool = False


def refusal(problems: Sequence[Problem], source: str, places: Mapping[str, str]) -> ExperimentError:
    """All problems as one error.

    Args:
        problems: At least one.
        source: What to call the file.
        places: Where each key stands: 'income.yaml, line 4' or '--set a.b=c'.
    """
    problems = _without_echoes(problems)
    if len(problems) == 1:
        [only] = problems
        where = _place(only.key, source, places)
        if only.allowed:
            where += f" ({only.allowed})"
        return ExperimentError(only.what, where=where, mend=only.mend)
    blocks = []
    for each in sorted(problems, key=lambda each: _line(each.key, places)):
        allowed = f" ({each.allowed})" if each.allowed else ""
        place = _place(each.key, source, places)
        blocks.append(f"{place}: {each.what}{allowed}\n  mend: {each.mend}")
    return ExperimentError(
        f"{source} has {len(problems)} problems.",
        where="\n".join(blocks),
        mend="change these; every key with its default: assay schema",
    )


def of_block(block: str, model: type[BaseModel], errors: Sequence[Any]) -> list[Problem]:
    """What pydantic says of a block, in our words, one problem per key."""
    problems: dict[str, Problem] = {}
    for error in errors:
        path, owner, field = _known_part(model, error["loc"])
        key = ".".join([block, *path])
        if key not in problems:
            problems[key] = _problem(key, owner, field, error)
        elif field is not None:  # one of several things it may be
            given = f"{key} is {_shown(error['input'])}, which it cannot be."
            problems[key] = replace(problems[key], what=given, allowed=field.description or "")
    return list(problems.values())


def missing_block(name: str) -> Problem:
    """A block that every experiment needs."""
    inside = {"data": "{source: FILE, target: COLUMN}", "model": "{learner: boosting}"}[name]
    return Problem(name, f"{name} is missing.", f"{name}: {inside}", is_missing=True)


def unknown_key(key: str, known: Sequence[str]) -> Problem:
    """A key that nobody knows, with the nearest one that somebody does."""
    above, dot, name = key.rpartition(".")
    close, elsewhere = get_close_matches(name, known, n=1), ""
    if above == "training" and name in TRAINER_NAMES:
        close, elsewhere = [TRAINER_NAMES[name]], ", but Hugging Face's name of one"
    return Problem(
        key,
        f"{key} is not a known key{elsewhere}.",
        mend=close[0] if close else "leave it out",
        allowed=f"known: {', '.join(known)}",
        meant=above + dot + close[0] if close else "",
    )


def _without_echoes(problems: Sequence[Problem]) -> list[Problem]:
    """Leaves out a missing key whose misspelt form is told as an unknown one."""
    meant = {each.meant for each in problems if each.meant}
    return [each for each in problems if not (each.is_missing and each.key in meant)]


def _problem(key: str, owner: type[BaseModel], field: FieldInfo | None, error: Any) -> Problem:
    name = key.rpartition(".")[2]
    kind = error["type"]
    if kind == "model_type":
        inner = owner if field is None else _model_of(field)
        assert inner is not None
        keys = ", ".join(inner.model_fields)
        return Problem(
            key, f"{key} must be a block of keys.", f"{name}: {{KEY: VALUE}}", f"known: {keys}"
        )
    if kind == "missing":
        example = _SHOWN_DEFAULTS.get(name, "...")
        description = field.description if field is not None else None
        return Problem(
            key, f"{key} is missing.", f"{name}: {example}", description or "", is_missing=True
        )
    if field is None:
        return unknown_key(key, list(owner.model_fields))
    given = error["input"]
    if kind in ("literal_error", "enum"):
        allowed = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        close = get_close_matches(str(given), allowed, n=1)
        return Problem(
            key,
            f"{key} is {_shown(given)}, which it cannot be.",
            mend=f"{name}: {close[0] if close else _default(field, allowed[0])}",
            allowed=f"one of {', '.join(allowed)}",
        )
    message = error["msg"][0].lower() + error["msg"][1:]
    return Problem(
        key,
        f"{key} is {_shown(given)}: {message.removeprefix('input ')}.",
        mend=f"{name}: {_default(field, _SHOWN_DEFAULTS.get(name, '...'))}",
        allowed=field.description or "",
    )


def _known_part(
    model: type[BaseModel], loc: Sequence[Any]
) -> tuple[list[str], type[BaseModel], FieldInfo | None]:
    """The part of pydantic's path that is keys of the file, and the field it leads to.

    Below a union or a list pydantic goes on with names of types and positions.
    """
    path: list[str] = []
    owner, field = model, None
    for each in loc:
        if not isinstance(each, str):
            break
        if each not in owner.model_fields:
            if field is None or _model_of(field) is not None:
                return [*path, each], owner, None
            break
        path.append(each)
        field = owner.model_fields[each]
        inner = _model_of(field)
        if inner is None:
            break
        if each != loc[-1]:
            owner = inner
    return path, owner, field


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """The block that a field is, which may be left out; None if it is no block."""
    for each in get_args(field.annotation) or [field.annotation]:
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _default(field: FieldInfo, otherwise: str) -> str:
    if field.is_required() or field.default is None:
        return otherwise
    default = field.default
    if isinstance(default, BaseModel):
        default = default.model_dump(mode="json")
    return _shown(list(default) if isinstance(default, tuple) else default)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if value and "\n" not in value else repr(value)
    try:
        return json.dumps(value)
    except TypeError:
        return str(value)


def _place(key: str, source: str, places: Mapping[str, str]) -> str:
    """Where the key stands, or where its nearest block begins."""
    while key:
        if key in places:
            return places[key]
        key = key.rpartition(".")[0]
    return source


def _line(key: str, places: Mapping[str, str]) -> tuple[str, int]:
    place = _place(key, "", places)
    before, _, number = place.rpartition(" ")
    return (before, int(number)) if number.isdigit() else (place, 0)
