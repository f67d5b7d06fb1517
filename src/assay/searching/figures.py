"""The figures of a search: what each looks like and the sentence that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.predictions import Floats
from assay.reports.axis import extent
from assay.reports.plots import LEFT, RIGHT, Mark, Note, Plot, across, band, dots, line, upwards
from assay.reports.wording import counted, number, share
from assay.searching.found import Found, Trial
from assay.searching.telling import named, setting, short
from assay.tuning.objective import FOLD_STEP

_ORDERS_FROM = 20.0
"""Greatest value over least from which a setting is drawn by orders of magnitude."""
_MOST_SLICES = 8


def figures(found: Found) -> list[Plot]:
    """The plots that a search has, in reading order."""
    plots = [_history(found)]
    if len(found.objectives) > 1:
        plots.append(_front(found))
    curves = _curves(found)
    return [*plots, *([curves] if curves is not None else []), *_slices(found)]


def _complete(found: Found) -> list[Trial]:
    return [each for each in found.trials if each.values]


def _history(found: Found) -> Plot:
    complete = _complete(found)
    numbers = np.array([each.number for each in complete], dtype=float)
    values = np.array([each.values[0] for each in complete])
    falls = found.directions[0] == "minimize"
    best = (np.minimum if falls else np.maximum).accumulate(values)
    after, last = sum(values != values[0]), found.trials[-1].number
    corrected = found.corrected.corrected if found.corrected is not None else None
    ends = (
        [each for each in (corrected.low, corrected.high) if each is not None] if corrected else []
    )
    x, y = across(-0.5, max(last, 1) + 0.5), upwards(*extent([*values, *ends]))
    marks = [
        dots("point", x.at(numbers), y.at(values)),
        line("trend", x.at(numbers), y.at(best), step=True),
    ]
    notes = []
    reading = f"The best of {counted(len(complete), 'complete trial')} is trial {found.best}"
    reading += f", with {named(found.objectives[0])} {number(found.best_trial.values[0])}"
    more = []
    if corrected is not None and after:
        height = y.at(np.full(2, corrected.value))
        edges = np.array([LEFT, RIGHT], dtype=float)
        if corrected.has_interval:
            assert corrected.low is not None
            assert corrected.high is not None
            low, high = (y.at(np.full(2, end)) for end in (corrected.low, corrected.high))
            marks.insert(0, band("band", edges, low, high))
        marks.append(line("reference", edges, height))
        notes.append(Note("corrected", RIGHT - 2, float(height[0]) - 5, "end"))
        reading += f"; corrected for having been chosen, {number(corrected.value)}"
        more = ["The dashed line is the corrected score, the band its interval."]
    return Plot(
        "history", "History", f"Each complete trial, and the best so far as a line. {reading}.",
        f"{reading}.", x, y, "trial", named(found.objectives[0]), marks, notes, more,
    )  # fmt: skip


def _front(found: Found) -> Plot:
    complete = _complete(found)
    values = np.array([each.values[:2] for each in complete])
    on = np.array([each.number in found.front for each in complete])
    x, y = across(*extent(values[:, 1])), upwards(*extent(values[:, 0]))
    first, second = (named(each) for each in found.objectives[:2])
    n = int(on.sum())
    reading = (
        f"Of {counted(len(complete), 'trial')} {n} {'is' if n == 1 else 'are'} beaten by none."
    )
    return Plot(
        "front", "Pareto front", f"{first} against {second}. {reading}", reading, x, y,
        second, first,
        [
            dots("cloud", x.at(values[~on, 1]), y.at(values[~on, 0])),
            dots("point", x.at(values[on, 1]), y.at(values[on, 0])),
        ],
    )  # fmt: skip


def _curves(found: Found) -> Plot | None:
    """What was heard of trials within their first fit; None where nothing was."""
    heard = [(each, _on_the_way(each.curve)) for each in found.trials]
    heard = [(each, curve) for each, curve in heard if len(curve) > 1]
    if not heard:
        return None
    sign = -1.0 if found.directions[0] == "maximize" else 1.0
    points = np.concatenate([curve for _, curve in heard])
    x, y = (
        across(0, float(points[:, 0].max()) * 1.02),
        upwards(*_but_for_tails(sign * points[:, 1])),
    )

    def drawn(look: str, curve: Floats) -> Mark:
        clipped = np.clip(sign * curve[:, 1], y.low, y.high)
        return line(look, x.at(curve[:, 0]), y.at(clipped))

    looks = {"pruned": "reference", "complete": "interval"}
    marks = [drawn(looks.get(each.state, "reference"), curve) for each, curve in heard]
    marks += [drawn("trend", curve) for each, curve in heard if each.number == found.best]
    n_pruned = found.count("pruned")
    reading = f"{counted(n_pruned, 'trial')} of {len(found.trials)} ended before its time"
    reading = reading if n_pruned == 1 else reading.replace("its time", "their time")
    reading += f", which saved {share(found.saved)} of the time." if found.saved else "."
    return Plot(
        "curves", "On the way", f"Loss of each trial by round or epoch in its first fit. {reading}",
        reading, x, y, "round or epoch", "validation loss", marks,
        more=["Dashed: pruned; the strong line: the best."],
    )  # fmt: skip


def _on_the_way(curve: Mapping[int, float]) -> Floats:
    points = [(step, value) for step, value in sorted(curve.items()) if step < FOLD_STEP]
    return np.array(points, dtype=float).reshape(-1, 2)


def _but_for_tails(values: Floats) -> tuple[float, float]:
    """The range of nearly all values: first epochs may be far off."""
    return extent(np.quantile(values, [0.0, 0.95]))


def _slices(found: Found) -> list[Plot]:
    """The first objective against each setting, the most important first."""
    keys = {key for each in _complete(found) for key in each.settings}
    ranked = sorted(keys, key=lambda key: (-found.importance.get(key, 0.0), key))
    return [_slice(found, key) for key in ranked[:_MOST_SLICES]]


def _slice(found: Found, key: str) -> Plot:
    trials = [each for each in _complete(found) if key in each.settings]
    given = [each.settings[key] for each in trials]
    values = np.array([each.values[0] for each in trials])
    at, notes, label = _placed(given, short(key))
    x, y = across(*extent(at)), upwards(*extent(values))
    best = np.array([each.number == found.best for each in trials])
    chosen = found.best_trial.settings.get(key)
    reading = (
        f"The best has {setting(key, chosen)}."
        if key in found.best_trial.settings
        else "The best does without it."
    )
    if key in found.importance:
        reading += f" It explains {share(found.importance[key])} of what differs between trials."
    return Plot(
        f"slice-{key.replace('.', '-')}", short(key),
        f"{named(found.objectives[0])} of each complete trial against {short(key)}. {reading}",
        reading, x, y, label, named(found.objectives[0]),
        [
            dots("point", x.at(at[~best]), y.at(values[~best])),
            dots("here", x.at(at[best]), y.at(values[best])),
        ],
        more=notes,
    )  # fmt: skip


def _placed(given: Sequence[Any], name: str) -> tuple[Floats, list[str], str]:
    """Where values lie across, what is to be said of that, and the label of the axis."""
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in given):
        at = np.array(given, dtype=float)
        if at.min() > 0 and at.max() / at.min() >= _ORDERS_FROM:
            return np.log10(at), [], f"{name}, as a power of ten"
        return at, [], name
    choices = sorted({str(each) for each in given})
    at = np.array([choices.index(str(each)) for each in given], dtype=float)
    said = ", ".join(f"{place}: {choice}" for place, choice in enumerate(choices))
    return at, [f"{said}."], name
