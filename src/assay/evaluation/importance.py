"""Permutation importance (Breiman 2001): what the metric loses when one feature is shuffled.

Shuffled are rows that the model was not fitted on, so that a feature it merely memorised counts
for nothing. Features that say the same share their worth: each alone may look dispensable.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Importance

_RESAMPLES = 200


def importances(
    plain: Outcome, shuffled: Mapping[tuple[str, ...], Outcome], *, metric: str, level: float
) -> list[Importance]:
    """What each feature is worth, most important first.

    Args:
        plain: Predictions of held-out rows as they are.
        shuffled: Predictions of the same rows with one feature shuffled, or several together, by
            these features.
        metric: The metric whose loss is measured.
        level: Level of the intervals, paired over rows.
    """
    base, *others = replicate([plain, *shuffled.values()], _RESAMPLES, [metric])
    more_is_better = METRICS[plain.task][metric].greater_is_better
    worth = []
    for names, other in zip(shuffled, others, strict=True):
        first, second = (base, other) if more_is_better else (other, base)
        drop = first.difference(second, metric, level)
        together = names if len(names) > 1 else ()
        worth.append(Importance(" + ".join(names), drop, together))
    return sorted(worth, key=lambda each: -each.drop.value)
