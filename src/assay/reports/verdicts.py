"""The sentences that say what a run is worth: beside baselines, on sealed rows, over seeds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from statistics import NormalDist

from assay.estimates import significant
from assay.evaluation.result import VALIDATION, Corrected, Difference, Evaluation
from assay.reports.content import BaselineContent, ReportContent, TestLook
from assay.reports.wording import (
    MINUS,
    NARROW_SPACE,
    counted,
    estimate,
    level,
    magnitude,
    metric,
    metric_within,
    number,
    numbers,
)

MANY_LOOKS = 3
"""Looks from which a test set counts as stale."""
_FIRST = "First look at these rows."


@dataclass(frozen=True)
class Verdict:
    """A sentence and its tone: 'good', 'bad' or 'even'."""

    text: str
    tone: str


def between(difference: Difference, first: str, second: str) -> str:
    """Which of two is better, by which metric and by how much, or that it cannot be said.

    Args:
        difference: Second minus first.
        first: What to call the first.
        second: What to call the second.
    """
    named, apart = metric_within(difference.metric), difference.estimate
    if not apart.has_interval:
        reason = apart.reason or "no interval was given"
        return f"Whether {second} is better than {first} in {named} cannot be said: {reason}."
    if difference.better is None:
        both = f"The difference of {second} from {first} in {named}"
        return f"{both} is within noise: {estimate(apart)}."
    better, worse = (second, first) if difference.better == "second" else (first, second)
    return f"{better} is better than {worse} in {named} by {magnitude(apart)}."


def against_baselines(content: ReportContent) -> Verdict:
    """Whether the model is worth more than the baselines, judged by the hardest to beat."""
    baselines, named = content.baselines, metric_within(content.evaluation.primary)
    if not baselines:
        return Verdict("There is no baseline to compare with.", "even")
    lost = [each for each in baselines if each.gain.better == "first"]
    if lost:
        worst = max(lost, key=_size)
        by = magnitude(worst.gain.estimate)
        return Verdict(f"{worst.name} beats {content.learner} in {named} by {by}.", "bad")
    open_ones = [each for each in baselines if each.gain.better is None]
    if open_ones:
        return Verdict(_undecided(content.learner, open_ones[-1], named), "even")
    hardest = min(baselines, key=_size)
    by = magnitude(hardest.gain.estimate)
    among = f", the strongest of {len(baselines)} baselines" if len(baselines) > 1 else ""
    return Verdict(f"{content.learner} beats {hardest.name} in {named} by {by}{among}.", "good")


def on_choice(corrected: Corrected | None) -> str:
    """What the best of a search is worth, having been chosen; empty where none was chosen from."""
    if corrected is None:
        return ""
    each = corrected.corrected
    best = numbers(corrected.best, each.value, each.low or each.value)[0]
    return (
        f"Chosen from {counted(corrected.candidates, 'trial')}, it flatters itself: corrected for "
        f"the choice, {metric(corrected.metric)} is {estimate(each)}, not {best}."
    )


def on_test(test: TestLook) -> Verdict:
    """Whether the sealed rows bear out the announced number."""
    difference = test.difference
    apart = estimate(difference.estimate)
    if not difference.estimate.has_interval:
        reason = difference.estimate.reason or "none was given"
        return Verdict(
            f"It differs from the announced one by {apart}; no interval: {reason}.", "even"
        )
    if difference.better is None:
        return Verdict(f"It bears out the announced one: difference {apart}.", "good")
    size = magnitude(difference.estimate)
    if difference.better == "second":
        return Verdict(f"It is better than announced by {size}: more than noise.", "even")
    return Verdict(f"It is worse than announced by {size}: more than noise.", "bad")


def on_looks(content: ReportContent) -> str:
    """What it means how often the test rows have been looked at."""
    known = content.test.looks if content.test else 0
    if content.looks is None:
        at = f": at least {counted(known, 'time')}" if known else ""
        return f"How often these rows have been looked at cannot be told{at}."
    said = staleness(max(content.looks, known))
    if content.test is None:
        return said
    if known < content.looks:
        return f"{said} The interval was made at {counted(known, 'look')}: read it as wider."
    return f"{said}{_widening(content.evaluation, content.test.evaluation)}" or _FIRST


def staleness(looks: int) -> str:
    """What it means that test rows have been looked at before; empty at the first look."""
    if looks <= 1:
        return ""
    if looks < MANY_LOOKS:
        return f"These rows have had {counted(looks, 'look')}."
    return (
        f"These rows have had {counted(looks, 'look')}: what is chosen by them flatters "
        "itself. For the next claim, set fresh rows aside."
    )


def _widening(announced: Evaluation, tested: Evaluation) -> str:
    """How much wider the intervals on test rows are than at a first look; empty at the first."""
    first, now = announced.headline, tested.headline
    if not (first.has_interval and now.has_interval) or now.level <= first.level:
        return ""
    reach = [NormalDist().inv_cdf(0.5 + each.level / 2) for each in (now, first)]
    return (
        f" Intervals on them are read at {level(now.level)}{NARROW_SPACE}% instead of "
        f"{level(first.level)}{NARROW_SPACE}%, about {reach[0] / reach[1]:.2f} times as wide: "
        "all later looks together err no more often than the first (Bonferroni's inequality, Dunn "
        f"1961, with 1 / (k (k {MINUS} 1)) for the k-th)."
    )


def over_seeds(content: ReportContent) -> str:
    """Mean and standard deviation of the primary metric over seeds."""
    values = [float(each) for each in content.seeds.values]
    named = metric_within(content.evaluation.primary)
    if len(values) < 2:
        return f"One seed only: how much {named} varies with the seed is unknown."
    mean, spread = number(statistics.fmean(values)), significant(statistics.stdev(values), 2)
    other = "other folds, other model seeds"
    if content.evaluation.rows == VALIDATION:
        other = "other model seeds, the same validation rows"
    return (
        f"Over {len(values)} seeds ({other}) {named} is {mean} ± {spread}, "
        "mean ± standard deviation. The first is the one logged."
    )


def _size(baseline: BaselineContent) -> float:
    return abs(baseline.gain.estimate.value)


def _undecided(learner: str, baseline: BaselineContent, named: str) -> str:
    difference = baseline.gain.estimate
    if not difference.has_interval:
        reason = difference.reason or "none was given"
        apart = f"they differ by {magnitude(difference)}, no interval: {reason}"
    else:
        apart = f"difference {estimate(difference)}"
    return f"{learner} cannot be told from {baseline.name} in {named}: {apart}."
