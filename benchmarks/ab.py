"""How often a comparison of live traffic is wrong though it is looked at all the time.

A/Bs are simulated and looked at after every single outcome, the worst that anybody can do: first
with models that are equally good, or differ by a known amount, where an interval that ever leaves
the truth out is an error; then with models that are two points of accuracy apart, counting the
requests until that is told. Beside the confidence sequences as `assay traffic` makes them stands a
plain 95 % interval, looked at as often. Then keys that come back, guard rails, and shares that are
not those asked for.

Shares of n repetitions are uncertain by 3 sqrt(p (1 - p) / n), which the bars of error do not allow
for: they are promises.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.predictions import Floats
from assay.serving.traffic.calls import CERTAIN
from assay.serving.traffic.comparison import Design, Steps, Sums
from assay.serving.traffic.evidence import log_evidence_of_rate, mismatch_p_value
from assay.serving.traffic.standing import MISMATCH
from bars import bar

REPETITIONS, QUICK = 1000, 40
LONG, LONGEST = 20_000, 100_000
"""Outcomes of an A/B of equals, and most of one whose models differ."""
FEWEST_PLAIN = 100
"""Outcomes of the challenger from which the plain interval is looked at, as people do."""
PLAIN = 1.959964
POINTS = 0.02


@dataclass(frozen=True)
class Law:
    """Where losses come from.

    Attributes:
        name: What to call it.
        share: Of the challenger; None of a shadow.
        draw: Losses of both models on the same rows, shape (2, n), and the true difference.
    """

    name: str
    share: float | None
    draw: Callable[[np.random.Generator, int], tuple[Floats, float]]


def wrong(
    first: float, second: float
) -> Callable[[np.random.Generator, int], tuple[Floats, float]]:
    """Losses of accuracy, of models that are wrong independently of each other."""

    def draw(random: np.random.Generator, n: int) -> tuple[Floats, float]:
        return (random.random((2, n)) < [[first], [second]]).astype(float), second - first

    return draw


def alike(first: float, second: float, apart: float) -> Callable[..., tuple[Floats, float]]:
    """Losses of accuracy of models that are seldom right and wrong where the other is not.

    Args:
        first: Share of errors of the champion.
        second: Of the other.
        apart: Share of rows that only one of them gets right.
    """
    only_first, only_second = (apart + first - second) / 2, (apart - first + second) / 2

    def draw(random: np.random.Generator, n: int) -> tuple[Floats, float]:
        at = random.random(n)
        both = at > 1 - (first - only_first)
        losses = np.stack(
            [
                (at < only_first) | both,
                ((at >= only_first) & (at < only_first + only_second)) | both,
            ]
        )
        return losses.astype(float), second - first

    return draw


def continuous(random: np.random.Generator, n: int) -> tuple[Floats, float]:
    """Losses as log loss has them: most are small, some are large."""
    return random.beta(0.4, 2.0, (2, n)), 0.0


def drifting(random: np.random.Generator, n: int) -> tuple[Floats, float]:
    """The world gets harder for both, in waves."""
    rate = 0.15 + 0.1 * np.sin(np.arange(n) / n * 12)
    return (random.random((2, n)) < rate).astype(float), 0.0


EQUALS = [
    Law("10 % of traffic, 10 % errors", 0.1, wrong(0.10, 0.10)),
    Law("10 % of traffic, 1 % errors", 0.1, wrong(0.01, 0.01)),
    Law("50 % of traffic, 30 % errors", 0.5, wrong(0.30, 0.30)),
    Law("10 % of traffic, losses as of log loss", 0.1, continuous),
    Law("10 % of traffic, a drifting world", 0.1, drifting),
    Law("10 % of traffic, 2 points apart", 0.1, wrong(0.10, 0.12)),
    Law("shadow, 5 % of rows apart", None, alike(0.10, 0.10, 0.05)),
    Law("shadow, 0.5 % of rows apart", None, alike(0.02, 0.02, 0.005)),
]
DIFFERENT = [
    Law("10 % of traffic, 90 % to 92 %", 0.1, wrong(0.10, 0.08)),
    Law("10 % of traffic, 90 % to 88 %", 0.1, wrong(0.10, 0.12)),
    Law("50 % of traffic, 90 % to 92 %", 0.5, wrong(0.10, 0.08)),
    Law("shadow, 90 % to 92 %, 5 % of rows apart", None, alike(0.10, 0.08, 0.05)),
    Law("shadow, 90 % to 92 %, 14 % of rows apart", None, alike(0.10, 0.08, 0.14)),
]


def steps_of(law: Law, random: np.random.Generator, n: int) -> tuple[Steps, Floats, float]:
    """The steps of one A/B, the plain test's statistic after each outcome, and the truth."""
    losses, truth = law.draw(random, n)
    design = Design(law.share)
    if law.share is None:
        steps = design.of_pairs(losses[0], losses[1], Sums())
        return steps, _plain_paired(losses, truth), truth
    is_other = random.random(n) < law.share
    steps = design.of_units(np.where(is_other, losses[1], losses[0]), is_other, Sums())
    return steps, _plain(losses, is_other, truth), truth


