"""What differs: in what two recorded runs are not the same, and what of it numbers depend on.

A difference in a metric can be laid to a change only if it is the only one. What was asked for is
compared; what follows from it, as the rates that a learner trains with by default, only where
nothing else differs. What belongs together counts once: a learner with its own options, a split
with its seed, an environment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from inspect import isclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from packaging.utils import canonicalize_name
from pydantic import BaseModel

from assay.errors import NotFoundError
from assay.evaluation.contrast import Change
from assay.evaluation.result import VALIDATION
from assay.experiment.experiment import Experiment
from assay.experiment.recipe import LEARNER_FILE, RECIPE_FILE, Recipe
from assay.provenance import DISTRIBUTIONS
from assay.provenance.apart import commit_apart, packages_apart, python_apart
from assay.run import CHOSEN, Run
from assay.tracking.recorder import flattened
from assay.tracking.store import RunRecord, Store

_UNSET, _DEFAULT, _NONE = "not set", "default", "none"
_LEARNER, _SPLIT, _CODE, _ENVIRONMENT = "learner", "split", "code", "environment"
_THRESHOLD = "evaluation.threshold"
_TRAINING, _SEEDS = "training.", "training.seeds"
_NAMING = ("name", "tracking.", "registry.", "prediction.", "checks.")
"""Settings that say how runs are kept and models used, not what is learnt."""
_SHOWING = ("evaluation.primary", "evaluation.confidence", "evaluation.resamples", _SEEDS,
            "data.source", "data.query", "data.sheet")  # fmt: skip
"""Settings by which no prediction changes: the first seed's is the one that is compared, and tables
of one fingerprint hold the same."""
_UNFELT = ("loader_workers", "log_every", "keep", "checkpoint_minutes")
"""Settings of a training by which its bits do not change."""
_HARDWARE = ("processor", "instructions", "accelerator")
_OF_THE_FILE = ("_skops_version", "protocol")
_PASSING = ("__id__", "_sklearn_version")
_DIGITS = 12


@dataclass(frozen=True)
class Told:
    """What a store tells of a run.

    Attributes:
        run: The run.
        record: As the store has it.
        code: SHA-256 of the user's own modules that make the learner, by path.
        learner: SHA-256 of what an estimator holds that was handed over as an object; else empty.
        is_own: Whether the learner is made by code that is not recorded.
        packages: Canonical names of the packages that the learner stands on.
        settled: What was not asked for but followed from it, as text by dotted name: the learner's
            own defaults, and what its fit chose.
    """

    run: Run
    record: RunRecord
    code: Mapping[str, str]
    learner: str = ""
    is_own: bool = False
    packages: frozenset[str] = frozenset()
    settled: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, store: Store, scratch: Path) -> Told:
        """What the store tells.

        Args:
            run: The run.
            store: Where it is kept.
            scratch: A folder to copy into.
        """
        scratch.mkdir(exist_ok=True)
        record = store.get(run.run_id)
        try:
            path = store.fetch(run.run_id, RECIPE_FILE, scratch)
        except NotFoundError:
            return cls(run, record, {})
        recipe = Recipe.from_dict(json.loads(path.read_text(encoding="utf-8")))
        learner = _held(store, run.run_id, scratch) if recipe.given else ""
        packages = frozenset(map(canonicalize_name, recipe.packages))
        settled = _settled(run, record.params, recipe)
        is_own = recipe.given and not learner
        return cls(run, record, recipe.code, learner, is_own, packages, settled)


def changes(first: Told, second: Told) -> tuple[Change, ...]:
    """What is not the same, first what numbers can depend on."""
    found = [*_settings(first, second), *_code(first, second), *_environment(first, second)]
    split = tuple(told.run.provenance.get("split fingerprint") for told in (first, second))
    explained = any(
        each.name == _SEEDS  # more of them are more folds; those of the first seed stay
        or (each.counts and (each.thing in (_SPLIT, _LEARNER) or each.name.startswith("data.")))
        for each in found
    )
    if None not in split and split[0] != split[1] and not explained:
        found.append(Change(_SPLIT, "rows of the parts and folds", *_short(*split)))
    if not any(each.counts for each in found):
        found += _consequences(first.settled, second.settled)
    return tuple(sorted(found, key=lambda each: not each.counts))


def _settings(first: Told, second: Told) -> Iterator[Change]:
    """What the resolved experiment files say differently, as far as one of them asks for it."""
    before, after = first.record.params, second.record.params
    is_other = before.get("model.learner") != after.get("model.learner")
    for key in dict.fromkeys((*before, *after)):
        values = _value(before, key), _value(after, key)
        asked = [key in told.record.params and key not in told.settled for told in (first, second)]
        is_same = values[0] == values[1] or {*values} <= {_UNSET, "{}", "[]", "None"}
        if is_same or not any(asked):
            continue
        is_of_learner = is_other and key.startswith(_TRAINING) and not all(asked)
        if key.startswith("model.options.") and not is_other:
            thing, values = key, (before.get(key, _DEFAULT), after.get(key, _DEFAULT))
        elif key.startswith("model.") or is_of_learner:
            thing = _LEARNER
        else:
            blocks = {"data.split.": _SPLIT, _THRESHOLD: _THRESHOLD}
            thing = next((said for each, said in blocks.items() if key.startswith(each)), key)
        is_unfelt = key in _SHOWING or key.removeprefix(_TRAINING) in _UNFELT
        yield Change(thing, key, *values, not (is_unfelt or key.startswith(_NAMING)))


def _value(params: Mapping[str, str], key: str) -> str:
    """What a run was asked for; the default, where it is older than the setting."""
    is_parted = any(each.startswith(f"{key}.") for each in params)
    return params.get(key, _UNSET if is_parted else _defaults().get(key, _UNSET))


@cache
def _defaults() -> Mapping[str, str]:
    """What settings are where nobody writes them, as text by dotted name."""
    known = flattened(_defaults_of(Experiment))
    return {key: str(value) for key, value in known.items() if value not in (None, {}, [])}


def _defaults_of(block: type[BaseModel]) -> dict[str, Any]:
    """Those of a block, nested as in the file."""
    found: dict[str, Any] = {}
    for name, field_ in block.model_fields.items():
        if not field_.is_required():
            default = field_.get_default(call_default_factory=True)
            is_block = isinstance(default, BaseModel)
            found[name] = default.model_dump(mode="json") if is_block else default
        elif isclass(field_.annotation) and issubclass(field_.annotation, BaseModel):
            found[name] = _defaults_of(field_.annotation)
    return found


def _consequences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    """What was settled otherwise in two runs that were asked for the same."""
    for name, was in before.items():
        is_now = after.get(name, was)
        if was != is_now:
            yield Change(name, name, was, is_now)


def _code(first: Told, second: Told) -> Iterator[Change]:
    """The code that makes the learner, as far as it is the user's."""
    for path in dict.fromkeys((*first.code, *second.code)):
        digests = first.code.get(path), second.code.get(path)
        if digests[0] != digests[1]:
            yield Change(_CODE, path, *_short(*digests))
    if first.learner != second.learner:
        handed = _short(first.learner, second.learner)
        yield Change(_LEARNER, "the learner that was handed over", *handed)
    is_own = first.is_own or second.is_own
    for each in commit_apart(first.run.provenance, second.run.provenance, is_own):
        yield Change(_CODE, *each)


