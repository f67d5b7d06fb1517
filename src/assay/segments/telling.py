"""What is told of segments: declared ones that are worse (AS501), weak ones found (AS502)."""

from __future__ import annotations

from collections.abc import Sequence

from assay.estimates import aligned, significant
from assay.findings import Finding, Severity
from assay.segments.result import MEASURES, Segment, Segments, Weakness

DECLARED, FOUND = "AS501", "AS502"
NAMES = {DECLARED: "segment-is-worse", FOUND: "weak-segment"}
CODES = tuple(NAMES)

_MOST_NAMED = 6
_MOST_IN_EFFECT = 2
_AS_EXPECTED = 0.05
"""Points of accuracy below what the model expects of itself that count as expected."""


def findings(segments: Segments) -> list[Finding]:
    """What there is to say: of declared segments, and of those found."""
    worse = [
        each
        for division in segments.divisions
        if len(division.columns) == 1
        for each in division.segments
        if each.is_worse
    ]
    told = [_declared(worse, segments)] if worse else []
    return told + ([_found(segments)] if segments.weak else [])


def _declared(worse: list[Segment], segments: Segments) -> Finding:
    first, *others = worst = sorted(worse, key=lambda each: -(each.difference.low or 0.0))
    columns = [
        name
        for division in segments.divisions
        if len(division.columns) == 1 and any(each.is_worse for each in division.segments)
        for name in division.columns
    ]
    return Finding(
        code=DECLARED,
        severity=Severity.ASK,
        title=f"The model is worse where {first.definition} than on the rest{_more(others)}.",
        evidence={
            **{each.definition: _said(each) for each in worst[:_MOST_NAMED]},
            "segments looked at": segments.n_declared,
        },
        mend="ask whether these rows are harder, fewer, or recorded otherwise; if it has to be so: "
        f"checks: {{accept: {{{DECLARED}: 'why'}}}}",
        columns=tuple(columns),
        effect="\n".join(
            f"{each.definition}: {segments.metric} {_said(each)}"
            for each in worst[:_MOST_IN_EFFECT]
        ),
    )


def _said(each: Segment) -> str:
    return f"{significant(each.estimate.value)} on {each.n:,} rows, worse by {each.difference}"


def _found(segments: Segments) -> Finding:
    first, *others = segments.weak
    evidence = {each.definition: in_words(each, segments.measure) for each in segments.weak}
    columns = dict.fromkeys(name for each in segments.weak for name in each.columns)
    mend = (
        "the model knows that these rows are hard: let others decide there, or record what would "
        "tell them apart"
        if _is_expected(first)
        else "look at such rows: are labels wrong there, rows few, or is something not recorded "
        "that would tell them apart?"
    )
    return Finding(
        code=FOUND,
        severity=Severity.NOTE,
        title=f"The model is weak where {first.definition}{_more(others)}.",
        evidence={**evidence, "tried on rows other than those that proposed": segments.tried},
        mend=mend,
        columns=tuple(columns),
        effect=in_words(first, segments.measure),
    )


def _more(others: Sequence[object]) -> str:
    return f", and {len(others)} more" if others else ""


def in_words(each: Weakness, measure: str) -> str:
    """What a weak segment is worth beside the rest."""
    value, rest = aligned(each.value, each.rest)
    text = (
        f"{MEASURES[measure]} {value} there, {rest} on the rest: worse by {each.difference} "
        f"on {each.difference.n:,} confirming rows"
    )
    return f"{text}{_expectation(each)}; {each.n:,} rows ({each.share:.1%}) are such"


def _expectation(each: Weakness) -> str:
    if each.expected is None:
        return ""
    expected = significant(each.expected)
    if _is_expected(each):
        return f", as the model expects of itself ({expected})"
    return f", where the model expects {expected} of itself"


def _is_expected(each: Weakness) -> bool:
    return each.expected is not None and each.expected - each.value <= _AS_EXPECTED
