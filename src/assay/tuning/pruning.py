"""Pruning: whether a trial has fallen so far behind that it is not worth finishing.

By epoch, where a trial is one fit: if its best loss is worse than the median loss of the complete
trials at the same epoch (Golovin et al., Vizier, KDD 2017; as Optuna's median pruner). By fold,
where it is several: once it is so far behind the best trial, on the folds that both have done, that
the folds to come would have to differ by more than they do by chance. Within a fold nothing is
ended: the loss on the few rows that the fit stops on says too little (`benchmarks/pruning.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from assay.predictions import Floats
from assay.tuning.objective import FOLD_STEP

STARTUP_TRIALS = 5
"""Complete trials before any is ended."""
WARMUP_STEPS = 3
"""Rounds or epochs in which none is ended."""
REACH = 1.0
"""Standard errors that the folds to come may make up for."""

Heard = Mapping[int, float]
"""What was heard of a trial, by step; lower is better."""


def falls_behind(heard: Heard, complete: Sequence[Heard]) -> bool:
    """Whether a trial is to be ended.

    Args:
        heard: The trial: losses by round or epoch, then means over the folds so far.
        complete: The same of those that came to their end.
    """
    if len(complete) < STARTUP_TRIALS or not heard:
        return False
    step = max(heard)
    if step >= FOLD_STEP:
        return _cannot_catch_up(_by_fold(heard), [_by_fold(each) for each in complete])
    is_one_fit = all(max(each, default=0) == FOLD_STEP for each in complete)
    return is_one_fit and step > WARMUP_STEPS and _is_worse_than_median(heard, step, complete)


def _is_worse_than_median(heard: Heard, step: int, complete: Sequence[Heard]) -> bool:
    others = [each[step] for each in complete if step in each]
    return bool(others) and min(heard.values()) > float(np.median(others))


def _by_fold(heard: Heard) -> Floats:
    """The score of each fold, of the means over the folds up to it, shape (k,).

    >>> _by_fold({3: 9.0, FOLD_STEP: 1.0, FOLD_STEP + 1: 1.5}).tolist()
    [1.0, 2.0]
    """
    means = [heard[step] for step in sorted(heard) if step >= FOLD_STEP]
    return np.diff(np.cumsum(np.ones(len(means))) * np.array(means, dtype=np.float64), prepend=0)


def _cannot_catch_up(own: Floats, complete: Sequence[Floats]) -> bool:
    """Whether the folds to come would have to differ from those before by more than by chance.

    What the mean over n of k folds is off the mean over all has the standard error
    s sqrt((k - n) / (n k)); s is how much the distance of two trials differs between folds.
    """
    n_folds = max(map(len, complete))
    others = np.array([each for each in complete if len(each) == n_folds])
    best = others[np.argmin(others.mean(axis=1))]
    distances = others - best
    apart = distances - distances.mean(axis=1, keepdims=True)
    n, freedom = len(own), (len(others) - 1) * (n_folds - 1)
    if n >= n_folds or freedom == 0:
        return False
    spread = np.sqrt((apart**2).sum() / freedom)
    off = spread * np.sqrt((n_folds - n) / (n * n_folds))
    return bool((own - best[:n]).mean() > REACH * off)
