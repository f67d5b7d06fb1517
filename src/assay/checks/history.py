"""History: the runs behind a model, read from the record that was handed over.

The form is that of docs/checks/evidence.md; what MLflow exports and the usual names of splits are
understood too. Runs that differ in their seed alone are one setting that was fitted several times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.checks.base import View
from assay.checks.directions import greater_is_better
from assay.checks.logged import (
    NAMES,
    LoggedRun,
    alike,
    is_number,
    logged_run,
    malformed,
    split_of,
)
from assay.findings import NotApplicable

_MOST_LOOKS = 2**53
_MAXIMIZE = ("maximize", "maximise", "max", "higher", "greater", "up", "true")
_MINIMIZE = ("minimize", "minimise", "min", "lower", "less", "down", "false")


@dataclass(frozen=True)
class History:
    """How a model came about.

    Attributes:
        metric: What the runs are judged by.
        is_maximized: Whether the record says that more of it was taken to be better; None where it
            does not say.
        runs: In the order of the record.
        selected: The run that was chosen; None where the record does not say.
        reported: What split the reported score is said to be of; empty where nothing is said.
        value: The reported score; None likewise.
        claim: What is said of the model, in words.
        scores: Scores of models that are set beside each other, one for each seed, by name.
        baselines: By how much the model is better than each baseline, with the ends of the
            interval.
        looks: How often the test rows were looked at, where a ledger counts that.
        seeds: How many seeds the model was judged with; None where the record does not say.
    """

    metric: str
    is_maximized: bool | None
    runs: tuple[LoggedRun, ...]
    selected: LoggedRun | None
    reported: str
    value: float | None
    claim: str
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    baselines: Mapping[str, tuple[float, float | None, float | None]] = field(default_factory=dict)
    looks: int | None = None
    seeds: int | None = None

    @property
    def more_is_better(self) -> bool | None:
        """As the metric has it, else as the record says."""
        known = greater_is_better(self.metric)
        return self.is_maximized if known is None else known

    def best(self, split: str) -> LoggedRun | None:
        """The run that is best on a split; None where none has a score or nobody knows the way."""
        known = [each for each in self.runs if split in each.scores]
        if not known or self.more_is_better is None:
            return None
        pick = max if self.more_is_better else min
        return pick(known, key=lambda each: each.scores[split])


def history_of(view: View) -> History | NotApplicable:
    """The history of a view.

    Raises:
        DataError: It cannot be read.
    """
    given = view.given
    if given is None or (given.log is None and not given.claim):
        return NotApplicable("no record of runs was handed over")
    return read_history(given.log or {}, metric=given.metric or "", claim=given.claim or "")


def read_history(log: Mapping[str, Any], *, metric: str = "", claim: str = "") -> History:
    """A record of runs as a history.

    Args:
        log: The record.
        metric: What the model is judged by, where the record does not say.
        claim: What is said of it, likewise.

    Raises:
        DataError: It is not in the form that docs/checks/evidence.md describes.
    """
    named = str(log.get("metric") or metric)
    entries = log.get("runs", log.get("trials", []))
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise malformed("'runs' is to be a list of objects, one for each run")
    runs = tuple(logged_run(each, n, named) for n, each in enumerate(entries))
    if runs and not any(each.scores for each in runs):
        # No run has what is named, or nobody named it: it is what all runs have.
        common = sorted(frozenset.intersection(*(each.metrics for each in runs)))
        if len(common) == 1:
            runs = tuple(logged_run(each, n, common[0]) for n, each in enumerate(entries))
            named = str(log.get("metric") or common[0])
    reported = log.get("reported") or {}
    if not isinstance(reported, dict):
        raise malformed('\'reported\' is to be an object, as in {"split": "test"}')
    value = _of_metric(reported, named)
    looks = log.get("looks")
    return History(
        metric=named,
        is_maximized=_is_maximized(log),
        runs=runs,
        selected=_selected(log, runs),
        reported=split_of(str(reported.get("split", ""))) or "",
        value=value,
        claim=str(log.get("claim") or claim),
        scores=_scores(log),
        baselines=_baselines(log),
        looks=looks if isinstance(looks, int) and 0 <= looks < _MOST_LOOKS else None,
        seeds=log["seeds"] if isinstance(log.get("seeds"), int) else None,
    )


def _of_metric(numbers: Mapping[str, Any], metric: str) -> float | None:
    named = [value for key, value in numbers.items() if is_number(value) and alike(key, metric)]
    others = [value for value in numbers.values() if is_number(value)]
    return float(named[0]) if named else float(others[0]) if len(others) == 1 else None


def _is_maximized(log: Mapping[str, Any]) -> bool | None:
    said = log.get("direction", log.get("mode", log.get("greater_is_better")))
    plain = str(said).lower().rsplit(".", 1)[-1]
    return True if plain in _MAXIMIZE else False if plain in _MINIMIZE else None


def _selected(log: Mapping[str, Any], runs: Sequence[LoggedRun]) -> LoggedRun | None:
    said = next(
        (log[key] for key in ("selected_run", "selected", "best_run", "chosen") if key in log), None
    )
    if isinstance(said, dict):
        said = next((said[key] for key in NAMES if key in said), None)
    return next((each for each in runs if said is not None and each.name == str(said)), None)


def _scores(log: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Models beside each other: {"A": [...], "B": [...]}, or these under 'scores'."""
    beside = log["scores"] if isinstance(log.get("scores"), dict) else log
    return {
        str(name): tuple(map(float, values))
        for name, values in beside.items()
        if isinstance(values, list) and values and all(map(is_number, values))
    }


def _end(said: Any) -> float | None:
    """An end of an interval; None where it is no number."""
    return float(said) if is_number(said) else None


def _baselines(log: Mapping[str, Any]) -> dict[str, tuple[float, float | None, float | None]]:
    said = log.get("baselines") or []
    if not isinstance(said, list):
        raise malformed("'baselines' is to be a list of objects")
    return {
        str(each["name"]): (float(each["gain"]), _end(each.get("low")), _end(each.get("high")))
        for each in said
        if isinstance(each, dict) and "name" in each and is_number(each.get("gain"))
    }
