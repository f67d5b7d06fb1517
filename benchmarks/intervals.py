"""What intervals cost: seven statistics of one model on the same resamples, beside the usual ways.

Accuracy, macro F1, ROC-AUC, PR-AUC, log loss, Brier and the binned calibration error, a thousand
resamples each, in a process of its own by number of rows. Beside them `scipy.stats.bootstrap` and
`confidenceinterval` with scikit-learn's metrics and torchmetrics' `BootStrapper`, each where it is
installed and for those of the statistics that it can do, on few resamples, scaled up; then three
models, weighted rows and rows in clusters.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
from scipy.stats import bootstrap
from sklearn import metrics as sk
from threadpoolctl import threadpool_limits

from assay.data.schema import Task
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS, Metric
from assay.evaluation.outcome import Outcome
from assay.evaluation.weighted import Scored, Weighted
from assay.predictions import Floats
from bars import bar

RESAMPLES, FEW = 1000, 20
WANTED_S = {10_000: 0.1, 100_000: 0.8, 1_000_000: 10.0}
"""CPU seconds of all seven, by number of rows."""
WANTED_TIMES, BESIDE, WANTED_MIB, WANTED_GROWTH = 50, 100_000, 1024, 1.2
NAMES = ("accuracy", "f1_macro", "roc_auc", "pr_auc", "log_loss", "brier", "calibration")
BINS = 15
MODELS = {"boosting": 4, "prior": 0, "linear": 12}
"""Models by the decimals of their scores: few make ties, none at all makes one."""


def calibration(of: Weighted) -> Floats:
    """Weighted mean of the squared gap between frequency and probability in bins of equal count."""
    squared = np.zeros(len(of.weights))
    for rows, read in binned(of.scored):
        gaps, weights = read @ of.weights.T.take(rows, axis=0).astype(np.float64)
        squared += gaps**2 / np.maximum(1, weights)
    return squared / of.total


@cache
def binned(scored: Scored) -> list[tuple[np.ndarray, Floats]]:
    """The rows of each bin; their gaps above ones, (2, rows)."""
    positive = scored.outcome.known_probabilities[:, 1]
    bins = np.array_split(np.argsort(positive, kind="stable"), BINS)
    gaps = positive - scored.outcome.truth
    return [(rows, np.stack([gaps[rows], np.ones(len(rows))])) for rows in bins]


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


Judge = Callable[[np.ndarray, Floats, np.ndarray], float]
"""A statistic of truth, probabilities of the positive class, decisions."""

JUDGES: Mapping[str, Judge] = {
    "accuracy": lambda y, _, d: sk.accuracy_score(y, d),
    "f1_macro": lambda y, _, d: sk.f1_score(y, d, average="macro"),
    "roc_auc": lambda y, p, _: sk.roc_auc_score(y, p),
    "pr_auc": lambda y, p, _: sk.average_precision_score(y, p),
    "log_loss": lambda y, p, _: sk.log_loss(y, p),
    "brier": lambda y, p, _: sk.brier_score_loss(y, p),
    "calibration": lambda y, p, _: _calibration(y, p),
}


def _calibration(y: np.ndarray, p: Floats) -> float:
    bins = np.array_split(np.argsort(p, kind="stable"), BINS)
    return sum((p - y)[rows].sum() ** 2 / len(rows) for rows in bins) / len(y)


def by_scipy(outcome: Outcome, resamples: int) -> None:
    """All seven, by SciPy's percentile bootstrap."""
    for judge in JUDGES.values():
        bootstrap(
            (outcome.truth, outcome.known_probabilities[:, 1], outcome.decided),
            judge,
            paired=True,
            vectorized=False,
            n_resamples=resamples,
            method="percentile",
            rng=np.random.default_rng(0),
        )


def by_confidenceinterval(outcome: Outcome, resamples: int) -> None:
    """The six that a metric of scikit-learn is, each given to its bootstrap."""
    from confidenceinterval.bootstrap import bootstrap_ci

    p, d = outcome.known_probabilities[:, 1], outcome.decided
    said = {"accuracy": d, "f1_macro": d, "roc_auc": p, "pr_auc": p, "log_loss": p, "brier": p}
    for name, predicted in said.items():
        bootstrap_ci(
            y_true=outcome.truth,
            y_pred=predicted,
            metric=lambda y, s, judge=JUDGES[name]: judge(y, s, s),
            n_resamples=resamples,
            method="bootstrap_percentile",
            random_state=np.random.RandomState(0),
        )


