"""Logged runs: what is recorded of one run, in any of the spellings that are in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite, nan
from typing import Any

from assay.errors import DataError

WHERE = "the record of runs"
VALIDATION, TEST, TRAIN = "validation", "test", "train"
_SPLITS = {
    VALIDATION: ("val", "valid", "validation", "dev", "cv", "oof", "out_of_fold", "eval"),
    TEST: ("test", "holdout", "hold_out", "held_out"),
    TRAIN: ("train", "training", "fit"),
}
_SEEDS = ("seed", "random_state", "random_seed", "rng", "seed.value")
NAMES = ("run", "run_name", "name", "run_id", "id", "number", "trial")
_TIMES = ("time", "start_time", "created", "date", "timestamp", "datetime_start")
_MILLISECONDS = 1e11
"""Moments above are counted in milliseconds since 1970: in seconds it is the year 5138."""
_Measure = tuple[str, str, float, str]
"""Split, metric, value, digest of the rows."""
_SAME = {"auc": "rocauc", "auroc": "rocauc", "aucroc": "rocauc", "averageprecision": "prauc",
         "ap": "prauc", "auprc": "prauc", "acc": "accuracy", "accuracyscore": "accuracy",
         "brierscore": "brier", "f1score": "f1",
         "rootmeansquarederror": "rmse", "meanabsoluteerror": "mae", "r2score": "r2"}  # fmt: skip


@dataclass(frozen=True)
class OnTest:
    """One time that a run was measured on test rows.

    Attributes:
        digest: Of these rows; empty where nobody recorded it.
        value: The metric; None where it was not recorded.
    """

    digest: str
    value: float | None


@dataclass(frozen=True)
class LoggedRun:
    """One run of the record.

    Attributes:
        name: What it is called.
        time: When it began, if that is said.
        params: Its settings, by name.
        scores: The metric by split: 'validation', 'test' or 'train'.
        tests: Each time that it was measured on test rows.
        metrics: Names of all metrics that it has, without their split.
    """

    name: str
    time: datetime | None
    params: Mapping[str, Any]
    scores: Mapping[str, float]
    tests: tuple[OnTest, ...]
    metrics: frozenset[str]

    @property
    def setting(self) -> str:
        """What it was fitted with, but for its seed: its name where nothing is recorded of that."""
        kept = {k: v for k, v in sorted(self.params.items()) if not is_seed(k)}
        return repr(kept) if self.params else self.name


def split_of(name: str) -> str | None:
    """Which split a name means; None for one that names none."""
    plain = re.sub(r"[^a-z]+", "_", name.lower()).strip("_")
    return next((split for split, names in _SPLITS.items() if plain in names), None)


def is_seed(param: str) -> bool:
    """Whether a setting is the seed."""
    return param.lower().rsplit(".", 1)[-1] in _SEEDS


def logged_run(exported: Mapping[str, Any], number: int, metric: str) -> LoggedRun:
    """One entry of a list of runs.

    Args:
        exported: The entry.
        number: Its place in the list: its name where it has none.
        metric: What the runs are judged by.

    Raises:
        DataError: It is not in the form that docs/checks/evidence.md describes.
    """
    entry = _flat(exported)
    name = next((entry[key] for key in NAMES if entry.get(key) is not None), number)
    params = _pairs(entry.get("params") or entry.get("parameters") or {})
    metrics = _pairs(entry.get("metrics") or {})
    if not isinstance(params, dict) or not isinstance(metrics, dict):
        raise malformed(f"'params' and 'metrics' of run {name} are to be objects")
    seeds = {key: entry[key] for key in _SEEDS if key in entry}
    evals = entry.get("evals") or entry.get("evaluations") or []
    if not isinstance(evals, list) or not all(isinstance(each, dict) for each in evals):
        raise malformed(f"'evals' of run {name} is to be a list of objects")
    known = [*_measured({**entry, **metrics}), *_evaluated(evals)]
    mine = [each for each in known if alike(each[1], metric) and isfinite(each[2])]
    scores = {split: value for split, _, value, _ in mine}
    own = [OnTest(digest, value) for split, _, value, digest in mine if split == TEST]
    other = {digest: OnTest(digest, None) for split, _, _, digest in known if split == TEST}
    return LoggedRun(
        name=str(name),
        time=_time(entry),
        params={str(key): value for key, value in {**seeds, **params}.items()},
        scores=scores,
        tests=tuple(own or other.values()),
        metrics=frozenset(plain_metric(each) for _, each, _, _ in known if each),
    )


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A run of MLflow as its services and tables have it: parts beside each other, or dotted."""
    flat = {**entry, **(entry.get("info") or {}), **(entry.get("data") or {})}
    for part in ("metrics", "params"):
        dotted = {key[len(part) + 1 :]: flat[key] for key in entry if key.startswith(f"{part}.")}
        if dotted:
            flat = {key: value for key, value in flat.items() if not key.startswith(f"{part}.")}
            flat[part] = dotted
    named = flat.get("tags.mlflow.runName")
    return {**flat, "run": named} if named and "run" not in flat else flat


