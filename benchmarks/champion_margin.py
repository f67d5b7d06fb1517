"""How far below zero the worse end is when the same is fitted again on a tenth more rows.

As a share of what the model is better than a constant by: so large the margin of the gate
`champion: not-worse` must be, if such a version is to be promoted (docs/registry.md).

    python benchmarks/champion_margin.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from assay.data.schema import Task
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import Replicates, replicate
from assay.evaluation.outcome import Outcome, most_probable

SIZES = ((800, 200), (2_000, 500), (4_000, 1_000), (12_000, 3_000))
REPETITIONS = 5
METRICS = ("roc_auc", "log_loss", "accuracy")


def main() -> None:
    """Print the median share by learner, rows and metric."""
    boosting = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=0
    )
    for learner in (LogisticRegression(), boosting):
        for n_train, n_test in SIZES:
            shares = [_shares(learner, n_train, n_test, seed) for seed in range(REPETITIONS)]
            medians = zip(METRICS, np.median(shares, axis=0), strict=True)
            told = ", ".join(f"{name} {share:.3f}" for name, share in medians)
            print(f"{type(learner).__name__}, {n_train} and {n_test} rows: {told}", flush=True)


def _shares(learner: Any, n_train: int, n_test: int, seed: int) -> list[float]:
    """The worse end of the difference by the gain over a constant, of each metric."""
    more = n_train + n_train // 10
    x, y = _rows(more + n_test, seed)
    tested = slice(more, None)
    share = np.full(n_test, y[:n_train].mean())
    constant = _outcome(np.column_stack([1 - share, share]), y[tested])
    before, after = (
        _outcome(learner.fit(x[:n], y[:n]).predict_proba(x[tested]), y[tested])
        for n in (n_train, more)
    )
    return [_share(replicate([constant, before, after], 500, [name]), name) for name in METRICS]


def _share(known: list[Replicates], metric: str) -> float:
    constant, before, after = known
    found = paired(
        before, after, task=Task.BINARY, metric=metric, level=0.95, names=("before", "after")
    ).estimate
    if found.low is None or found.high is None:
        return 0.0
    worse = -found.high if metric == "log_loss" else found.low
    return -worse / abs(before.values[metric] - constant.values[metric])


def _rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 8))
    score = x[:, 0] + 0.5 * x[:, 1] + 0.5 * x[:, 2] * x[:, 3] + random.normal(size=n)
    return x, (score > 0.5).astype(int)


def _outcome(probabilities: np.ndarray, truth: np.ndarray) -> Outcome:
    return Outcome(
        Task.BINARY,
        np.arange(len(truth)),
        truth,
        classes=(0, 1),
        probabilities=probabilities,
        decided=most_probable(Task.BINARY, probabilities),
    )


if __name__ == "__main__":
    main()
