"""Fairness: whether a binary model decides alike for the levels of declared columns."""

from __future__ import annotations

from assay.estimates import significant
from assay.registry.gates.base import Evidence, Verdict, all_of
from assay.registry.gates.metrics import held_at_end
from assay.registry.gates.segments import NOT_DECLARED, alone
from assay.registry.settings import FairnessLimits
from assay.segments.result import Gap, Parity

_TOLD = {
    "demographic_parity": "selection rates at most {:g} apart",
    "demographic_ratio": "ratio of selection rates at least {:g}",
    "equalised_odds": "odds at most {:g} apart",
    "odds_ratio": "ratio of odds at least {:g}",
}


class Fairness:
    """Differences keep to their limits at the upper end; ratios have no interval."""

    name = "fairness"

    def __call__(self, evidence: Evidence, asked: FairnessLimits | None) -> Verdict | None:
        limits = {} if asked is None else asked.model_dump(exclude_none=True)
        if not limits:
            return None
        words = ", ".join(_TOLD[name].format(limit) for name, limit in limits.items())
        if evidence.outdated:
            return Verdict(self.name, None, words, (evidence.outdated,))
        known = [
            (each.name, each.parity) for each in alone(evidence.segments) if each.parity is not None
        ]
        if not known:
            reason = NOT_DECLARED
            if alone(evidence.segments):
                reason = "parity is recorded of binary tasks with two measurable segments only"
            return Verdict(self.name, None, words, (reason,))
        judged = [
            _judged(column, parity, name, limit)
            for column, parity in known
            for name, limit in limits.items()
        ]
        return Verdict(
            self.name,
            all_of([held for held, _ in judged]),
            words,
            tuple(said for _, said in judged),
            {column: parity.as_dict() for column, parity in known},
        )


def _judged(column: str, parity: Parity, name: str, limit: float) -> tuple[bool | None, str]:
    if name in ("demographic_parity", "equalised_odds"):
        gap = parity.demographic if name == "demographic_parity" else parity.odds
        return _difference(column, gap, limit)
    ratio = parity.demographic_ratio if name == "demographic_ratio" else parity.odds_ratio
    if ratio is None:
        return None, f"{column}: no ratio of odds is defined"
    rates = "selection rates" if name == "demographic_ratio" else "odds"
    return ratio >= limit, f"{column}: ratio of {rates} {significant(ratio)}"


def _difference(column: str, gap: Gap | None, limit: float) -> tuple[bool | None, str]:
    if gap is None:
        return None, f"{column}: no odds are defined"
    held, said = held_at_end(gap.estimate, limit, falls=True)
    return held, f"{gap.high} less {gap.low}: {gap.metric.replace('_', ' ')} {said}"
