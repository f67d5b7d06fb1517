"""The threshold of a binary decision in words, and its goal as a curve with the choice on it."""

from __future__ import annotations

import numpy as np

from assay.data.schema import Schema
from assay.estimates import Estimate
from assay.evaluation.choice import (
    ALL_NEGATIVE,
    ALL_POSITIVE,
    AT_HALF,
    BY_THEORY,
    Choice,
    GoalCurve,
)
from assay.evaluation.goals import Goal
from assay.evaluation.result import Threshold
from assay.predictions import Floats
from assay.reports.axis import extent
from assay.reports.content import ReportContent
from assay.reports.plots import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Mark,
    Note,
    Plot,
    across,
    band,
    dots,
    line,
    upwards,
)
from assay.reports.wording import (
    NARROW_SPACE,
    estimate,
    level,
    magnitude,
    metric_within,
    number,
    numbers,
    share,
)

_ROOM = 60
_FOOT = 4


def goal_within(goal: Goal) -> str:
    """What is to be best, within a sentence."""
    if goal.is_cost:
        return "the expected cost per row"
    if goal.beta is not None:
        return f"F{goal.beta:g}"
    return metric_within(goal.goal)


def decision(content: ReportContent) -> str:
    """How a binary decision is taken; empty for any other task."""
    if content.threshold is None:
        return ""
    return decided_from(content.threshold, content.schema.positive)


def decided_from(threshold: Threshold, positive: object) -> str:
    """From which probability on a row is called positive, and why from there."""
    goal = threshold.goal
    says = f"“{positive}” is decided from a probability of {number(threshold.value)} on"
    if not threshold.is_chosen:
        return f"{says}, as the experiment asks."
    reached, at_half = numbers(threshold.score, threshold.at_half)
    beside = f"{reached} there against {at_half} at 0.5"
    if goal.is_cost:
        return f"{says}, where {goal_within(goal)} is least: {beside}."
    if goal.floor is None:
        return f"{says}, where {goal_within(goal)} is best: {beside}."
    floor, lowest = goal.floor
    if threshold.falls_short:
        return (
            f"{says}. A {floor} of {lowest:g} is reached nowhere; there it comes nearest, with "
            f"{number(threshold.held)}."
        )
    return f"{says}, where {goal_within(goal)} is best with a {floor} of {lowest:g}: {beside}."


def told(threshold: Threshold) -> list[str]:
    """What the choice is worth: on rows that others decided, beside 0.5, beside no model."""
    choice = threshold.choice
    if choice is None:
        return []
    sentences = [_worth(choice, threshold.goal)]
    if choice.held is not None and threshold.goal.floor is not None:
        floor, lowest = threshold.goal.floor
        half = _held_at_half(choice)
        sentences.append(
            f"Their {floor} is {estimate(choice.held)}, where {lowest:g} is asked for{half}."
        )
    if threshold.goal.is_cost:
        sentences += _beside_no_model(choice)
    if choice.given_classes and threshold.goal.depends_on_shares:
        sentences.append(_of_these_shares(threshold.goal))
    return sentences


def announced(threshold: Threshold | None, schema: Schema) -> list[str]:
    """What is told of it in a summary: where the goal has a floor, or is none of the metrics."""
    if threshold is None or not threshold.is_chosen:
        return []
    if threshold.goal.metric and not threshold.goal.floor:
        return []
    return [decided_from(threshold, schema.positive), *told(threshold)]


def moves(threshold: Threshold) -> str:
    """How far the choice moves over resamples, and what that loses; empty where none is known."""
    choice = threshold.choice
    if choice is None:
        return ""
    if choice.low is None or choice.high is None or choice.lost is None:
        return f"How far the choice would move on other rows cannot be said: {choice.reason}."
    low, high = numbers(choice.low, choice.high)
    much = f"{level(choice.level)}{NARROW_SPACE}%"
    says = f"{much} of resamples of these rows choose between {low} and {high}"
    if choice.missed:
        floor, lowest = threshold.goal.floor or ("", 0.0)
        n = share(choice.missed)
        return f"{says}; {n} of all choose one whose {floor} is below {lowest:g} on these rows."
    if choice.lost == 0:
        return f"{says}, all as good on these rows."
    worse, named = "higher" if threshold.goal.is_cost else "lower", goal_within(threshold.goal)
    return f"{says}, where {named} is {worse} by at most {number(choice.lost)} on these rows."


def goal_on_test(content: ReportContent) -> str:
    """What the goal reaches on the sealed rows; empty where they are, or a metric says it."""
    if content.test is None or content.threshold is None:
        return ""
    return goal_when_tested(content.threshold, content.test.goal)


def goal_when_tested(threshold: Threshold, found: Estimate | None) -> str:
    """The goal on sealed rows beside the announced one; empty where it was not measured."""
    if found is None or threshold.choice is None:
        return ""
    named = goal_within(threshold.goal)
    announced = number(threshold.choice.reached.value)
    says = f"{named[:1].upper()}{named[1:]} is {estimate(found)}; announced {announced}."
    return says if found.has_interval else f"{says} No interval: {found.reason}."