def by_torchmetrics(outcome: Outcome, resamples: int) -> None:
    """The five that it has for binary tasks: no Brier, no log loss; its F1 is of the positive
    class, and the bins of its calibration error are of equal width."""
    import torch
    from torchmetrics import classification as tm
    from torchmetrics.wrappers import BootStrapper

    torch.set_num_threads(1)
    torch.manual_seed(0)
    known = torch.tensor(outcome.known_probabilities[:, 1]), torch.tensor(outcome.truth)
    for metric in (
        tm.BinaryAccuracy(), tm.BinaryF1Score(), tm.BinaryAUROC(), tm.BinaryAveragePrecision(),
        tm.BinaryCalibrationError(n_bins=BINS),
    ):  # fmt: skip
        resampled = BootStrapper(metric, num_bootstraps=resamples, sampling_strategy="multinomial")
        resampled.update(*known)
        resampled.compute()


RIVALS = {
    "scipy": ("scipy", by_scipy),
    "confidenceinterval": ("confidenceinterval", by_confidenceinterval),
    "torchmetrics": ("torchmetrics", by_torchmetrics),
}


def cpu_s(work: Callable[..., object], *given: object, resamples: int = RESAMPLES) -> float:
    """CPU seconds of all threads, scaled to all resamples where only some were drawn."""
    started = time.process_time()
    with threadpool_limits(1):
        work(*given)
    return (time.process_time() - started) * RESAMPLES / resamples


def alone(n: int) -> dict[str, float]:
    """CPU seconds and peak memory of ours in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--rows", str(n)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def this_process(n: int) -> dict[str, float]:
    outcome = outcomes(n)[-1:]
    replicate(outcomes(1000)[-1:], RESAMPLES, NAMES)
    seconds = min(cpu_s(replicate, outcome, RESAMPLES, NAMES) for _ in range(3 if n < 1e6 else 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_s": seconds, "peak_mib": peak}


def measure(sizes: list[int]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for n in sizes:
        own = alone(n)
        found[f"{n:,} rows"] = {"assay": own["cpu_s"], "peak MiB": own["peak_mib"]}
        if n > BESIDE:
            continue
        outcome = outcomes(n)[-1]
        for name, (package, work) in RIVALS.items():
            if find_spec(package) is None:
                print(f"{name} is not installed and left out", file=sys.stderr)
                continue
            few = FEW if n < BESIDE else FEW // 4
            try:
                work(outcomes(100)[-1], 2)
                found[f"{n:,} rows"][name] = cpu_s(work, outcome, few, resamples=few)
            except ImportError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
    n = min(BESIDE, max(sizes))
    random = np.random.default_rng(1)
    weights, clusters = random.gamma(2, 1, n), random.integers(0, n // 10, n)
    for name, models in {
        "three models, ten metrics": outcomes(n),
        "three models, ten metrics, weights": outcomes(n, weights=weights),
        "three models, ten metrics, clusters": outcomes(n, clusters=clusters),
    }.items():
        every = [each for each in METRICS[Task.BINARY] if each != "calibration"]
        found[f"{n:,} rows"][name] = cpu_s(replicate, models, RESAMPLES, every)
    return found


def bars(found: dict[str, dict[str, float]], sizes: list[int]) -> None:
    for n in sizes:
        each = found[f"{n:,} rows"]
        if n in WANTED_S:
            wanted = WANTED_S[n]
            bar(
                f"CPU s of seven, {n:,} rows",
                each["assay"],
                f"<= {wanted}",
                each["assay"] <= wanted,
            )
        rivals = {name: each[name] for name in RIVALS if name in each}
        if n == BESIDE and rivals:
            fastest = min(rivals, key=lambda name: rivals[name])
            times = rivals[fastest] / each["assay"]
            bar(f"times less than {fastest}, {n:,} rows", times, f">= {WANTED_TIMES}",
                times >= WANTED_TIMES)  # fmt: skip
    peak = found[f"{max(sizes):,} rows"]["peak MiB"]
    bar("peak MiB", peak, f"<= {WANTED_MIB}", peak <= WANTED_MIB)
    for fewer, more in pairwise(sizes):
        grown = found[f"{more:,} rows"]["assay"] / found[f"{fewer:,} rows"]["assay"]
        grown /= more * math.log(more) / (fewer * math.log(fewer))
        bar(f"growth over n log n, {fewer:,} to {more:,}", grown, f"<= {WANTED_GROWTH}",
            grown <= WANTED_GROWTH)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"at most {BESIDE:,} rows")
    parser.add_argument("--rows", type=int, help="ours alone, in this process")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    # Not one of the product's metrics: the squared gap is not debiased.
    METRICS[Task.BINARY]["calibration"] = Metric(  # type: ignore[index]
        "calibration", calibration, greater_is_better=False
    )
    if arguments.rows:
        print(json.dumps(this_process(arguments.rows)))
        return
    sizes = [n for n in WANTED_S if n <= BESIDE or not arguments.quick]
    found = measure(sizes)
    if arguments.json:
        print(json.dumps({"resamples": RESAMPLES, "statistics": NAMES, **found}))
        return
    for rows, each in found.items():
        print(rows)
        for name, value in each.items():
            print(f"    {name}: {value:.3f}")
    bars(found, sizes)


if __name__ == "__main__":
    main()
