"""Top: whether the true class is among the few that a model holds most probable."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from assay.data.schema import Task
from assay.evaluation.outcome import Outcome
from assay.predictions import Floats

TOP = (2, 5)
"""How many classes are looked at."""


def hits(outcome: Outcome) -> Mapping[str, Floats]:
    """1 for a row whose true class is among the most probable ones, else 0, shape (n,) each.

    Of equally probable classes the later ones come first, as in scikit-learn's
    `top_k_accuracy_score`. A class that no row was given any probability of is one that the model
    does not know: its rows are never hit.

    Returns:
        'top 2' and 'top 5'; nothing where there are two classes, or none.
    """
    if outcome.task is not Task.MULTICLASS:
        return {}
    probabilities, truth = outcome.known_probabilities, outcome.truth
    own = probabilities[np.arange(len(truth)), truth]
    before = np.zeros(len(truth), dtype=np.int64)
    for code, other in enumerate(probabilities.T):  # all at once would be three more such tables
        before += (other > own) | ((other == own) & (code > truth))
    is_known = (probabilities.max(axis=0) > 0)[truth]
    return {f"top {k}": ((before < k) & is_known).astype(np.float64) for k in TOP}
