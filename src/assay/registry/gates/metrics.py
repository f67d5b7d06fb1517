"""A floor for metrics, held by the end of the interval that is worse for the model."""

from __future__ import annotations

from collections.abc import Mapping

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.metrics import METRICS
from assay.registry.gates.base import Evidence, Verdict, all_of


class MetricFloor:
    """Each metric reaches its floor at the lower end; a loss keeps to its ceiling at the upper."""

    name = "metrics"

    def __call__(self, evidence: Evidence, asked: Mapping[str, float] | None) -> Verdict | None:
        if not asked:
            return None
        task, found = evidence.evaluation.task, evidence.evaluation.metrics
        words = ", ".join(
            f"{name} {'at most' if falls(task, name) else 'at least'} {limit:g}"
            for name, limit in asked.items()
        )
        if evidence.outdated:
            return Verdict(self.name, None, words, (evidence.outdated,))
        rows = f"{evidence.evaluation.n:,} {evidence.evaluation.rows} rows"
        parts: list[bool | None] = []
        reasons = []
        for name, limit in asked.items():
            if name not in found:
                parts.append(None)
                reasons.append(f"{name} was not recorded: a {task} run has {', '.join(found)}")
                continue
            held, said = held_at_end(found[name], limit, falls=falls(task, name))
            parts.append(held)
            reasons.append(", ".join(filter(None, [f"{name} {said}", evidence.choice(name)])))
        return Verdict(
            self.name,
            all_of(parts),
            words,
            (*reasons, f"on {rows}"),
            {name: found[name].as_dict() for name in asked if name in found},
        )


def falls(task: Task, metric: str) -> bool:
    """Whether less of the metric is better."""
    return metric in METRICS[task] and not METRICS[task][metric].greater_is_better


def held_at_end(estimate: Estimate, limit: float, *, falls: bool) -> tuple[bool | None, str]:
    """Whether an estimate keeps to a limit at the end that is worse, and the same in words.

    Without an interval only a value on the wrong side is sure.

    >>> held_at_end(Estimate(0.9, 0.88, 0.92, n=100), 0.85, falls=False)
    (True, '0.900 (0.880 to 0.920)')
    >>> held_at_end(Estimate(0.9, 0.88, 0.92, n=100), 0.89, falls=False)
    (False, '0.900 (0.880 to 0.920): its lower end is below 0.89')
    """
    end = estimate.high if falls else estimate.low
    if end is None:
        is_wrong = estimate.value > limit if falls else estimate.value < limit
        return (False if is_wrong else None), str(estimate)
    if end <= limit if falls else end >= limit:
        return True, str(estimate)
    side = "upper end is above" if falls else "lower end is below"
    return False, f"{estimate}: its {side} {limit:g}"