def crossed(law: Law, steps: Steps, truth: float) -> np.ndarray:
    """After which outcomes the interval leaves a value out, shape (n,)."""
    boundary = Design(law.share).boundary
    off = np.abs(steps.values - truth * steps.n)
    return boundary.evidence(off, steps.squares) >= boundary.threshold


def errors(law: Law, repetitions: int) -> dict[str, float]:
    """How often the truth was ever left out."""
    random = np.random.default_rng(len(law.name))
    ours = plain = 0
    for _ in range(repetitions):
        steps, statistic, truth = steps_of(law, random, LONG)
        ours += bool(crossed(law, steps, truth).any())
        plain += bool((np.abs(statistic) > PLAIN).any())
    return {"error": ours / repetitions, "plain interval": plain / repetitions}


def power(law: Law, repetitions: int) -> dict[str, float]:
    """How many requests it takes to tell which one is better."""
    random = np.random.default_rng(len(law.name))
    longest = LONGEST if law.share is not None else LONG
    took, mistaken = [], 0
    for _ in range(repetitions):
        steps, _, truth = steps_of(law, random, longest)
        told = crossed(law, steps, 0.0)
        at = int(told.argmax()) if told.any() else longest
        mistaken += bool(told.any() and (steps.values[at] > 0) != (truth > 0))
        took.append(at + 1)
    found = np.array(took) <= longest
    return {
        "found": float(found.mean()),
        "half told after": float(np.median(took)),
        "four of five told after": float(np.quantile(took, 0.8)),
        "told the wrong way": mistaken / repetitions,
    }


