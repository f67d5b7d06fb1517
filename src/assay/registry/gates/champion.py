"""Beside the champion: the version in production, on rows that neither has learnt from."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict

_ASKED = {"better": "better than the champion", "not-worse": "not worse than the champion"}


class BesideChampion:
    """The candidate is better than the champion, or at least not worse, by more than noise."""

    name = "champion"

    def __call__(self, evidence: Evidence, asked: str | None) -> Verdict | None:
        if asked in (None, "none"):
            return None
        champion = evidence.champion
        if not champion.reference:
            return self._said(asked, True, "production is vacant: there is no champion")
        if champion.is_same:
            return self._said(asked, True, f"{champion.reference} is this very model")
        difference = champion.difference
        if difference is None:
            return self._said(
                asked, None, f"it cannot be compared with {champion.reference}: {champion.reason}"
            )
        passed: bool | None = difference.better == "second"
        if asked == "not-worse":
            passed = difference.better != "first"
        if not difference.estimate.has_interval and difference.better is None:
            passed = None
        return Verdict(
            self.name,
            passed,
            _ASKED[asked],
            (
                f"{difference.metric}: {difference.verdict.rstrip('.')}, on {champion.rows}",
                *champion.notes,
            ),
            {"champion": champion.reference, "difference": difference.as_dict()},
        )

    def _said(self, asked: str | None, passed: bool | None, reason: str) -> Verdict:
        return Verdict(self.name, passed, _ASKED[asked or "not-worse"], (reason,))
