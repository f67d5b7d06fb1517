"""AS605 metric-direction: less is taken to be better where more is, or the worst run was chosen.

A metric's name tells which way it goes (`directions.py`), and a record that says otherwise is wrong
beyond doubt. Where it says nothing, or says right, the choice may still have gone the wrong way. A
choice by anything else falls on the very worst of k runs once in k cases: from twenty on it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from assay.checks.base import View
from assay.checks.history import History, history_of
from assay.checks.logged import TEST, VALIDATION, LoggedRun
from assay.findings import Finding, NotApplicable, Severity

CHANCE = 0.05


class MetricDirection:
    """Compares the direction of a record, and the run that it chose, with the metric's own."""

    code = "AS605"
    name = "metric-direction"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the direction, then at the choice."""
        history = history_of(view)
        if isinstance(history, NotApplicable):
            return history
        known = history.more_is_better
        if known is None:
            return NotApplicable(
                f"whether more {history.metric or 'of the metric'} is better is not known"
            )
        worst = _worst(history, is_more=known)
        if history.is_maximized is not None and history.is_maximized != known:
            return [_contrary(history, worst, is_more=known)]
        n = _counted(history)
        if worst is None or 1 / n > CHANCE:
            return []
        return [_of_the_choice(history, worst, n)]


def _worst(history: History, *, is_more: bool) -> LoggedRun | None:
    """The run that was chosen, where it is the very worst of all by validation."""
    chosen = history.selected
    if chosen is None or _counted(history) < 2 or VALIDATION not in chosen.scores:
        return None
    scores = sorted(each.scores[VALIDATION] for each in history.runs if VALIDATION in each.scores)
    worst, next_worst = scores[:2] if is_more else scores[:-3:-1]
    return chosen if chosen.scores[VALIDATION] == worst != next_worst else None


def _counted(history: History) -> int:
    return len({each.setting for each in history.runs if VALIDATION in each.scores})


def _contrary(history: History, worst: LoggedRun | None, *, is_more: bool) -> Finding:
    evidence: dict[str, Any] = {
        "metric": history.metric,
        "the record says": "more is better" if history.is_maximized else "less is better",
    }
    if worst is not None:
        evidence["chosen"] = (
            f"run {worst.name}, the worst of {_counted(history)} by {history.metric}"
        )
    way = "maximize" if is_more else "minimize"
    return Finding(
        code=MetricDirection.code,
        severity=Severity.WARN,
        title=f"Of {history.metric} {'more' if is_more else 'less'} is better, and the record "
        f"takes {'less' if is_more else 'more'} to be.",
        evidence=evidence,
        effect=_effect(history, is_more=is_more),
        mend=f'"direction": "{way}", and choose again',
    )


def _of_the_choice(history: History, worst: LoggedRun, n: int) -> Finding:
    is_more = bool(history.more_is_better)
    return Finding(
        code=MetricDirection.code,
        severity=Severity.ASK,
        title=f"Run {worst.name} was chosen, which is the worst of {n} by validation "
        f"{history.metric}.",
        evidence={
            "settings": n,
            f"validation {history.metric} of run {worst.name}": worst.scores[VALIDATION],
            "chance that another choice falls on it": round(1 / n, 4),
        },
        effect=_effect(history, is_more=is_more),
        mend=f"was {'less' if is_more else 'more'} {history.metric} taken to be better? Choose "
        "again, or say why this run was chosen",
    )


def _effect(history: History, *, is_more: bool) -> str | None:
    """What another choice would have been worth."""
    chosen, pick = history.selected, max if is_more else min
    for split in (VALIDATION, TEST):
        known = [each for each in history.runs if split in each.scores]
        if chosen is not None and split in chosen.scores and len(known) > 1:
            best = pick(known, key=partial(_score, split=split))
            return (
                f"run {chosen.name} has {split} {history.metric} {chosen.scores[split]:.4g}, "
                f"run {best.name} {best.scores[split]:.4g}"
            )
    return None


def _score(run: LoggedRun, split: str) -> float:
    return run.scores[split]
