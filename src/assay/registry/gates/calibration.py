"""Calibration: whether probabilities are frequencies."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict
from assay.registry.gates.metrics import held_at_end


class Calibrated:
    """The calibration error keeps to its limit at the upper end; numbers have no probabilities."""

    name = "calibration"

    def __call__(self, evidence: Evidence, asked: float | None) -> Verdict | None:
        if asked is None:
            return None
        words = f"calibration error at most {asked:g}"
        if not evidence.evaluation.task.is_classification:
            return Verdict(self.name, True, words, ("a regression says no probabilities",))
        if evidence.outdated:
            return Verdict(self.name, None, words, (evidence.outdated,))
        found = evidence.evaluation.miscalibration
        if found is None:
            return Verdict(self.name, None, words, ("the calibration was not recorded",))
        held, said = held_at_end(found.error, asked, falls=True)
        rows = f"on {evidence.evaluation.n:,} {evidence.evaluation.rows} rows"
        reason = ", ".join(filter(None, [f"error {said}", evidence.choice(), rows]))
        return Verdict(self.name, held, words, (reason,), {"error": found.error.as_dict()})
