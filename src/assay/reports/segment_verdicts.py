"""The sentences that say what segments are worth: in training, and on the sealed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.estimates import Estimate
from assay.reports.content import TestLook
from assay.reports.wording import counted, estimate, metric_within
from assay.segments.result import Segment, Segments, Weakness


def of_training(found: Segments) -> str:
    """What was found of declared segments, and of those nobody declared."""
    sentences = [_capital(_of_declared(found))] if found.divisions else []
    if found.weak:
        sentences.append(
            f"{counted(len(found.weak), 'weak segment')} that nobody declared "
            f"{'was' if len(found.weak) == 1 else 'were'} found and confirmed on other rows."
        )
    elif not found.reason:
        sentences.append("No weak segment was found among the features.")
    elif found.tried:
        sentences.append(f"No weak segment could be confirmed: {found.reason}.")
    else:
        sentences.append(f"Weak segments were not looked for: {found.reason}.")
    return " ".join(sentences)


def on_sealed(test: TestLook) -> str:
    """What the sealed rows say of the segments of training; empty where that is nothing."""
    if test.segments is None:
        return ""
    found, sentences = test.segments, []
    if found.divisions:
        sentences.append(f"On the sealed rows {_of_declared(found)}")
    if len(found.weak) == 1:
        [one] = found.weak
        sentences.append(f"The weak segment found in training ({one.definition}) {_upheld(one)}.")
    elif found.weak:
        sentences.append(_all_upheld(found.weak))
    return " ".join(sentences)


def beside_the_rest(segment: Segment) -> tuple[str, str]:
    """How a declared segment compares with the rest, and the tone: 'good', 'bad' or 'even'."""
    apart = segment.difference
    if not apart.has_interval:
        return segment.estimate.reason or apart.reason or "", "even"
    if segment.is_worse:
        return f"worse by {estimate(apart)}", "bad"
    if _is_better(apart):
        return "better than the rest", "good"
    return "within noise of the rest", "even"


def confirmation(one: Weakness) -> tuple[str, str]:
    """Whether sealed rows confirm a weak segment, and the tone."""
    if not one.difference.has_interval:
        return f"cannot be told: {one.difference.reason}", "even"
    on = f"on {counted(one.difference.n, 'row')}"
    if one.is_worse:
        return f"confirmed {on}", "bad"
    better = _is_better(one.difference)
    return (f"better than the rest {on}", "good") if better else (f"not confirmed {on}", "even")


def _upheld(one: Weakness) -> str:
    if not one.difference.has_interval:
        return f"cannot be told from the rest of the sealed rows: {one.difference.reason}"
    apart = one.difference
    if one.is_worse:
        return f"is confirmed on the sealed rows: worse by {estimate(apart)}"
    why = f"the difference of {estimate(apart)} is within noise"
    if _is_better(apart):
        assert apart.low is not None
        assert apart.high is not None
        by = replace(apart, value=-apart.value, low=-apart.high, high=-apart.low)
        why = f"it is better there than the rest, by {estimate(by)}"
    return f"is not confirmed on the sealed rows: {why}"


def _all_upheld(weak: Sequence[Weakness]) -> str:
    """How many of several are confirmed, how many are not, and how many cannot be told."""
    n, confirmed = len(weak), sum(each.is_worse for each in weak)
    untold = sum(not each.difference.has_interval for each in weak)
    if untold == n:
        return (
            f"None of the {n} weak segments found in training can be told from the rest of the "
            "sealed rows."
        )
    which = "none" if not confirmed else f"all {n}" if confirmed == n else f"{confirmed} of {n}"
    told = [f"{which} {_are(confirmed)} confirmed on the sealed rows"]
    others = n - confirmed - untold
    if confirmed and others and untold:
        told.append(f"{others} {_are(others)} not")
    if untold:
        told.append(f"and {untold} cannot be told from the rest")
    return f"Of the weak segments found in training {', '.join(told)}."


def _is_better(apart: Estimate) -> bool:
    """Whether a difference in how bad two are says that the first is better beyond chance."""
    return apart.high is not None and apart.high < 0


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _of_declared(found: Segments) -> str:
    """Which are worse, as a sentence without its capital."""
    worse = [each for one in found.divisions for each in one.segments if each.is_worse]
    n = counted(found.n_declared, "declared segment")
    if not worse:
        return f"none of {n} can be told to be worse than the rest."
    first = max(worse, key=lambda each: each.difference.low or 0.0)
    are, most = ("is", "") if len(worse) == 1 else ("are", " most of all")
    return (
        f"{len(worse)} of {n} {are} worse than the rest beyond chance,{most} {first.definition}: "
        f"by {estimate(first.difference)} in {metric_within(found.metric)}."
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
