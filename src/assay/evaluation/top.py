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
    `top_k_accuracy_score`. Classes that the model does not know are not among those it could hold
    probable: their rows are never hit, and they come before no other.

    Returns:
        'top 2' and 'top 5'; nothing where there are two classes, or none.
    """
    if outcome.task is not Task.MULTICLASS:
        return {}
    probabilities, truth, known = outcome.known_probabilities, outcome.truth, outcome.n_known
    own = probabilities[np.arange(len(truth)), truth]
    before = np.zeros(len(truth), dtype=np.int64)
    for code in range(known):  # all at once would be three more such tables
        other = probabilities[:, code]
        before += (other > own) | ((other == own) & (code > truth))
    return {f"top {k}": ((before < k) & (truth < known)).astype(np.float64) for k in TOP}
