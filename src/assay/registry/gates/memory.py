"""Memory: what a process needs that has loaded the model and predicts with it."""

from __future__ import annotations

from assay.registry.costs import BATCH
from assay.registry.gates.base import Evidence, Verdict
from assay.registry.gates.latency import NOT_MEASURED


class Memory:
    """The peak of the process keeps to its limit."""

    name = "memory_mib"
    reads_costs = True

    def __call__(self, evidence: Evidence, asked: float | None) -> Verdict | None:
        if asked is None:
            return None
        words, costs = f"at most {asked:g} MiB", evidence.costs
        if costs is None:
            return Verdict(self.name, None, words, (evidence.no_costs or NOT_MEASURED,))
        said = (
            f"{costs.memory_mib:,.0f} MiB at the peak of a process that predicts {BATCH:,} rows, "
            f"{costs.model_mib:,.0f} MiB of it since before the model was loaded"
        )
        return Verdict(
            self.name, costs.memory_mib <= asked, words, (said,), {"memory_mib": costs.memory_mib}
        )
