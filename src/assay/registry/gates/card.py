"""The model card: people have said what only they can say."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict


class CardFilled:
    """No place of the model card that was kept with the run is left open."""

    name = "card"

    def __call__(self, evidence: Evidence, asked: bool | None) -> Verdict | None:
        if not asked:
            return None
        words, left = "model card filled in", evidence.unwritten
        if left is None:
            reason = f"no model card is kept with {evidence.run}: assay register writes it"
            return Verdict(self.name, None, words, (reason,))
        reason = f"still open: {', '.join(left)}" if left else "every place is written in"
        return Verdict(self.name, not left, words, (reason,), {"open": list(left)})
