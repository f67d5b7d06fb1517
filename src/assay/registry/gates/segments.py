"""The worst segment: what the model is worth where it is worth least."""

from __future__ import annotations

from collections.abc import Mapping

from assay.estimates import Estimate
from assay.registry.gates.base import Evidence, Verdict, all_of
from assay.registry.gates.metrics import falls, held_at_end
from assay.registry.settings import SegmentLimits
from assay.segments.result import Division, Segment, Segments

NOT_DECLARED = "no segments were recorded: declare columns in data.roles.segments and train again"
_SHOWN = 3


class WorstSegment:
    """Every declared segment keeps to a limit, and the worst is not far from the best."""

    name = "segments"

    def __call__(self, evidence: Evidence, asked: SegmentLimits | None) -> Verdict | None:
        if asked is None or (asked.worst is None and asked.gap is None):
            return None
        found = evidence.segments
        divisions = alone(found)
        if found is None or not divisions:
            return Verdict(self.name, None, _in_words(asked, "metric", False), (NOT_DECLARED,))
        less = falls(evidence.evaluation.task, found.metric)
        if evidence.outdated:
            words = _in_words(asked, found.metric, less)
            return Verdict(self.name, None, words, (evidence.outdated,))
        parts: list[bool | None] = []
        reasons: list[str] = []
        numbers: dict[str, Mapping[str, object]] = {}
        if asked.worst is not None:
            held, said = _worst(divisions, found.metric, asked.worst, less)
            parts += held
            reasons += said
            numbers |= {
                one.definition: one.as_dict()["estimate"]
                for each in divisions
                for one in each.segments
            }
        if asked.gap is not None:
            for each in divisions:
                held_one, told = _gap(each, asked.gap)
                parts.append(held_one)
                reasons.append(told)
                if each.gap is not None:
                    numbers[f"gap of {each.name}"] = each.gap.estimate.as_dict()
        reasons += filter(None, [evidence.choice()])
        return Verdict(
            self.name, all_of(parts), _in_words(asked, found.metric, less), tuple(reasons), numbers
        )


def alone(found: Segments | None) -> list[Division]:
    """The divisions by one declared column; crossings have few rows and are only shown."""
    return [each for each in (found.divisions if found else ()) if len(each.columns) == 1]


def _worst(
    divisions: list[Division], metric: str, limit: float, less: bool
) -> tuple[list[bool | None], list[str]]:
    """Each segment by its worse end; in words those that fail, or else the one that is nearest."""
    judged = [
        (*held_at_end(one.estimate, limit, falls=less), one)
        for each in divisions
        for one in each.segments
    ]
    failing = [each for each in judged if each[0] is not True]
    shown = failing[:_SHOWN] or [min(judged, key=lambda each: _margin(each[2], less))]
    reasons = [f"{one.definition} ({one.n:,} rows): {metric} {said}" for _, said, one in shown]
    if len(failing) > _SHOWN:
        reasons.append(f"and {len(failing) - _SHOWN} more segments")
    return [held for held, *_ in judged], reasons


def _margin(segment: Segment, less: bool) -> float:
    """How good its worse end is: the least is the worst."""
    estimate: Estimate = segment.estimate
    end = estimate.high if less else estimate.low
    value = estimate.value if end is None else end
    return -value if less else value


def _gap(division: Division, limit: float) -> tuple[bool | None, str]:
    if division.gap is None:
        return None, f"{division.name}: fewer than two segments could be measured"
    gap = division.gap
    held, said = held_at_end(gap.estimate, limit, falls=True)
    return held, f"{gap.high} less {gap.low}: {gap.metric} {said}"


def _in_words(asked: SegmentLimits, metric: str, less: bool) -> str:
    parts = []
    if asked.worst is not None:
        parts.append(f"{metric} {'at most' if less else 'at least'} {asked.worst:g} in each")
    if asked.gap is not None:
        parts.append(f"at most {asked.gap:g} apart")
    return ", ".join(parts)
