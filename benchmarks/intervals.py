"""What intervals cost: ten metrics of three models on the same resamples, beside the usual ways.

At a size that others can bear, one model's intervals by assay, by `scipy.stats.bootstrap` and by a
loop over resampled rows with scikit-learn's metrics, in turn; then three models at full size.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap
from sklearn import metrics as sk
from threadpoolctl import threadpool_limits

from assay.data.schema import Task
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome

RESAMPLES, FEW = 1000, 20
SMALL, LARGE = 10_000, 800_000
MODELS = {"boosting": 4, "prior": 0, "linear": 12}
"""Models by the decimals of their scores: few make ties, none at all makes one."""
WANTED_S, WANTED_MIB, WANTED_TIMES = 30, 1024, 20


def outcomes(n: int, **belonging: np.ndarray) -> list[Outcome]:
    random = np.random.default_rng(0)
    truth = (random.random(n) < 0.2).astype(np.int64)
    signal = random.normal(size=n) + 1.5 * truth
    found = []
    for decimals in MODELS.values():
        score = (signal + random.normal(size=n) * 0.3).round(decimals) * (decimals > 0)
        positive = 1 / (1 + np.exp(1.5 - score))
        probabilities = np.column_stack([1 - positive, positive])
        decided = (positive > 0.35).astype(np.int64)
        found.append(
            Outcome(
                Task.BINARY, np.arange(n), truth, ("no", "yes"), probabilities, decided, **belonging
            )
        )  # fmt: skip
    return found


def by_loop(outcome: Outcome, resamples: int) -> None:
    """All ten metrics of resampled rows, by scikit-learn."""
    random, n = np.random.default_rng(0), len(outcome)
    for _ in range(resamples):
        rows = random.integers(0, n, n)
        y, p, d = outcome.truth[rows], outcome.probabilities[rows, 1], outcome.decided[rows]
        for metric in (sk.roc_auc_score, sk.average_precision_score, sk.log_loss):
            metric(y, p)
        sk.brier_score_loss(y, p)
        for metric in (sk.accuracy_score, sk.balanced_accuracy_score, sk.matthews_corrcoef):
            metric(y, d)
        for metric in (sk.precision_score, sk.recall_score, sk.f1_score):
            metric(y, d)


def by_scipy(outcome: Outcome, resamples: int) -> None:
    """ROC-AUC alone, by SciPy's percentile bootstrap."""
    bootstrap(
        (outcome.truth, outcome.probabilities[:, 1]),
        sk.roc_auc_score,
        paired=True,
        vectorized=False,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(0),
    )


def cpu_s(work: Callable[..., object], *given: object, resamples: int = RESAMPLES) -> float:
    """CPU seconds of all threads, scaled to all resamples where only some were drawn."""
    started = time.process_time()
    with threadpool_limits(1):
        work(*given)
    return (time.process_time() - started) * RESAMPLES / resamples


def measure(large: int) -> dict[str, float]:
    [one, *_] = outcomes(SMALL)
    random = np.random.default_rng(1)
    weights, clusters = random.gamma(2, 1, large), random.integers(0, large // 10, large)
    found = {
        "small, ten metrics, assay": cpu_s(replicate, [one], RESAMPLES),
        "small, ten metrics, loop": cpu_s(by_loop, one, FEW, resamples=FEW),
        "small, ROC-AUC, assay": cpu_s(replicate, [one], RESAMPLES, ["roc_auc"]),
        "small, ROC-AUC, scipy": cpu_s(by_scipy, one, FEW, resamples=FEW),
        "large, three models": cpu_s(replicate, outcomes(large), RESAMPLES),
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    for name, belonging in {"weights": weights, "clusters": clusters}.items():
        models = outcomes(large, **{name: belonging})
        seconds = cpu_s(replicate, models, RESAMPLES // 5, resamples=RESAMPLES // 5)
        found[f"large, three models, {name}"] = seconds
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="an eighth of the rows")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    large = LARGE // 8 if arguments.quick else LARGE
    found = measure(large)
    if arguments.json:
        print(json.dumps({"n_small": SMALL, "n_large": large, "resamples": RESAMPLES, **found}))
        return
    print(f"CPU seconds of {RESAMPLES:,} resamples; small: {SMALL:,} rows, large: {large:,}")
    for name, value in found.items():
        print(f"{name}: {value:.2f}")
    times = found["small, ten metrics, loop"] / found["small, ten metrics, assay"]
    wanted_s = WANTED_S * large / LARGE
    bar("times faster than a loop", times, f">= {WANTED_TIMES}", times >= WANTED_TIMES)
    seconds = found["large, three models"]
    bar(
        f"CPU s of {len(MODELS)} models, {len(METRICS[Task.BINARY])} metrics, {large:,} rows",
        seconds,
        f"<= {wanted_s:.2f}",
        seconds <= wanted_s,
    )
    peak = found["peak MiB"]
    bar("peak MiB", peak, f"<= {WANTED_MIB}", peak <= WANTED_MIB)


def bar(name: str, value: float, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value:.2f} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