def threshold_plot(content: ReportContent) -> list[Plot]:
    """The goal by threshold with the choice and the band of resamples; nothing if none is known."""
    threshold = content.threshold
    if threshold is None or threshold.choice is None:
        return []
    choice, goal, curve = threshold.choice, threshold.goal, threshold.choice.curve
    named = goal_within(goal).removeprefix("the ")
    at, reached = np.array(curve.thresholds), np.array(curve.reached)
    x, y = across(*extent(at, 0.02)), upwards(*extent([*reached, *curve.low, *curve.high]))
    here = float(x.at(threshold.value)), float(y.at(threshold.score))
    marks, notes = [], []
    if curve.low:
        low, high = (y.at(np.array(each)) for each in (curve.low, curve.high))
        marks.append(band("band", x.at(at), low, high))
    marks += _lines(curve, x.at(at), y.at(reached))
    if choice.low is not None and choice.high is not None:
        ends = np.clip(x.at(np.array([choice.low, choice.high])), LEFT, RIGHT).round(1).tolist()
        marks.append(Mark("range", f"M{ends[0]:g} {BOTTOM - _FOOT}H{ends[1]:g}"))
    if LEFT <= here[0] <= RIGHT:
        marks.append(Mark("reference", f"M{here[0]:.1f} {TOP}V{BOTTOM}"))
        marks.append(dots("here", np.array(here[:1]), np.array(here[1:])))
        right = here[0] > RIGHT - _ROOM
        notes.append(Note("chosen", here[0] + (-8 if right else 8), TOP + 12,
                          "end" if right else "start"))  # fmt: skip
    reading = moves(threshold)
    much = f"{level(choice.level)}{NARROW_SPACE}%"
    short = [] if all(curve.meets) else ["The thin part of the line falls short of the floor."]
    return [
        Plot(
            "threshold",
            f"{named[:1].upper()}{named[1:]} by threshold",
            f"{named[:1].upper()}{named[1:]} against the threshold, with a dot at the one that is "
            f"chosen; a band holds {much} of resamples at each threshold, a bar at the foot the "
            f"thresholds that {much} of them choose. {' '.join([reading, *short])}",
            reading,
            x,
            y,
            "threshold",
            named,
            marks,
            notes,
            more=[*short, *told(threshold)],
        )
    ]


def _lines(curve: GoalCurve, x: Floats, y: Floats) -> list[Mark]:
    """The curve, thin where it falls short of the floor."""
    if all(curve.meets):
        return [line("curve", x, y, step=True)]
    marks = [line("short", x, y, step=True)]
    turns = np.flatnonzero(np.diff(np.array([False, *curve.meets, False]).astype(int)))
    for first, after in turns.reshape(-1, 2).tolist():
        # The first value holds from the point before it.
        start = max(0, first - 1)
        part = np.append(y[first], y[first:after]), np.append(x[start], x[first:after])
        marks.append(line("curve", part[1], part[0], step=True))
    return marks


def _worth(choice: Choice, goal: Goal) -> str:
    """What is reached by rows that others decided, and how much more than at 0.5."""
    at_half, reached = choice.beside(AT_HALF), estimate(choice.reached)
    named = goal_within(goal)
    says = f"Where each row is decided by what others chose, {named} is {reached}"
    if at_half is None:
        return f"{says}."
    gain = at_half.gain
    if not gain.has_interval or not gain.excludes_zero:
        half = numbers(at_half.reached.value)[0]
        same = gain.value == 0
        apart = "as at 0.5" if same else f"and {half} at 0.5: {_why_not_apart(gain)}"
        return f"{says}, {apart}."
    more = (gain.value > 0) != goal.is_cost
    return f"{says}, {magnitude(gain)} {'more' if more else 'less'} than at 0.5."


def _held_at_half(choice: Choice) -> str:
    """What the metric that must reach a floor reaches at 0.5, to go on with; empty if unknown."""
    at_half = choice.beside(AT_HALF)
    if at_half is None or at_half.held is None:
        return ""
    return f", and {number(at_half.held)} at 0.5"


def _why_not_apart(gain: Estimate) -> str:
    if not gain.has_interval:
        return f"whether that is noise cannot be said, {gain.reason}"
    return "the difference is within noise"


def _of_these_shares(goal: Goal) -> str:
    """What would be otherwise where classes come in other shares than were asked for."""
    what = "precision" if goal.precision_at_least is not None else goal_within(goal)
    says = f"Class counts are fixed: {what} holds for these shares of the classes only"
    if goal.is_cost:
        return f"{says}, as do the threshold and decision theory's."
    # With a floor of recall the same threshold is best whatever the shares.
    return f"{says}." if goal.goal == "precision" else f"{says}, as does the threshold."


def _beside_no_model(choice: Choice) -> list[str]:
    """What would be paid without a model, and by decision theory's threshold."""
    none, every, theory = map(choice.beside, (ALL_NEGATIVE, ALL_POSITIVE, BY_THEORY))
    if none is None or every is None or theory is None or theory.threshold is None:
        return []
    sentences = [
        f"All negative would be {estimate(none.reached)} per row, all positive "
        f"{estimate(every.reached)}."
    ]
    cheaper = min((none, every), key=lambda each: each.reached.value)
    gain = cheaper.gain
    if not gain.excludes_zero:
        apart = _why_not_apart(gain)
        sentences.append(f"The model is not shown to be cheaper than {cheaper.name}: {apart}.")
    elif gain.value < 0:
        sentences.append(f"The model costs {magnitude(gain)} more per row than {cheaper.name}.")
    sentences.append(
        f"Decision theory decides calibrated probabilities from {number(theory.threshold)} on "
        f"(Elkan 2001): {estimate(theory.reached)} per row here."
    )
    return sentences
