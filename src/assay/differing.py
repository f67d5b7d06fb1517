"""What differs: in what two recorded runs are not the same, and what of it numbers depend on.

A difference in a metric can be laid to a change only if it is the only one. What belongs together
counts once: a learner with its own options, a split with its seed, an environment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from assay.errors import NotFoundError
from assay.evaluation.contrast import Change
from assay.experiment.recipe import LEARNER_FILE, RECIPE_FILE, Recipe
from assay.run import Run
from assay.tracking.store import RunRecord, Store

_UNSET, _DEFAULT, _NONE = "not set", "default", "none"
_LEARNER, _SPLIT, _CODE, _ENVIRONMENT = "learner", "split", "code", "environment"
_NAMING = ("name", "tracking.", "registry.", "prediction.", "checks.")
"""Settings that say how runs are kept and models used, not what is learnt."""
_SHOWING = ("evaluation.primary", "evaluation.confidence", "evaluation.resamples", "training.seeds",
            "data.source")  # fmt: skip
"""Settings by which no prediction changes: the first seed's is the one that is compared, and tables
of one fingerprint hold the same."""
_KEEPING = ("mlflow", "skops", "loky")
"""Packages that keep or move what others compute."""
_HARDWARE = ("processor", "instructions", "accelerator")
_OF_THE_PROCESS = ("__id__", "file")
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
    """

    run: Run
    record: RunRecord
    code: Mapping[str, str]
    learner: str = ""
    is_own: bool = False

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
        return cls(run, record, recipe.code, learner, recipe.given and not learner)


def changes(first: Told, second: Told) -> tuple[Change, ...]:
    """What is not the same, first what numbers can depend on."""
    found = [*_settings(first, second), *_code(first, second), *_environment(first, second)]
    split = tuple(told.run.provenance.get("split fingerprint") for told in (first, second))
    explained = {_SPLIT, _LEARNER} & {each.thing for each in found} or any(
        each.name.startswith(("data.", "training.seeds")) for each in found
    )
    if None not in split and split[0] != split[1] and not explained:
        found.append(Change(_SPLIT, "rows of the parts and folds", *_short(*split)))
    return tuple(sorted(found, key=lambda each: not each.counts))


def _settings(first: Told, second: Told) -> Iterator[Change]:
    """What the resolved experiment files say differently."""
    before, after = first.record.params, second.record.params
    is_other = before.get("model.learner") != after.get("model.learner")
    for key in dict.fromkeys((*before, *after)):
        values = before.get(key, _UNSET), after.get(key, _UNSET)
        if values[0] == values[1] or {*values} <= {_UNSET, "{}", "[]", "None"}:
            continue
        if key.startswith("model.options.") and not is_other:
            values = before.get(key, _DEFAULT), after.get(key, _DEFAULT)
        counts = not key.startswith(_NAMING) and key not in _SHOWING
        if key == "model.learner" or (key.startswith("model.options.") and is_other):
            yield Change(_LEARNER, key, *values)
        elif key.startswith("data.split."):
            yield Change(_SPLIT, key, *values)
        elif is_other and key.startswith(("model.", "training.")):
            yield Change(_LEARNER, key, *values, counts)
        else:
            yield Change(key, key, *values, counts)


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
    before, after = (told.run.provenance.get("git", {}) for told in (first, second))
    if before.get("commit") != after.get("commit"):
        commits = _short(before.get("commit"), after.get("commit"))
        yield Change(_CODE, "commit", *commits, is_own)
    diffs = before.get("diff", ""), after.get("diff", "")
    if diffs[0] != diffs[1]:
        yield Change(_CODE, "uncommitted changes", _lines(diffs[0]), _lines(diffs[1]), is_own)


def _environment(first: Told, second: Told) -> Iterator[Change]:
    """Packages that compute, Python and the processor."""
    before, after = first.run.provenance, second.run.provenance
    packages = [each.get("packages", {}) for each in (before, after)]
    for name, versions in _apart(*packages):
        yield Change(_ENVIRONMENT, name, *versions, name not in _KEEPING)
    was, is_now = (str(each.get("python", _UNSET)) for each in (before, after))
    if was != is_now:
        is_other = was.split(".")[:2] != is_now.split(".")[:2]
        yield Change(_ENVIRONMENT, "python", was, is_now, is_other)
    for name, values in _apart(before.get("hardware", {}), after.get("hardware", {})):
        if name in _HARDWARE:
            yield Change(_ENVIRONMENT, name, *values)


def _held(store: Store, run_id: str, scratch: Path) -> str:
    """What a recorded estimator holds, read without making it; empty if there is none."""
    try:
        path = store.fetch(run_id, LEARNER_FILE, scratch)
        with ZipFile(path) as file:
            schema = json.loads(file.read("schema.json"))
    except (NotFoundError, BadZipFile, KeyError, ValueError):
        return ""
    return sha256(json.dumps(_lasting(schema), sort_keys=True).encode()).hexdigest()


def _lasting(schema: Any) -> Any:
    """What skops writes of an object, without what it calls it in this process."""
    if isinstance(schema, Mapping):
        return {key: _lasting(each) for key, each in schema.items() if key not in _OF_THE_PROCESS}
    return [_lasting(each) for each in schema] if isinstance(schema, list) else schema


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


def _lines(diff: str) -> str:
    n = len(diff.splitlines())
    return f"{n:,} lines" if n else _NONE
