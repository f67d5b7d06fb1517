"""How often a comparison says 'better' of runs that are not, and how often of one that is.

Models are fixed and rows are drawn again and again: first all runs are equally good, one beside the
first and ten beside it, as different as noise of their own makes them or nearly alike; then one of
ten is better. Beside the intervals as `assay compare` makes them, Bonferroni's and uncorrected
ones. Then McNemar's test of equals; the corrected resampled t-test and the plain one, of two
learners that are equally good on fresh data; and whether as many rows as are asked for do tell.

Shares of n repetitions are uncertain by 3 sqrt(0.05 * 0.95 / n), which the bars allow for.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import Replicates, replicate
from assay.evaluation.mcnemar import decisions
from assay.evaluation.needed import rows_needed
from assay.evaluation.outcome import Outcome
from assay.evaluation.resampled import over_fits
from assay.evaluation.simultaneous import level_of_each
from bars import LEVEL, bar, noise

REPETITIONS, QUICK = 1000, 20
RESAMPLES = 1000
OTHERS = 10
FOLDS, SEEDS = 5, 3
NOISE = 0.6
"""Standard deviation of what a model adds to the best prediction."""


@dataclass(frozen=True)
class Law:
    """Where rows and models come from.

    Attributes:
        metric: What the models are compared by.
        n: Rows of a sample.
        alike: Share of the variance of their noise that all models have in common.
        better: How much less noise the one has that is better.
    """

    metric: str
    n: int
    alike: float
    better: float = 0.5

    @property
    def name(self) -> str:
        return f"{self.metric}, n={self.n}, {self.alike:.0%} in common"

    @property
    def task(self) -> Task:
        return Task.REGRESSION if self.metric == "mae" else Task.BINARY


LAWS = [
    Law(metric, n, alike)
    for metric in ("log_loss", "roc_auc", "accuracy", "mae")
    for n in (100, 400, 2000)
    for alike in (0.0, 0.8)
]


def drawn(random: np.random.Generator, law: Law, noises: list[float]) -> list[Outcome]:
    """Models of the same rows, each with its own noise, of this standard deviation."""
    best = random.normal(size=law.n)
    shared = random.normal(size=law.n)
    own = [random.normal(size=law.n) for _ in noises]
    said = [
        best + noise * (law.alike**0.5 * shared + (1 - law.alike) ** 0.5 * each)
        for noise, each in zip(noises, own, strict=True)
    ]
    rows = np.arange(law.n)
    if law.task is Task.REGRESSION:
        truth = best + random.normal(size=law.n)
        return [Outcome(law.task, rows, truth, values=each) for each in said]
    truth = (random.random(law.n) < _logistic(1.5 * best)).astype(np.int64)
    positive = [_logistic(1.5 * each) for each in said]
    return [
        Outcome(law.task, rows, truth, ("no", "yes"), np.column_stack([1 - each, each]),
                (each >= 0.5).astype(np.int64))
        for each in positive
    ]  # fmt: skip


def is_better(replicates: list[Replicates], law: Law, level: float) -> list[str | None]:
    """Which of the others is told from the first, and in whose favour."""
    first, *others = replicates
    asked = {"task": law.task, "metric": law.metric, "level": level, "names": ("a", "b")}
    return [paired(first, other, **asked).better for other in others]


def together(replicates: list[Replicates], law: Law) -> float:
    """The level of each interval, as `assay compare` has it."""
    first, *others = replicates
    apart = [each.resampled[law.metric] - first.resampled[law.metric] for each in others]
    return level_of_each(apart, LEVEL) if all(len(each) for each in apart) else LEVEL


def measured(law: Law, repetitions: int) -> dict[str, float]:
    """Shares of the repetitions."""
    bonferroni = 1 - (1 - LEVEL) / OTHERS
    counts = dict.fromkeys(
        (
            "one, equal", "one, said to be better", "ten, equal", "ten, said to be better",
            "ten, equal, Bonferroni", "ten, equal, uncorrected", "better found",
            "better found, Bonferroni", "McNemar, equal",
        ), 0,
    )  # fmt: skip
    levels = 0.0
    for seed in range(repetitions):
        random = np.random.default_rng([seed, law.n])
        equal = drawn(random, law, [NOISE] * (OTHERS + 1))
        found = replicate(equal, RESAMPLES, [law.metric])
        level = together(found, law)
        levels += level / repetitions
        one, ten = is_better(found[:2], law, LEVEL), is_better(found, law, level)
        counts["one, equal"] += any(one)
        counts["one, said to be better"] += "second" in one
        counts["ten, equal"] += any(ten)
        counts["ten, said to be better"] += "second" in ten
        counts["ten, equal, Bonferroni"] += any(is_better(found, law, bonferroni))
        counts["ten, equal, uncorrected"] += any(is_better(found, law, LEVEL))
        if law.task is Task.BINARY:
            [decided] = decisions(equal[:2])
            counts["McNemar, equal"] += decided is not None and decided.p_value < 1 - LEVEL
        mixed = drawn(random, law, [NOISE] * OTHERS + [NOISE * (1 - law.better)])
        found = replicate(mixed, RESAMPLES, [law.metric])
        counts["better found"] += is_better(found, law, together(found, law))[-1] == "second"
        least = is_better(found, law, bonferroni)[-1]
        counts["better found, Bonferroni"] += least == "second"
    return {name: count / repetitions for name, count in counts.items()} | {"level": levels}


def refitted(repetitions: int) -> dict[str, float]:
    """How often learners that are equally good on fresh data are said to differ, over folds."""
    counts = {"corrected": 0, "plain": 0}
    for seed in range(repetitions):
        random = np.random.default_rng([seed, 7])
        features = random.normal(size=(120, 12))
        target = features.sum(axis=1) / 3 + random.normal(size=120)
        # Both see half of the features, which are worth the same: neither learner is better.
        halves = features[:, :6], features[:, 6:]
        scores = [[[], []] for _ in range(SEEDS)]
        for repetition in range(SEEDS):
            folds = random.permutation(120) % FOLDS
            for fold in range(FOLDS):
                for which, half in enumerate(halves):
                    scores[repetition][which].append(_error(half, target, folds == fold))
        first, second = ([each[which] for each in scores] for which in (0, 1))
        found = over_fits(first, second, n=120, level=LEVEL)
        counts["corrected"] += found.estimate.excludes_zero
        apart = (np.array(second) - np.array(first)).ravel()
        plain = abs(apart.mean()) / (apart.std(ddof=1) / len(apart) ** 0.5)
        counts["plain"] += bool(plain > 2.145)  # of t with 14 degrees of freedom
    shares = {name: count / repetitions for name, count in counts.items()}
    return {**shares, "repetitions": repetitions}


def told(repetitions: int) -> dict[str, float]:
    """How often as many rows as are asked for tell, where the difference is what it seems."""
    noises, few = [NOISE, NOISE * 0.7], 300
    many = Law("log_loss", 400_000, 0.0)
    first, second = (_losses(each) for each in drawn(np.random.default_rng(1), many, noises))
    apart = second - first
    error = 1.96 * apart.std() / few**0.5
    seen = Estimate(apart.mean(), apart.mean() - error, apart.mean() + error, n=few)
    needed = rows_needed(seen)
    assert needed is not None
    assert needed.more is not None
    law = replace(many, n=few + needed.more)
    hits = 0
    for seed in range(repetitions):
        found = replicate(drawn(np.random.default_rng([seed, 3]), law, noises), 400, ["log_loss"])
        hits += is_better(found, law, LEVEL) == ["second"]
    return {
        "more": needed.more,
        "told": hits / repetitions,
        "wanted": needed.power,
        "repetitions": repetitions,
    }


def _losses(outcome: Outcome) -> np.ndarray:
    chosen = outcome.known_probabilities[np.arange(len(outcome)), outcome.truth]
    return -np.log(chosen)


def _error(features: np.ndarray, target: np.ndarray, held_out: np.ndarray) -> float:
    weights, *_ = np.linalg.lstsq(features[~held_out], target[~held_out], rcond=None)
    return float(np.abs(features[held_out] @ weights - target[held_out]).mean())


def _logistic(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-score))


def bars(found: dict[str, dict], again: dict[str, float], enough: dict, repetitions: int) -> None:
    """A line per target: the worst of the laws."""
    most = 0.05 + noise(repetitions)
    for name in ("one, equal", "ten, equal", "McNemar, equal"):
        value, law = max((each[name], law) for law, each in found.items())
        bar(f"said to differ, {name} ({law})", value, f"<= {most:.3f}", value <= most)
    for name in ("one", "ten"):
        value, law = max((each[f"{name}, said to be better"], law) for law, each in found.items())
        text = f"false 'better', {name} beside the first ({law})"
        bar(text, value, f"<= {most:.3f}", value <= most)
    ours, theirs = (
        float(np.mean([each[name] for each in found.values()]))
        for name in ("better found", "better found, Bonferroni")
    )
    bar("power beside Bonferroni's, mean of laws", ours / theirs, ">= 1.000", ours >= theirs)
    corrected, most = again["corrected"], 0.05 + noise(int(again["repetitions"]))
    bar("corrected t over folds and seeds", corrected, f"<= {most:.3f}", corrected <= most)
    share, wide = enough["told"], 3 * (0.8 * 0.2 / enough["repetitions"]) ** 0.5
    least, largest = 0.8 - wide, 0.8 + wide
    wanted = f"{least:.3f} to {largest:.3f}"
    bar("as many rows as needed tell", share, wanted, least <= share <= largest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions, n < 500")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    repetitions = QUICK if arguments.quick else arguments.repetitions
    laws = [law for law in LAWS if law.n < 500 or not arguments.quick]
    with ProcessPoolExecutor(arguments.workers) as pool:
        work: Callable[[Law], dict[str, float]] = partial(measured, repetitions=repetitions)
        found = {law.name: each for law, each in zip(laws, pool.map(work, laws), strict=True)}
    again, enough = refitted(max(200, repetitions)), told(max(100, repetitions // 4))
    document = {"laws": found, "refitted": again, "rows_needed": enough}
    if arguments.json:
        print(json.dumps({"repetitions": repetitions, "resamples": RESAMPLES, **document}))
        return
    for name, each in found.items():
        print(name)
        print("    " + ", ".join(f"{what} {value:.3f}" for what, value in each.items()))
    print(f"over folds and seeds: {again}")
    print(f"rows needed: {enough}")
    bars(found, again, enough, repetitions)


if __name__ == "__main__":
    main()
