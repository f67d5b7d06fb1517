"""Reproduced: the run was trained again and came to the same."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict

_AGREED = ("identical", "within tolerance")


class Reproduced:
    """The last `assay reproduce` that was recorded agreed, within the tolerance at least."""

    name = "reproduced"

    def __call__(self, evidence: Evidence, asked: bool | None) -> Verdict | None:
        if not asked:
            return None
        words, said = "trained again with the same result", evidence.reproduced
        if not said:
            reason = f"nobody did it again: assay reproduce {evidence.run}"
            return Verdict(self.name, None, words, (reason,))
        return Verdict(
            self.name, said.startswith(_AGREED), words, (said,), {"assay.reproduced": said}
        )
