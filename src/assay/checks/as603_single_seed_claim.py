"""AS603 single-seed-claim: one model is said to be better than another, from one seed of each.

How much a score moves from seed to seed is then unknown. The data cannot say whether training draws
random numbers at all: where the rows alone show the gain beyond doubt, it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.claims import Claim, claim_of
from assay.checks.gains import gain_of
from assay.checks.history import history_of
from assay.findings import Finding, NotApplicable, Severity


class SingleSeedClaim:
    """Counts the seeds behind a claim that one model is better than another."""

    code = "AS603"
    name = "single-seed-claim"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Count the seeds of both."""
        claim = claim_of(view)
        if isinstance(claim, Claim):
            return [_finding(claim, view)] if claim.n_seeds < 2 else []
        history = history_of(view)
        if isinstance(history, NotApplicable) or history.seeds is None:
            return claim
        return [_of_a_run()] if history.seeds < 2 else []


def _finding(claim: Claim, view: View) -> Finding:
    gain = gain_of(claim, view.schema.task)
    is_shown = gain.rows is not None and gain.rows.has_interval and not gain.in_noise
    evidence: dict[str, Any] = {"claim": claim.said, "seeds of each": 1}
    if gain.rows is not None:
        evidence[f"{claim.better} minus {claim.worse}, {gain.metric}"] = str(gain.rows)
    elif all(claim.scores):
        evidence |= {claim.better: claim.scores[0][0], claim.worse: claim.scores[1][0]}
    return Finding(
        code=SingleSeedClaim.code,
        severity=Severity.ASK if is_shown else Severity.WARN,
        title=f"{claim.better} is said to be better than {claim.worse} from one seed of each.",
        evidence=evidence,
        mend="fit both with five seeds or more on the same rows and compare seed by seed; if "
        f"neither draws random numbers: checks: {{accept: {{{SingleSeedClaim.code}: "
        "'training is deterministic'}}",
    )


def _of_a_run() -> Finding:
    """Nothing is claimed yet of a run that was judged with one seed."""
    return Finding(
        code=SingleSeedClaim.code,
        severity=Severity.NOTE,
        title="The run was judged with one seed.",
        evidence={"seeds": 1},
        mend="training: {seeds: 5}, before it is said to be better than another",
    )
