"""Beside the champion: the version in production, on rows that neither has learnt from.

That a difference is within noise shows nothing: the fewer rows, the easier that is had. Not to be
worse is shown by the whole interval lying above a margin (non-inferiority; Piaggio et al. 2012,
'Reporting of noninferiority and equivalence randomized trials'), so that fewer rows and more looks
make it harder.
"""

from __future__ import annotations

from typing import Any

from assay.estimates import significant
from assay.evaluation.result import Difference
from assay.evaluation.spread import NEVER_VARIES
from assay.registry.gates.base import Champion, Evidence, Verdict
from assay.registry.gates.metrics import falls

SHARE = 0.05
"""The margin where none is given, as a share of what the champion is better than a constant by."""
_ASKED = {"better": "better than the champion", "not-worse": "not worse than the champion"}


class BesideChampion:
    """The candidate is better than the champion by more than noise, or not worse by a margin."""

    name = "champion"

    def __call__(self, evidence: Evidence, asked: str | float | None) -> Verdict | None:
        if asked is None or asked == "none":
            return None
        words = (
            _ASKED[asked]
            if isinstance(asked, str)
            else f"{_ASKED['not-worse']} by more than {asked:g}"
        )
        champion = evidence.champion
        if not champion.reference:
            reason = "production is vacant: there is no champion"
            return Verdict(self.name, True, words, (reason,))
        if champion.is_same:
            reason = f"{champion.reference} is this very model"
            return Verdict(self.name, True, words, (reason,))
        difference = champion.difference
        if difference is None:
            reason = f"it cannot be compared with {champion.reference}: {champion.reason}"
            return Verdict(self.name, None, words, (reason,))
        reasons = [f"{difference.metric}: {difference.verdict.rstrip('.')}, on {champion.rows}"]
        numbers: dict[str, Any] = {
            "champion": champion.reference,
            "difference": difference.as_dict(),
        }
        if asked == "better":
            passed = difference.better == "second" if _is_known(difference) else None
        else:
            margin, said = _margin(champion, asked)
            passed = _within(difference, margin, falls(evidence.evaluation.task, difference.metric))
            reasons.append(said)
            numbers["margin"] = margin
        return Verdict(self.name, passed, words, (*reasons, *champion.notes), numbers)


def _margin(champion: Champion, asked: str | float) -> tuple[float | None, str]:
    """By how much it may be worse, in the units of the metric, and the same in words."""
    if not isinstance(asked, str):
        return asked, f"its worse end may be {asked:g} worse than the champion"
    if champion.edge is None or not champion.edge > 0:
        why = "is not recorded" if champion.edge is None else "is nothing"
        said = f"what {champion.reference} is better than a constant by {why}, so that there is no"
        return None, f"{said} margin: one is given as champion: MARGIN"
    margin = SHARE * champion.edge
    told, edge = significant(margin, 2), significant(champion.edge, 2)
    return margin, (
        f"its worse end may be {told} worse than the champion: a twentieth of {edge}, "
        "by which that is better than a constant"
    )


def _within(difference: Difference, margin: float | None, less: bool) -> bool | None:
    """Whether it is not worse by more than the margin, at the end that is worse.

    Args:
        difference: The candidate minus the champion.
        margin: None where nobody knows one.
        less: Whether less of the metric is better.
    """
    estimate = difference.estimate
    low, high = estimate.low, estimate.high
    if estimate.value == 0 and estimate.reason == NEVER_VARIES:
        low = high = 0.0  # no row tells the two apart
    if margin is not None and low is not None and high is not None:
        worst = -high if less else low
        if worst >= -margin:
            return True
    return False if difference.better == "first" else None


def _is_known(difference: Difference) -> bool:
    return difference.estimate.has_interval or difference.better is not None
