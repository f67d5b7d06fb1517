"""Ranking: which runs can be set beside each other, in which order, and what sets them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.tracking.conditions import value_of
from assay.tracking.recorder import Status
from assay.tracking.runs import FINGERPRINT, GREATER_IS_BETTER, PRIMARY
from assay.tracking.store import RunRecord

_NOT_APART = ("name", "tracking.tags")
_NOTHING = {None, "{}", "[]"}  # a block of options with nothing set is none


def comparable(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Those that finished on the same data by the same metric as the first that did, best first."""
    finished = [run for run in runs if run.status is Status.FINISHED]
    alike = [
        run
        for run in finished
        if all(run.tags.get(tag) == finished[0].tags.get(tag) for tag in (PRIMARY, FINGERPRINT))
        and run.tags.get(PRIMARY) in run.metrics
    ]
    if not alike:
        return []
    primary = alike[0].tags[PRIMARY]
    return ordered(alike, primary, falling=alike[0].tags.get(GREATER_IS_BETTER) == "true")


def ordered(runs: Sequence[RunRecord], key: str, *, falling: bool) -> list[RunRecord]:
    """By a metric, a setting or the duration; runs that do not know it come last."""
    values = {run.run_id: value_of(run, key) for run in runs}
    known = [run for run in runs if values[run.run_id] is not None]
    sign = -1 if falling else 1

    def place(run: RunRecord) -> tuple[bool, float, str]:
        value = values[run.run_id]
        try:
            return False, sign * float(value), ""
        except ValueError:
            return True, 0.0, str(value)

    rest = [run for run in runs if values[run.run_id] is None]
    return sorted(known, key=place) + rest


def apart(runs: Sequence[RunRecord]) -> Mapping[str, list[str | None]]:
    """The settings in which the runs differ, each with its value in every run.

    None where a run has no such setting: options of another learner, or one left at its default.
    What only tells one experiment from another is left out where anything else differs.
    """
    experiments = dict.fromkeys(run.experiment for run in runs)
    within = [[run for run in runs if run.experiment == name] for name in experiments]
    keys = [key for alike in within for key in _differing(alike)] or _differing(runs)
    return {key: [run.params.get(key) for run in runs] for key in dict.fromkeys(keys)}


def _differing(runs: Sequence[RunRecord]) -> list[str]:
    keys = dict.fromkeys(key for run in runs for key in run.params if key not in _NOT_APART)
    values = {key: {run.params.get(key) for run in runs} for key in keys}
    return [key for key, each in values.items() if len(each) > 1 and not each <= _NOTHING]
