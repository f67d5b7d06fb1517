"""How often 95 % intervals hold the true value: metrics of simulated rows whose law is known.

Each law is drawn again and again; an interval that is not given, with its reason, is no miss.
Beside the intervals: how often two models of the same worth, and two samples of the same law, are
said to differ. Coverage of n repetitions is itself uncertain by 1.96 sqrt(0.05 * 0.95 / n), which
the bars allow for.
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
from assay.evaluation.comparison import independent, paired
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from bars import LEVEL, bar, noise

REPETITIONS, QUICK = 2000, 60
RESAMPLES = 1000
MANY = 1_000_000
"""Rows that tell the true values."""
SPREADS = {"normal": 1.0, "laplace": 2**0.5, "t3": 3**0.5}
"""Standard deviations of the errors."""
LEAST_GIVEN = 0.1
"""Share of the repetitions with an interval below which coverage is not judged."""


@dataclass(frozen=True)
class Law:
    """Where rows come from.

    Attributes:
        name: What to call it.
        n: Rows of a sample.
        draw: Draws so many rows.
    """

    name: str
    n: int
    draw: Callable[[np.random.Generator, int], Outcome]


def binary(
    random: np.random.Generator, n: int, share: float, apart: float, size: int = 0
) -> Outcome:
    """Calibrated scores of two normal classes; of rows in clusters of a size, with their shifts."""
    clusters = np.arange(n) // size if size else None
    truth = (random.random(n) < share).astype(np.int64)
    score = random.normal(size=n) + apart * truth
    if clusters is not None:
        shift = random.normal(size=clusters.max() + 1)
        score += 0.7 * shift[clusters]
    odds = share / (1 - share) * np.exp(apart * score - apart**2 / 2)
    positive = odds / (1 + odds)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - positive, positive]),
        (positive >= min(0.5, 3 * share)).astype(np.int64), clusters=clusters,
    )  # fmt: skip


def multiclass(random: np.random.Generator, n: int, apart: float) -> Outcome:
    shares = np.array([0.5, 0.3, 0.2])
    truth = random.choice(3, n, p=shares)
    logits = apart * (random.normal(size=(n, 3)) + apart * np.eye(3)[truth]) + np.log(shares)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    decided = probabilities.argmax(axis=1)
    return Outcome(Task.MULTICLASS, np.arange(n), truth, ("a", "b", "c"), probabilities, decided)


def regression(random: np.random.Generator, n: int, error: str) -> Outcome:
    errors = random.standard_t(3, n) if error == "t3" else getattr(random, error)(size=n)
    values = random.normal(size=n) * SPREADS[error]
    return Outcome(Task.REGRESSION, np.arange(n), values + errors, values=values)


LAWS = [
    Law(f"binary, {share:.0%} positive, {model}, n={n}", n, partial(binary, share=share, apart=d))
    for share in (0.5, 0.05)
    for model, d in {"weak": 0.7, "good": 2.5}.items()
    for n in (50, 200, 500, 2000)
] + [
    Law("binary, 50 % positive, 60 clusters, n=480", 480,
        partial(binary, share=0.5, apart=1.5, size=8)),
    *(Law(f"three classes, {model}, n={n}", n, partial(multiclass, apart=d))
      for model, d in {"weak": 0.8, "good": 2.0}.items() for n in (50, 120, 2000)),
    *(Law(f"regression, {error} errors, n={n}", n, partial(regression, error=error))
      for error in ("normal", "laplace", "t3") for n in (25, 100, 2000)),
]  # fmt: skip


def measured(law: Law, repetitions: int) -> dict[str, dict[str, float]]:
    """Of each metric: its true value, the share of repetitions with an interval, its coverage."""
    sample = law.draw(np.random.default_rng(MANY), MANY)
    metrics = METRICS[sample.task]
    true = {name: metric.of(replace(sample, clusters=None)) for name, metric in metrics.items()}
    given, hits = dict.fromkeys(metrics, 0), dict.fromkeys(metrics, 0)
    for seed in range(repetitions):
        [found] = replicate([law.draw(np.random.default_rng([seed, law.n]), law.n)], RESAMPLES)
        for name in metrics:
            estimate = found.estimate(name, LEVEL)
            if estimate.has_interval:
                given[name] += 1
                hits[name] += estimate.low <= true[name] <= estimate.high
    return {
        name: {
            "true": true[name],
            "given": given[name] / repetitions,
            "covers": hits[name] / given[name] if given[name] else float("nan"),
        }
        for name in metrics
    }


def alarms(law: Law, repetitions: int) -> dict[str, dict[str, float]]:
    """Of each metric: how often equals are said to differ, on the same rows and on others."""
    task = law.draw(np.random.default_rng(0), law.n).task
    false = {name: {"paired": 0.0, "independent": 0.0} for name in METRICS[task]}
    for seed in range(repetitions):
        random = np.random.default_rng([seed, law.n])
        one, other = law.draw(random, law.n), law.draw(random, law.n)
        twins = [_jittered(random, one) for _ in range(2)]
        first, second = replicate(twins, RESAMPLES)
        [elsewhere] = replicate([_jittered(random, other)], RESAMPLES)
        for name, counts in false.items():
            asked = {"task": task, "metric": name, "level": LEVEL, "names": ("a", "b")}
            counts["paired"] += paired(first, second, **asked).better is not None
            counts["independent"] += independent(first, elsewhere, **asked).better is not None
    return {
        name: {how: count / repetitions for how, count in counts.items()}
        for name, counts in false.items()
    }


def _jittered(random: np.random.Generator, outcome: Outcome) -> Outcome:
    """A model that is as good as any other so made: with noise of its own."""
    if outcome.values is not None:
        return replace(outcome, values=outcome.values + 0.5 * random.normal(size=len(outcome)))
    probabilities = outcome.known_probabilities
    noisy = probabilities * np.exp(0.5 * random.normal(size=probabilities.shape))
    noisy /= noisy.sum(axis=1, keepdims=True)
    decided = noisy.argmax(axis=1)
    if outcome.task is Task.BINARY:
        cut = 0.15 if outcome.truth.mean() < 0.25 else 0.5
        decided = (noisy[:, 1] >= cut).astype(np.int64)
    return replace(outcome, probabilities=noisy, decided=decided)


def work(law: Law, repetitions: int) -> dict[str, dict[str, dict[str, float]]]:
    """All of one law; equals are compared a quarter as often, for a law costs as much there."""
    return {"metrics": measured(law, repetitions), "alarms": alarms(law, max(20, repetitions // 4))}


def bars(found: dict[str, dict], repetitions: int) -> None:
    """A line per target: the worst of its laws and metrics, and which that is."""
    for kind in ("binary", "three classes", "regression"):
        covers = [
            (each["covers"], law, name, round(repetitions * each["given"]))
            for law, result in found.items()
            for name, each in result["metrics"].items()
            if law.startswith(kind) and each["given"] >= LEAST_GIVEN
        ]
        low, law, name, many = min(covers, key=lambda each: each[0] + noise(each[3]))
        wanted = 0.93 - noise(many)
        bar(f"least coverage, {kind} ({name}; {law})", low, f">= {wanted:.3f}", low >= wanted)
        high, law, name, many = max(covers, key=lambda each: each[0] - noise(each[3]))
        most = 0.99 if int(law.split("n=")[1]) < 100 else 0.97
        wanted = most + noise(many)
        bar(f"most coverage, {kind} ({name}; {law})", high, f"<= {wanted:.3f}", high <= wanted)
    for how in ("paired", "independent"):
        false, law, name = max(
            (each[how], law, name)
            for law, result in found.items()
            for name, each in result["alarms"].items()
        )
        wanted = 0.05 + noise(max(20, repetitions // 4))
        text = f"equals said to differ, {how} ({name}; {law})"
        bar(text, false, f"<= {wanted:.3f}", false <= wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions, n < 500")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    repetitions = QUICK if arguments.quick else arguments.repetitions
    laws = [law for law in LAWS if law.n < 480 or not arguments.quick]
    with ProcessPoolExecutor(2) as pool:
        results = list(pool.map(partial(work, repetitions=repetitions), laws))
    found = {law.name: result for law, result in zip(laws, results, strict=True)}
    if arguments.json:
        print(json.dumps({"repetitions": repetitions, "resamples": RESAMPLES, "laws": found}))
        return
    for name, result in found.items():
        print(name)
        for metric, each in result["metrics"].items():
            false = result["alarms"][metric]
            print(
                f"    {metric}: true {each['true']:.3f}, given {each['given']:.2f}, "
                f"covers {each['covers']:.3f}; equals said to differ {false['paired']:.3f} paired, "
                f"{false['independent']:.3f} independent"
            )
    bars(found, repetitions)


if __name__ == "__main__":
    main()
