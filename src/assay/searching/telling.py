"""A search in words: what was tried, what is best, what that is worth, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.reports.verdicts import on_choice
from assay.reports.wording import counted, duration, estimate, metric, share
from assay.searching.found import Found
from assay.tuning.objective import COSTS

_MOST_IMPORTANT = 3
_SHORTER = ("model.options.", "model.")


def told(found: Found) -> list[str]:
    """A few lines."""
    lines = [_tried(found), _best(found)]
    if found.corrected is not None:
        lines.append(worth(found))
    if found.importance:
        lines.append(_mattered(found))
    if found.front:
        lines.append(
            f"{counted(len(found.front), 'trial')} that no other beats in all of "
            f"{', '.join(map(named, found.objectives))}: {', '.join(map(str, found.front))}."
        )
    return lines


def named(objective: str) -> str:
    """An objective as people call it."""
    return objective.replace("_", " ") if objective in COSTS else metric(objective)


def setting(key: str, value: Any) -> str:
    """One setting, short.

    >>> setting("model.options.learning_rate", 0.0314159265)
    'learning_rate 0.03142'
    """
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{short(key)} {shown}"


def short(key: str) -> str:
    """A dotted name without what goes without saying."""
    for prefix in _SHORTER:
        key = key.removeprefix(prefix)
    return key


def settings(tried: Mapping[str, Any]) -> str:
    """All settings of a trial."""
    return ", ".join(setting(key, value) for key, value in tried.items())


def _tried(found: Found) -> str:
    states = {state: found.count(state) for state in ("complete", "pruned", "failed")}
    parts = ", ".join(f"{n} {state}" for state, n in states.items() if n)
    text = f"{counted(len(found.trials), 'trial')} of the study {found.study}: {parts}"
    took = sum(each.seconds for each in found.trials)
    text += f"; {duration(took)} of fits"
    if found.saved:
        text += f", pruning saved {share(found.saved)} of what they would have taken"
    return f"{text}."


def _best(found: Found) -> str:
    best = found.best_trial
    values = ", ".join(
        f"{named(name)} {value:.5g}"
        for name, value in zip(found.objectives, best.values, strict=True)
    )
    return f"Best: trial {best.number}, {values} ({settings(best.settings)})."


def worth(found: Found) -> str:
    """What the best is worth, having been chosen; empty where nothing was corrected."""
    corrected = found.corrected
    if corrected is None:
        return ""
    if corrected.candidates == 1:
        only = estimate(corrected.corrected)
        return f"One trial was complete: {metric(corrected.metric)} {only}."
    return on_choice(corrected)


def _mattered(found: Found) -> str:
    ranked = sorted(found.importance.items(), key=lambda each: -each[1])[:_MOST_IMPORTANT]
    parts = ", ".join(f"{short(key)} ({share(part)})" for key, part in ranked)
    return f"What mattered most: {parts}."
