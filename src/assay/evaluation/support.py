"""Support: what an interval needs of the rows, by what its metric uses (docs/why.md, simulated)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome, most_probable

FEWEST_ROWS = 20
"""Rows, and rows of the rarest class where each class tells or is drawn by itself, below which no
interval is honest."""

FEWEST_CLUSTERS = 30
"""Clusters, and clusters that hold the rarest class, below which none is."""

FEWEST_IN_TIME = 120
"""Rows in the order of time below which blocks are so short that related rows are torn apart."""

FEWEST_WRONG = 5
"""Rows decided wrong below which a mean of losses says little of what the next wrong one costs."""

FEWEST_ERRORS = 100
"""Errors below which the largest to be expected are often not among them."""

FEWEST_MISRANKED = 0.25
"""Rows' worth of wrong order in the rarest class below which an interval of ROC-AUC lies too high:
what is ranked far wrong, once in many rows, has not been seen yet."""

HEAVIEST_TAIL = 2.75
"""Tail index of errors below which a mean of their squares has no variance that rows could tell."""

Need = Callable[[Outcome, float], str | None]
"""Why an outcome cannot have an interval of a metric that has this value; None when it can."""


def enough(outcome: Outcome) -> str | None:
    """Why no metric can be resampled; None when some can."""
    if len(outcome) < FEWEST_ROWS:
        are = "is" if len(outcome) == 1 else "are"
        return f"{_counted(len(outcome), 'row')} {are} too few for one"
    if outcome.clusters is not None:
        n_clusters = len(np.unique(outcome.clusters))
        if n_clusters < FEWEST_CLUSTERS:
            return f"only {_counted(n_clusters, cluster_noun(outcome))}"
    return None


def enough_for_design(outcome: Outcome) -> str | None:
    """Why no metric of all rows can be resampled as they came about; None when some can."""
    if outcome.design is Design.TIME and len(outcome) < FEWEST_IN_TIME:
        return f"{len(outcome)} rows one after the other in time are too few for one"
    if outcome.design is not Design.CLASSES:
        return None
    # Of a class that training did not have nobody asked for so many rows.
    counts = np.bincount(outcome.truth, minlength=len(outcome.classes))[: outcome.n_known]
    rarest = min(np.flatnonzero(counts), key=lambda code: counts[code], default=None)
    if rarest is None or counts[rarest] >= FEWEST_ROWS:
        return None
    return f"class {outcome.classes[rarest]} has only {_counted(counts[rarest], 'row')}"


def every_class(outcome: Outcome, value: float) -> str | None:  # noqa: ARG001
    """Rows of each class; many rows in few clusters are known no better than those are."""
    k = len(outcome.classes)
    counts = np.bincount(outcome.truth, minlength=k)
    rarest = int(np.argmin(counts))
    if counts[rarest] < FEWEST_ROWS:
        return f"class {outcome.classes[rarest]} has only {_counted(counts[rarest], 'row')}"
    if outcome.clusters is None:
        return None
    met = np.unique(np.unique(outcome.clusters, return_inverse=True)[1] * k + outcome.truth)
    groups = np.bincount(met % k, minlength=k)
    rarest = int(np.argmin(groups))
    if groups[rarest] < FEWEST_CLUSTERS:
        few = _counted(groups[rarest], cluster_noun(outcome))
        return f"class {outcome.classes[rarest]} is in only {few}"
    return None


def every_label(outcome: Outcome, value: float) -> str | None:  # noqa: ARG001
    """Rows that have and rows that lack each label; and clusters of both, likewise."""
    for verb, held in (("with", outcome.truth == 1), ("without", outcome.truth == 0)):
        n = held.sum(axis=0)
        rarest = int(np.argmin(n))
        if n[rarest] < FEWEST_ROWS:
            return f"only {_counted(n[rarest], 'row')} {verb} label {outcome.classes[rarest]}"
        if outcome.clusters is None:
            continue
        n = np.array([len(np.unique(outcome.clusters[each])) for each in held.T])
        rarest = int(np.argmin(n))
        if n[rarest] < FEWEST_CLUSTERS:
            few = _counted(n[rarest], cluster_noun(outcome))
            return f"only {few} {verb} label {outcome.classes[rarest]}"
    return None


def misranked(outcome: Outcome, value: float) -> str | None:
    """Rows in the wrong order: the next row of a rare class that has none may well be."""
    rarest = rarer_of(outcome)
    few = rarest * (1 - value) < FEWEST_MISRANKED
    return "too few rows are ranked wrong to tell how many would be" if few else None


def wrong(outcome: Outcome, value: float) -> str | None:  # noqa: ARG001
    """Rows whose most probable class is not the true one."""
    n = n_wrong(outcome)
    return f"only {_counted(n, 'row')} would be decided wrong" if n < FEWEST_WRONG else None


def seen_large(outcome: Outcome, value: float) -> str | None:  # noqa: ARG001
    """Rows that show how large errors get."""
    few = len(outcome) < FEWEST_ERRORS
    return f"{len(outcome)} rows do not show how large errors get" if few else None


def light_tail(outcome: Outcome, value: float) -> str | None:  # noqa: ARG001
    """Largest errors that fall off fast enough (Hill 1975)."""
    errors = np.sort(np.abs(outcome.truth - outcome.known_values))[::-1]
    many = max(4, int(min(len(errors) / 10, 3 * len(errors) ** 0.5)))
    if errors[many] == 0:
        return "most errors are nothing, so that a few rows make it up"
    heaviness = np.log(errors[:many] / errors[many]).mean()
    heavy = heaviness * HEAVIEST_TAIL > 1
    return (
        "the largest errors make most of it, and larger ones are to be expected" if heavy else None
    )


def rarer_of(outcome: Outcome) -> int:
    """Rows of the rarest class; of labels, rows that have the rarest or lack the commonest."""
    counts = outcome.class_counts
    return int(
        min(counts.min(), len(outcome) - counts.max()) if outcome.has_labels else counts.min()
    )


def n_wrong(outcome: Outcome) -> int:
    """Rows whose most probable class is not the true one, or of whose labels any is not."""
    if outcome.has_labels:
        said = most_probable(outcome.task, outcome.known_probabilities)
        return int((said != outcome.truth).any(axis=1).sum())
    return int((outcome.known_probabilities.argmax(axis=1) != outcome.truth).sum())


def cluster_noun(outcome: Outcome) -> str:
    """What a cluster is called."""
    return "time block" if outcome.design is Design.TIME else "group"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun if n == 1 else noun + 's'}"
