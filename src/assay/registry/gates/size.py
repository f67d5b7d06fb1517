"""Size: what the files of the model take on disk."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict
from assay.registry.gates.latency import NOT_MEASURED


class Size:
    """All files of the model together keep to a limit."""

    name = "size_mib"
    reads_costs = True

    def __call__(self, evidence: Evidence, asked: float | None) -> Verdict | None:
        if asked is None:
            return None
        words, costs = f"at most {asked:g} MiB on disk", evidence.costs
        if costs is None:
            return Verdict(self.name, None, words, (evidence.no_costs or NOT_MEASURED,))
        said = f"{costs.size_mib:.3g} MiB"
        return Verdict(
            self.name, costs.size_mib <= asked, words, (said,), {"size_mib": costs.size_mib}
        )
