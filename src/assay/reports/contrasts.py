"""The sentences of a comparison: which runs are better than the first, and what bears on it."""

from __future__ import annotations

import statistics

from assay.estimates import Estimate, chance, significant
from assay.evaluation.contrast import Comparison, Contrast
from assay.evaluation.result import Difference
from assay.reports.verdicts import Verdict, between
from assay.reports.wording import (
    counted,
    estimate,
    level,
    like,
    metric_within,
    numbers,
    rows,
    value,
)

TONES = {"second": "good", "first": "bad", None: "even"}


def verdict(comparison: Comparison, contrast: Contrast) -> Verdict:
    """Which of two is better and by how much, or what it would take to tell."""
    text = between(contrast.verdict, comparison.first, contrast.name)
    if contrast.needed is not None:
        text = f"{text} {contrast.needed.said}"
    return Verdict(text, TONES[contrast.verdict.better])


def basis(comparison: Comparison) -> str:
    """On which rows, and how the intervals were made."""
    n, named = counted(comparison.n, "row"), metric_within(comparison.verdict.metric)
    text = (
        f"{n}, {rows(comparison.rows)}, that all predicted and none learnt from; all on the same "
        "resamples."
    )
    given = [each.verdict.estimate for each in comparison.contrasts]
    levels = [each.level for each in given if each.has_interval]
    if len(given) > 1 and levels:
        text += (
            f" The intervals of {counted(len(given), 'difference')} from {comparison.first} in "
            f"{named} stand at {level(levels[0])} %, so that all hold together at "
            f"{level(comparison.level)} %."
        )
    return text


def beside(comparison: Comparison, contrast: Contrast) -> list[str]:
    """What stands beside the intervals: decisions, folds and seeds, as far as they are known."""
    told = (
        on_decisions(comparison, contrast),
        on_fits(comparison, contrast),
        on_seeds(comparison, contrast),
    )
    return [text for text in told if text]


def on_decisions(comparison: Comparison, contrast: Contrast) -> str:
    """How many rows only one of the two decides right; empty where that says nothing."""
    found = contrast.decisions
    if found is None:
        return ""
    first, second = counted(found.only_first, "row"), counted(found.only_second, "row")
    right = "All labels right" if comparison.has_labels else "Decided right"
    said = (
        f"{right} by {comparison.first} only: {first}, by {contrast.name} only: {second}; "
        f"McNemar's mid-{chance(found.p_value)}"
    )
    is_one_of_several = found.adjusted != found.p_value
    return (
        f"{said}, {chance(found.adjusted)} of several (Holm)." if is_one_of_several else f"{said}."
    )


def on_fits(comparison: Comparison, contrast: Contrast) -> str:
    """Whether the difference holds over folds and seeds; empty where that is not known."""
    found = contrast.over_fits
    if found is None:
        return ""
    named, mean = metric_within(contrast.verdict.metric), found.estimate
    fits = f"{counted(found.folds, 'fold')} and {counted(found.seeds, 'seed')}"
    said = f"Over {fits} the mean difference in {named} is {estimate(mean)}"
    if not mean.has_interval:
        return f"{said}; no interval: {mean.reason}."
    corrected = (
        f"{said} (corrected resampled t at {level(mean.level)} %, {chance(found.p_value or 0.0)})"
    )
    if not mean.excludes_zero:
        either = f"either {comparison.first} or {contrast.name} may be ahead"
        return f"{corrected}: fitted again on other rows, {either}."
    falls = contrast.verdict.metric in comparison.falling
    ahead = contrast.name if (mean.value > 0) != falls else comparison.first
    return f"{corrected}: fitted again on other rows, {ahead} should be ahead."


def on_seeds(comparison: Comparison, contrast: Contrast) -> str:
    """How much the two vary with the seed, where folds do not say it; empty where unknown."""
    if contrast.over_fits is not None or not any(contrast.seeds):
        return ""
    names = (comparison.first, contrast.name)
    told = [
        f"{significant(statistics.stdev(values), 2)} ({name}, {counted(len(values), 'seed')})"
        for name, values in zip(names, contrast.seeds, strict=True)
        if len(values) > 1
    ]
    if not told:
        return "One seed each: how much the difference hangs on the seed is unknown."
    named = metric_within(contrast.verdict.metric)
    said = f"Standard deviation of {named} over seeds: {', '.join(told)}"
    return f"{said}, of this run alone." if len(told) == 1 else f"{said}."


def word(difference: Difference) -> str:
    """Whether the second is better, worse, or neither can be said."""
    if difference.better is not None:
        return "better" if difference.better == "second" else "worse"
    if difference.estimate.has_interval:
        return "within noise"
    return "no difference" if difference.estimate.value == 0 else "cannot be said"


def values(difference: Difference) -> tuple[str, str]:
    """Both values with the decimals that their difference has: else what differs looks the same."""
    pair = difference.first, difference.second
    if difference.estimate.has_interval:
        found = [Estimate(each, None, None, n=0) for each in pair]
        first, second = (like(difference.estimate, each)[0] for each in found)
    else:
        first, second = numbers(*pair)
    return first, second


def apart(difference: Difference) -> str:
    """The difference with its interval, or why there is none."""
    each = difference.estimate
    return estimate(each) if each.has_interval else f"{value(each)} (no interval: {each.reason})"
