"""Residual patterns: how often one is told where there is none, and how often planted ones are.

Errors are drawn beside predictions that are skewed (log-normal) and follow each other (a random
walk), so that a test that mistakes one pattern for another is found out: normal errors have none;
of t with 3 degrees of freedom heavy tails may be told, of errors that grow with the prediction the
spread, and nothing else; 100 groups of rows share an effect; of errors that follow each other with
a correlation of 0.5 or 0.8 the order may be told. What is planted is a parabola that
explains 4 % of the variance, errors twice as wide at one end as at the other, tails of t with 5
degrees of freedom, and errors that follow each other with a correlation of 0.2.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.signal import lfilter

from assay.data.schema import Task
from assay.evaluation.outcome import Outcome
from assay.evaluation.residual_patterns import LEVEL, residual_patterns
from bars import bar, noise

REPETITIONS, QUICK = 2_000, 100
PATTERNS = ("bias", "spread", "tails", "order")
SIZES = (50, 200, 1_000)
GROUPS = 100
BEFORE = 100
"""Errors that are drawn and left out, so that the first one follows others too."""

Random = np.random.Generator
Law = Callable[[Random, np.ndarray], np.ndarray]


def of_ranks(predicted: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(predicted)) / len(predicted)


def following(random: Random, predicted: np.ndarray, rho: float = 0.2) -> np.ndarray:
    return lfilter([1], [1, -rho], random.normal(size=len(predicted) + BEFORE))[BEFORE:]


def parabola(random: Random, predicted: np.ndarray) -> np.ndarray:
    bent = (of_ranks(predicted) - 0.5) ** 2
    return random.normal(size=len(predicted)) + 0.204 * (bent - bent.mean()) / bent.std()


CLEAN: dict[str, tuple[Law, frozenset[str]]] = {
    "normal": (lambda random, at: random.normal(size=len(at)), frozenset()),
    "t of 3": (lambda random, at: random.standard_t(3, len(at)), frozenset({"tails"})),
    "growing": (
        lambda random, at: random.normal(size=len(at)) * (1 + of_ranks(at)),
        frozenset({"spread"}),
    ),
    "groups": (lambda random, at: random.normal(size=len(at)), frozenset()),
    "following by 0.5": (partial(following, rho=0.5), frozenset({"order"})),
    "following by 0.8": (partial(following, rho=0.8), frozenset({"order"})),
}
PLANTED: dict[str, Law] = {
    "bias": parabola,
    "spread": CLEAN["growing"][0],
    "tails": lambda random, at: random.standard_t(5, len(at)),
    "order": following,
}


def told(random: Random, law: Law, n: int, *, in_groups: bool) -> set[str]:
    """The patterns that are told of one sample."""
    walk = np.cumsum(random.normal(size=n)) / n**0.5
    predicted, clusters = np.exp(2 * walk), None
    error = law(random, predicted)
    if in_groups:
        clusters = np.sort(random.integers(0, GROUPS, n))
        predicted = np.exp(random.normal(size=GROUPS))[clusters] * np.exp(0.1 * walk)
        error = error + random.normal(size=GROUPS)[clusters]
    made = Outcome(
        Task.REGRESSION, np.arange(n), predicted + error, values=predicted, clusters=clusters
    )
    found = residual_patterns(made)
    return {each for each in PATTERNS if found is not None and getattr(found, each) is not None}


def shares(
    law: Law,
    n: int,
    repetitions: int,
    *,
    true: frozenset[str] = frozenset(),
    in_groups: bool = False,
) -> dict[str, float]:
    """How often each pattern is told, and any that is not there."""
    every = [
        told(np.random.default_rng([n, seed]), law, n, in_groups=in_groups)
        for seed in range(repetitions)
    ]
    told_of = {each: sum(each in one for one in every) / repetitions for each in PATTERNS}
    return {**told_of, "false": sum(bool(one - true) for one in every) / repetitions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    repetitions = QUICK if arguments.quick else REPETITIONS
    clean = {
        f"{name}, {n} rows": shares(law, n, repetitions, true=there, in_groups=name == "groups")
        for name, (law, there) in CLEAN.items()
        for n in SIZES
    }
    planted = {
        f"{name}, {n} rows": shares(law, n, repetitions)[name]
        for name, law in PLANTED.items()
        for n in SIZES
    }
    if arguments.json:
        found = {"repetitions": repetitions, "clean": clean, "planted": planted}
        print(json.dumps(found))
        return
    for name, each in planted.items():
        print(f"told where planted: {name:22} {each:.3f}")
    most = LEVEL + noise(repetitions)
    for name, each in clean.items():
        bar(f"false alarms, {name}", each["false"], f"<= {most:.3f}", each["false"] <= most)


if __name__ == "__main__":
    main()
