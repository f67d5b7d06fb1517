"""An entry of the log book: everything that is known of one run, in the order one asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.experiment.experiment import Experiment
from assay.findings import Finding
from assay.run import Run
from assay.tracking.notes import Notes
from assay.tracking.recorder import flattened
from assay.tracking.store import RunRecord

_EMPTY = ("{}", "[]")


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes:
        record: The run as the store has it.
        notes: What was written about it.
        result: What it found; None unless it finished.
        report: Its page, if that is on this machine.
        changed: Settings that differ from their defaults, by dotted name, as text.
        default: The other settings.
        findings: What the checks found.
        provenance: What it depends on; empty if it ended before that was recorded.
        children: The runs inside it, oldest first.
        histories: By name of the run or child, then of the metric: values at several steps.
        files: What it recorded as files.
    """

    record: RunRecord
    notes: Notes
    result: Run | None
    report: Path | None
    changed: Mapping[str, str]
    default: Mapping[str, str]
    findings: tuple[Finding, ...]
    provenance: Mapping[str, Any]
    children: tuple[RunRecord, ...]
    histories: Mapping[str, Mapping[str, list[tuple[int, float]]]]
    files: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            **brief(self.record),
            **self.notes.as_dict(),
            "result": self.result.summary() if self.result is not None else None,
            "report": str(self.report) if self.report is not None else None,
            "changed": dict(self.changed),
            "default": dict(self.default),
            "findings": [each.as_dict() for each in self.findings],
            "provenance": dict(self.provenance),
            "children": [brief(each) for each in self.children],
            "histories": {run: dict(each) for run, each in self.histories.items() if each},
            "files": list(self.files),
        }

    def __repr__(self) -> str:
        return f"Entry({self.record.reference}: {self.record.status})"


def brief(record: RunRecord) -> dict[str, Any]:
    """A run as `--json` lists it."""
    keys = ("run_id", "name", "experiment", "status", "reason", "created", "finished")
    return {
        **{key: getattr(record, key) for key in keys},
        "duration_s": record.duration_s,
        "metrics": dict(record.metrics),
        "tags": list(Notes.of(record.tags).tags),
    }


def set_otherwise(params: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The settings of a run that differ from their defaults, and the others."""
    defaults = _defaults()
    told = {key: value for key, value in params.items() if value not in _EMPTY}
    changed = {key: value for key, value in told.items() if defaults.get(key) != value}
    return changed, {key: value for key, value in told.items() if key not in changed}


@cache
def _defaults() -> dict[str, str]:
    """Every setting that has a default, with it, as stores keep it."""
    least = {"data": {"source": "", "target": ""}, "model": {"learner": ""}}
    blank = Experiment.model_validate(least)
    needed = flattened(least)
    every = flattened(blank.model_dump(mode="json"))
    return {key: str(value) for key, value in every.items() if key not in needed}