def _pairs(listed: Any) -> Any:
    """A list of {"key": ..., "value": ...} as an object."""
    if isinstance(listed, list) and all(isinstance(each, dict) for each in listed):
        return {each.get("key"): each.get("value") for each in listed}
    return listed


def _measured(numbers: Mapping[str, Any]) -> Iterator[_Measure]:
    """What is written as 'val_auc', 'auc/val', {'val': {'auc': 0.8}}, or 'auc' by itself."""
    for key, value in numbers.items():
        if isinstance(value, dict) and split_of(key):
            yield from ((split_of(key) or "", k, v, "") for k, v in value.items() if is_number(v))
        elif is_number(value):
            words = [each for each in re.split(r"[_/.\- ]+", key) if each and not each.isdigit()]
            for at in (0, -1):
                if len(words) > 1 and split_of(words[at]):
                    rest = words[1:] if at == 0 else words[:-1]
                    yield split_of(words[at]) or "", "_".join(rest), float(value), ""
                    break
            else:
                if key not in (*NAMES, *_TIMES, *_SEEDS, "end_time", "step", "epoch", "duration"):
                    yield VALIDATION, "" if key == "value" else key, float(value), ""


def _evaluated(evals: Iterable[Mapping[str, Any]]) -> Iterator[_Measure]:
    for each in evals:
        split = split_of(str(each.get("split", each.get("on", ""))))
        digest = str(each.get("data_sha", each.get("digest", each.get("data", ""))) or "")
        numbers = {**each, **(each.get("metrics") or {})}
        known = [(k, float(v)) for k, v in numbers.items() if is_number(v) and k not in NAMES]
        yield from ((split or VALIDATION, name, value, digest) for name, value in known)
        if split == TEST and not known:
            yield TEST, "", nan, digest


def is_number(value: Any) -> bool:
    """Whether a value of a record is a number that says something."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # a whole number of more digits than a float has room for
        return False


def plain_metric(name: str) -> str:
    """A metric's name without what only its spelling adds: 'ROC-AUC' and 'auc' are one."""
    plain = re.sub(r"[^a-z0-9]+", "", name.lower())
    return _SAME.get(plain, plain)


def alike(name: str, metric: str) -> bool:
    """Whether both name one metric; one without a name is what the record is about."""
    return not name or plain_metric(name) == plain_metric(metric)


def _time(entry: Mapping[str, Any]) -> datetime | None:
    """When a run began, in whatever way that is written; MLflow counts milliseconds."""
    said: Any = next((entry[key] for key in _TIMES if entry.get(key) is not None), None)
    try:
        if is_number(said):
            return datetime.fromtimestamp(said / 1000 if said > _MILLISECONDS else said)
        return datetime.fromisoformat(str(said)).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def malformed(why: str) -> DataError:
    """What is said of a record that cannot be read."""
    return DataError(
        f"The record of runs cannot be read: {why}.",
        where=WHERE,
        mend="write it as docs/checks/evidence.md describes it, as in "
        '{"metric": "roc_auc", "runs": [{"run": 1, "params": {}, "val_roc_auc": 0.8}]}',
    )
