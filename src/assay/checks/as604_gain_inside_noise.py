"""AS604 gain-inside-noise: a gain is claimed whose interval holds zero.

Both models answered the same rows, so the interval is paired: over rows, and over seeds where there
are several (`gains.py`). Either alone may hold zero, and then the data do not show the gain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.claims import Claim, claim_of
from assay.checks.gains import Gain, gain_of
from assay.estimates import chance
from assay.findings import Finding, NotApplicable, Severity


class GainInsideNoise:
    """Measures the gain of a claim with its noise."""

    code = "AS604"
    name = "gain-inside-noise"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Measure the gain over rows and over seeds."""
        claim = claim_of(view)
        if isinstance(claim, NotApplicable):
            return claim
        gain = gain_of(claim, view.schema.task)
        if not any(each.has_interval for each in gain.known):
            reason = next((each.reason for each in gain.known), None)
            return NotApplicable(reason or "one score of each model does not show its noise")
        return [_finding(claim, gain)] if gain.in_noise else []


def _finding(claim: Claim, gain: Gain) -> Finding:
    is_contrary = any(each.high is not None and each.high < 0 for each in gain.known)
    evidence: dict[str, Any] = {"claim": claim.said}
    named = f"{claim.better} minus {claim.worse}, {gain.metric}"
    if gain.rows is not None:
        evidence[f"{named}, over {gain.rows.n:,} answers"] = str(gain.rows)
    if gain.seeds is not None:
        evidence[f"{named}, over {claim.n_seeds} seeds"] = str(gain.seeds)
    if gain.p is not None:
        evidence["McNemar"] = chance(gain.p)
    title = (
        f"{claim.worse} is better than {claim.better}, not the reverse."
        if is_contrary
        else f"That {claim.better} is better than {claim.worse} is within noise."
    )
    shown = next(each for each in gain.known if each.low is not None and each.low <= 0)
    return Finding(
        code=GainInsideNoise.code,
        severity=Severity.WARN,
        title=title,
        evidence=evidence,
        effect=f"the gain in {gain.metric} is {shown}",
        mend="say that the two cannot be told apart, or measure on more rows and with more seeds: "
        "assay compare A B says how many rows more would tell",
    )
