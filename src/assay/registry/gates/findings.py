"""Findings: no known mistake stands open."""

from __future__ import annotations

from assay.findings import Severity
from assay.registry.gates.base import Evidence, Verdict

_SHOWN = 4


class NoOpenFinding:
    """No finding of a severity or worse is open; one that is accepted with a reason is not."""

    name = "findings"

    def __call__(self, evidence: Evidence, asked: str | None) -> Verdict | None:
        if asked in (None, "none"):
            return None
        least = Severity(asked)
        words = f"no open finding of severity {least}" + (" or worse" if least.rank < 3 else "")
        grave = [each for each in evidence.findings if each.severity.rank >= least.rank]
        opened = [each for each in grave if each.accepted is None]
        if opened:
            reasons = [f"{each.severity} {each.code}: {each.title}" for each in opened[:_SHOWN]]
            if len(opened) > _SHOWN:
                reasons.append(f"and {len(opened) - _SHOWN} more")
        else:
            n = len(evidence.findings)
            named = "1 finding" if n == 1 else f"{n} findings" if n else "no finding"
            reasons = [f"{named}, none so severe is open" if n else named]
        reasons += [f"{each.code} is accepted: {each.accepted}" for each in grave if each.accepted]
        return Verdict(
            self.name, not opened, words, tuple(reasons), {"open": [each.code for each in opened]}
        )