def _environment(first: Told, second: Told) -> Iterator[Change]:
    """Packages that both have, Python and the processor.

    A package that only one of the learners stands on differs with the learner.
    """
    before, after = (told.run.provenance for told in (first, second))
    both = {*first.packages} & {*second.packages}
    versions = [
        {**each.get(DISTRIBUTIONS, {}), **each.get("packages", {})} for each in (before, after)
    ]
    named = {*versions[0]} & {*versions[1]} & {*before.get("packages", {}), *both}
    was, is_now = ({name: each[name] for name in named} for each in versions)
    yield from (Change(_ENVIRONMENT, *each) for each in packages_apart(was, is_now, both))
    yield from (Change(_ENVIRONMENT, *each) for each in python_apart(before, after))
    for name, values in _apart(before.get("hardware", {}), after.get("hardware", {})):
        if name in _HARDWARE:
            yield Change(_ENVIRONMENT, name, *values)


def _settled(run: Run, params: Mapping[str, str], recipe: Recipe) -> dict[str, str]:
    """What nobody wrote of how the learner trains, and what its fit chose.

    What folds chose is left out: of the predictions that are compared it is a consequence.
    """
    written = flattened({"training": recipe.settings.get("training", {})})
    defaults = {
        key: value
        for key, value in params.items()
        if key.startswith(_TRAINING) and key not in written
    }
    found = run.provenance.get(CHOSEN[VALIDATION], {})
    chosen = flattened({"chosen": {k: each for k, each in found.items() if k not in _UNFELT}})
    return {**defaults, **{key: str(value) for key, value in chosen.items()}}


def _held(store: Store, run_id: str, scratch: Path) -> str:
    """What a recorded estimator holds, read without making it; empty if there is none."""
    try:
        path = store.fetch(run_id, LEARNER_FILE, scratch)
        with ZipFile(path) as file:
            schema = json.loads(file.read("schema.json"))
            sums = {each.filename: each.CRC for each in file.infolist()}
    except (NotFoundError, BadZipFile, KeyError, ValueError):
        return ""
    known = {key: each for key, each in schema.items() if key not in _OF_THE_FILE}
    return sha256(json.dumps(_lasting(known, sums), sort_keys=True).encode()).hexdigest()


def _lasting(schema: Any, sums: Mapping[str, int]) -> Any:
    """What skops writes of an object, without its name in this process and without versions.

    Args:
        schema: A node, or a list of them.
        sums: Of the files beside it, which hold arrays, the CRC-32 by name: names are drawn anew.
    """
    if isinstance(schema, Mapping):
        lasting = {k: _lasting(each, sums) for k, each in schema.items() if k not in _PASSING}
        file = schema.get("file")
        return lasting | ({"file": sums[file]} if isinstance(file, str) and file in sums else {})
    return [_lasting(each, sums) for each in schema] if isinstance(schema, list) else schema


def _apart(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, str]]]:
    for name in dict.fromkeys((*before, *after)):
        values = str(before.get(name, _UNSET)), str(after.get(name, _UNSET))
        if values[0] != values[1]:
            yield name, values


def _short(first: str | None, second: str | None) -> tuple[str, str]:
    """Two digests, as far as one reads them."""
    return (first or _NONE)[:_DIGITS], (second or _NONE)[:_DIGITS]
