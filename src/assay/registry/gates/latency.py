"""Latency: how long a prediction takes, of one row and of a thousand."""

from __future__ import annotations

from assay.registry.costs import BATCH, Costs
from assay.registry.gates.base import Evidence, Verdict, all_of
from assay.registry.settings import LatencyLimits

NOT_MEASURED = "nobody measured it"
_QUANTILES = {
    "p50_ms": (1, "p50"),
    "p99_ms": (1, "p99"),
    "batch_p50_ms": (BATCH, "p50"),
    "batch_p99_ms": (BATCH, "p99"),
}


class Latency:
    """Each measured quantile keeps to its limit."""

    name = "latency"
    reads_costs = True

    def __call__(self, evidence: Evidence, asked: LatencyLimits | None) -> Verdict | None:
        limits = {} if asked is None else asked.model_dump(exclude_none=True)
        if not limits:
            return None
        words = ", ".join(
            f"{quantile} of {_rows(n)} at most {limits[name]:g} ms"
            for name, (n, quantile) in _QUANTILES.items()
            if name in limits
        )
        if evidence.costs is None:
            return Verdict(self.name, None, words, (evidence.no_costs or NOT_MEASURED,))
        judged = [
            _judged(evidence.costs, *_QUANTILES[name], limit) for name, limit in limits.items()
        ]
        return Verdict(
            self.name,
            all_of([held for held, _ in judged]),
            words,
            (*(said for _, said in judged), f"on {evidence.costs.machine}"),
            evidence.costs.as_dict(),
        )


def _judged(costs: Costs, n_rows: int, quantile: str, limit: float) -> tuple[bool, str]:
    measured = costs.latencies[n_rows]
    took = measured.p50_ms if quantile == "p50" else measured.p99_ms
    said = f"{took:.3g} ms ({measured.n:,} times, {measured.cpu_ms:.3g} ms of processor time each)"
    return took <= limit, f"{quantile} of {_rows(n_rows)}: {said}"


def _rows(n: int) -> str:
    return "one row" if n == 1 else f"{n:,} rows"