def _plain(losses: Floats, is_other: np.ndarray, truth: float) -> Floats:
    """Difference over its standard error, after each outcome."""
    own = np.stack([~is_other, is_other])
    n, total = np.cumsum(own, axis=1), np.cumsum(own * losses, axis=1)
    squares = np.cumsum(own * losses**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        error = np.sqrt(((squares / n - mean**2) / n).sum(axis=0))
        statistic = (mean[1] - mean[0] - truth) / error
    return np.where((n.min(axis=0) >= FEWEST_PLAIN) & (error > 0), statistic, 0.0)


def _plain_paired(losses: Floats, truth: float) -> Floats:
    apart, n = losses[1] - losses[0], np.arange(1, losses.shape[1] + 1)
    mean, square = np.cumsum(apart) / n, np.cumsum(apart**2) / n
    error = np.sqrt((square - mean**2) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((n >= FEWEST_PLAIN) & (error > 0), (mean - truth) / error, 0.0)


def returning(repetitions: int) -> dict[str, float]:
    """Keys that come back, some of them always hard: each counted once, and every request."""
    random = np.random.default_rng(5)
    law = Law("", 0.1, wrong(0, 0))
    counts = {"each key once": 0, "every request": 0}
    for _ in range(repetitions):
        keys = random.integers(0, 300, LONG // 4)
        hard = random.beta(0.5, 2.0, 300)
        is_other = (random.random(300) < law.share)[keys]
        losses = (random.random(len(keys)) < hard[keys]).astype(float)
        first = np.sort(np.unique(keys, return_index=True)[1])
        for name, rows in (("each key once", first), ("every request", np.arange(len(keys)))):
            steps = Design(law.share).of_units(losses[rows], is_other[rows], Sums())
            counts[name] += bool(crossed(law, steps, 0.0).any())
    return {name: n / repetitions for name, n in counts.items()}


def guards(repetitions: int) -> dict[str, float]:
    """Stops of a version that fails as often as it may; calls until one that fails is stopped."""
    random = np.random.default_rng(6)
    limit, calls = 0.01, 20_000
    stopped, took = 0, []
    for _ in range(repetitions):
        stopped += _stopped_at(random.random(calls) < limit, limit) is not None
        took.append(_stopped_at(random.random(calls) < 0.2, limit) or calls)
    return {"stopped at the limit": stopped / repetitions, "calls at 20 %": float(np.median(took))}


def _stopped_at(failed: np.ndarray, limit: float) -> int | None:
    for n_hits, n in enumerate(np.flatnonzero(failed) + 1, start=1):
        if log_evidence_of_rate(n_hits, int(n), limit) >= CERTAIN:
            return int(n)
    return None


def mismatches(repetitions: int) -> dict[str, float]:
    """Alarms where shares are those asked for, looked at every 100 units, and where not."""
    random = np.random.default_rng(7)
    found = {}
    for name, seen in (("as asked", 0.1), ("9 % where 10 % was asked", 0.09)):
        alarms = 0
        for _ in range(repetitions):
            counts = np.cumsum(random.binomial(100, seen, LONG * 2 // 100))
            units = 100 * np.arange(1, len(counts) + 1)
            alarms += any(
                mismatch_p_value([n - k, k], [0.9, 0.1]) < MISMATCH
                for n, k in zip(units, counts, strict=True)
            )
        found[name] = alarms / repetitions
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions: under a minute")
    parser.add_argument("--json", action="store_true", help="print a JSON document, then the bars")
    parser.add_argument("--out", type=Path, help="write the document there as well")
    arguments = parser.parse_args()
    repetitions = QUICK if arguments.quick else REPETITIONS
    began = time.perf_counter()
    document: dict[str, dict] = {"repetitions": {"n": repetitions}}
    document["errors"] = {law.name: errors(law, repetitions) for law in EQUALS}
    document["power"] = {law.name: power(law, max(20, repetitions // 5)) for law in DIFFERENT}
    document["returning keys"] = returning(repetitions)
    document["guard rails"] = guards(max(20, repetitions // 5))
    document["shares"] = mismatches(max(20, repetitions // 5))
    document["took"] = {"seconds": round(time.perf_counter() - began, 1)}
    if arguments.out:
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        for part, found in document.items():
            print(part)
            for name, values in found.items():
                print(f"  {name}: {values}")
    _bars(document)


def _bars(document: dict[str, dict]) -> None:
    worst = max(each["error"] for each in document["errors"].values())
    bar("error under continuous peeking, worst law", worst, "<= 0.05", worst <= 0.05)
    once = document["returning keys"]["each key once"]
    bar("error with keys that come back", once, "<= 0.05", once <= 0.05)
    for name, each in document["power"].items():
        found, took = each["found"], each["four of five told after"]
        bar(f"2 points found: {name}", found, ">= 0.8", found >= 0.8)
        print(f"    requests: half told after {each['half told after']:,.0f}, four of five after "
              f"{took:,.0f}")  # fmt: skip
    stops = document["guard rails"]["stopped at the limit"]
    bar("stopped though it fails only as often as it may", stops, "<= 0.01", stops <= 0.01)
    alarms = document["shares"]["as asked"]
    bar("alarm though shares are as asked", alarms, "<= 0.01", alarms <= 0.01)
    seen = document["shares"]["9 % where 10 % was asked"]
    bar("9 % where 10 % was asked found within 40,000 units", seen, ">= 0.8", seen >= 0.8)


if __name__ == "__main__":
    main()
