"""How often 95 % intervals hold the true value: metrics of simulated rows whose law is known.

Each law is drawn again and again; an interval that is not given, with its reason, is no miss. The
cells have as many rows of each class in every sample, as a case-control study has, and say so;
those of clusters and the laws of chance have as many as chance gives, as it is where rows come from
the world. Rows in time follow each other, and are related to those before them, or not. Beside the
intervals: how often two models of the same worth, and two samples of the same law,
are said to differ. Coverage of n repetitions is itself uncertain by
1.96 sqrt(0.05 * 0.95 / n), which the bars allow for.

Seeds are by law and repetition, so the numbers are the same on any number of processes; with
`--out` what is done is written law by law.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri

from assay.data.schema import Task
from assay.evaluation.comparison import independent, paired
from assay.evaluation.design import Design
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS, metrics_of
from assay.evaluation.outcome import Outcome, most_probable
from assay.evaluation.support import FEWEST_ROWS
from assay.evaluation.time_blocks import time_blocks
from assay.predictions import Floats
from bars import LEVEL, bar, noise

REPETITIONS, QUICK = 2000, 60
RESAMPLES = 1000
MANY = 1_000_000
"""Rows that tell the true values."""
CHUNK = 100
"""Repetitions that a process does at once."""
SIZES = (50, 200, 2000)
CLUSTERS = 60
RELATED = 0.5
"""Correlation of rows with those before them in time: a mean of so related ones has three times the
variance of that of unrelated ones."""
SPREADS = {"normal": 1.0, "laplace": 2**0.5, "t3": 3**0.5}
"""Standard deviations of the errors."""
BY_ROW = "further: time by row"
"""Laws of time whose rows are drawn as if they were unrelated: what blocks are for."""
LEAST_GIVEN = 0.1
"""Share of the repetitions with an interval below which coverage is not judged."""
PROMISED = {
    "binary": ("accuracy", "roc_auc", "log_loss", "brier", "f1_macro"),
    "three classes": ("accuracy", "log_loss", "brier", "f1_macro"),
    "regression": ("rmse", "mae", "r2"),
    "chance: binary": ("accuracy", "roc_auc", "log_loss", "brier", "f1_macro"),
    "chance: three classes": ("accuracy", "log_loss", "brier", "f1_macro"),
    "labels": tuple(METRICS[Task.MULTILABEL]),
    "time: binary": ("accuracy", "roc_auc", "log_loss", "brier", "f1_macro"),
    "time: regression": ("rmse", "mae", "r2"),
}
"""The metrics that the bars are about, by the beginning of a law's name."""


@dataclass(frozen=True)
class Law:
    """Where rows come from.

    Attributes:
        name: What to call it.
        n: Rows of a sample.
        draw: Draws so many rows.
        rarest: Rows of the rarer class in every sample; None where that varies or there is none.
    """

    name: str
    n: int
    draw: Callable[[np.random.Generator, int], Outcome]
    rarest: int | None = None

    def random(self, repetition: int) -> np.random.Generator:
        """What draws a repetition."""
        return np.random.default_rng([crc32(self.name.encode()), repetition])


def binary(
    random: np.random.Generator, n: int, share: float, apart: float, size: int = 0,
    fixed: bool = True,
) -> Outcome:  # fmt: skip
    """Calibrated scores of two normal classes; of rows in clusters of a size, with their shifts."""
    clusters = np.arange(n) // size if size else None
    truth = classes(random, n, (1 - share, share), fixed)
    score = random.normal(size=n) + apart * truth
    if clusters is not None:
        score += 0.7 * random.normal(size=clusters.max() + 1)[clusters]
    odds = share / (1 - share) * np.exp(apart * score - apart**2 / 2)
    positive = odds / (1 + odds)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - positive, positive]),
        (positive >= min(0.5, 3 * share)).astype(np.int64), clusters=clusters,
        design=designs(fixed),
    )  # fmt: skip


def multiclass(
    random: np.random.Generator, n: int, shares: tuple[float, ...], apart: float, fixed: bool = True
) -> Outcome:
    truth = classes(random, n, shares, fixed)
    logits = apart * (random.normal(size=(n, 3)) + apart * np.eye(3)[truth]) + np.log(shares)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    decided = probabilities.argmax(axis=1)
    return Outcome(
        Task.MULTICLASS, np.arange(n), truth, ("a", "b", "c"), probabilities, decided,
        design=designs(fixed),
    )  # fmt: skip


def labels(random: np.random.Generator, n: int, shares: tuple[float, ...]) -> Outcome:
    """Calibrated scores of labels that go together, each as `binary` has its positive class."""
    together = random.normal(size=(n, 1))
    common = 0.6 * together + 0.8 * random.normal(size=(n, len(shares)))
    truth = (common < ndtri(shares)).astype(np.int64)
    score = random.normal(size=truth.shape) + 1.5 * truth
    odds = np.divide(shares, np.subtract(1, shares)) * np.exp(1.5 * score - 1.5**2 / 2)
    said = odds / (1 + odds)
    names = tuple(f"{share:.0%}" for share in shares)
    decided = (said >= 0.5).astype(np.int64)
    return Outcome(Task.MULTILABEL, np.arange(n), truth, names, said, decided)


def designs(fixed: bool) -> Design:
    return Design.CLASSES if fixed else Design.CHANCE


def classes(
    random: np.random.Generator, n: int, shares: tuple[float, ...], fixed: bool
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A class for each row: as many of each as its share says, or as many as chance gives it."""
    if not fixed:
        return random.choice(len(shares), n, p=shares)
    ends = np.round(np.cumsum(shares) * n).astype(np.int64)
    return random.permutation(np.repeat(np.arange(len(shares)), np.diff(ends, prepend=0)))


def regression(random: np.random.Generator, n: int, error: str, size: int = 0) -> Outcome:
    """Errors of a law; of rows in clusters of a size, with shifts that make up a third of them."""
    clusters = np.arange(n) // size if size else None
    errors = random.standard_t(3, n) if error == "t3" else getattr(random, error)(size=n)
    if clusters is not None:
        errors += 0.7 * random.normal(size=clusters.max() + 1)[clusters]
    values = random.normal(size=n) * SPREADS[error]
    return Outcome(Task.REGRESSION, np.arange(n), values + errors, values=values, clusters=clusters)


def following(random: np.random.Generator, n: int, related: float) -> Floats:
    """Standard normal numbers, each related to the one before so much (AR(1)), shape (n,)."""
    fresh = random.normal(size=n) * (1 - related**2) ** 0.5
    fresh[0] = random.normal()
    return np.asarray(lfilter([1], [1, -related], fresh))


def in_time(
    random: np.random.Generator, n: int, related: float, share: float | None, by_block: bool = True
) -> Outcome:
    """Rows one after the other, of two classes or, without a share of one, of numbers.

    Classes and scores, or errors, are related to those before; they are drawn by block or by row.
    """
    drawn = {"clusters": time_blocks(np.arange(n)), "design": Design.TIME} if by_block else {}
    if share is None:
        values = random.normal(size=n)
        truth = values + following(random, n, related)
        return Outcome(Task.REGRESSION, np.arange(n), truth, values=values, **drawn)
    truth = (following(random, n, related) < ndtri(share)).astype(np.int64)
    score = following(random, n, related) + 1.5 * truth
    odds = share / (1 - share) * np.exp(1.5 * score - 1.5**2 / 2)
    said = odds / (1 + odds)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - said, said]),
        (said >= min(0.5, 3 * share)).astype(np.int64), **drawn,
    )  # fmt: skip


def laws() -> Iterator[Law]:
    """The cells, the laws of chance and of time, then further ones, of which no bar is."""
    balanced, rare = (0.4, 0.3, 0.3), (0.5, 0.45, 0.05)
    balanced_labels, rare_labels = (0.5, 0.4, 0.3), (0.5, 0.3, 0.15, 0.05)
    for n in SIZES:
        for share in (0.5, 0.05):
            made, few = f"{share:.0%} positive, n={n}", round(n * share)
            yield Law(f"binary, {made}", n, partial(binary, share=share, apart=1.5), few)
            if n > CLUSTERS:
                draw = partial(binary, share=share, apart=1.5, size=n // CLUSTERS, fixed=False)
                yield Law(f"binary, clusters, {made}", n, draw)
        for name, shares in {"balanced": balanced, "5% in the rarest": rare}.items():
            draw = partial(multiclass, shares=shares, apart=1.4)
            yield Law(f"three classes, {name}, n={n}", n, draw, round(n * min(shares)))
        for error in ("normal", "laplace"):
            yield Law(f"regression, {error}, n={n}", n, partial(regression, error=error))
        if n > CLUSTERS:
            draw = partial(regression, error="normal", size=n // CLUSTERS)
            yield Law(f"regression, clusters, n={n}", n, draw)
    for n in SIZES:
        for share in (0.5, 0.05):
            draw = partial(binary, share=share, apart=1.5, fixed=False)
            yield Law(f"chance: binary, {share:.0%} positive, n={n}", n, draw)
        draw = partial(multiclass, shares=rare, apart=1.4, fixed=False)
        yield Law(f"chance: three classes, 5% in the rarest, n={n}", n, draw)
        for name, shares in {"balanced": balanced_labels, "5% in the rarest": rare_labels}.items():
            yield Law(f"labels, {name}, n={n}", n, partial(labels, shares=shares))
    for n in SIZES[1:]:
        for related, how in {RELATED: "related", 0.0: "unrelated"}.items():
            for share, what in {0.5: "binary, 50%", 0.05: "binary, 5%", None: "regression"}.items():
                made = f"{what}{' positive' if share else ''}, {how}, n={n}"
                yield Law(f"time: {made}", n, partial(in_time, related=related, share=share))
                if related and share != 0.05:
                    draw = partial(in_time, related=related, share=share, by_block=False)
                    yield Law(f"{BY_ROW}: {made}", n, draw)
    for n in SIZES:
        for model, apart in {"weak": 0.7, "good": 2.5}.items():
            for share in (0.5, 0.05):
                draw = partial(binary, share=share, apart=apart, fixed=False)
                yield Law(f"further: binary, {share:.0%} positive, {model}, n={n}", n, draw)
        for model, apart in {"weak": 0.8, "good": 2.0}.items():
            draw = partial(multiclass, shares=(0.5, 0.3, 0.2), apart=apart, fixed=False)
            yield Law(f"further: three classes, {model}, n={n}", n, draw)
        yield Law(f"further: regression, t3, n={n}", n, partial(regression, error="t3"))


LAWS = list(laws())


def truth_of(law: Law) -> dict[str, float]:
    """The true value of each metric."""
    sample = replace(law.draw(law.random(MANY), MANY), clusters=None)
    known = metrics_of(sample.task, len(sample.classes))
    return {name: metric.of(sample) for name, metric in known.items()}


def ends(law: Law, span: range) -> dict[str, Floats]:
    """The ends of each metric's interval in these repetitions, (r, 2); NaN where none is given."""
    found: dict[str, list[tuple[float, float]]] = {}
    for repetition in span:
        outcome = law.draw(law.random(repetition), law.n)
        [drawn] = replicate([outcome], RESAMPLES)
        for name in metrics_of(outcome.task, len(outcome.classes)):
            each = drawn.estimate(name, LEVEL)
            known = (each.low, each.high) if each.has_interval else (np.nan, np.nan)
            found.setdefault(name, []).append(known)
    return {name: np.array(each, dtype=np.float64) for name, each in found.items()}


def alarms(law: Law, span: range) -> dict[str, dict[str, int]]:
    """Of each metric: how often equals are said to differ, on the same rows and on others."""
    first = law.draw(law.random(0), law.n)
    task, known = first.task, metrics_of(first.task, len(first.classes))
    false = {name: {"paired": 0, "independent": 0} for name in known}
    for repetition in span:
        random = law.random(repetition)
        one, other = law.draw(random, law.n), law.draw(random, law.n)
        twins = [_jittered(random, one) for _ in range(2)]
        first, second = replicate(twins, RESAMPLES)
        [elsewhere] = replicate([_jittered(random, other)], RESAMPLES)
        for name, counts in false.items():
            asked = {"task": task, "metric": name, "level": LEVEL, "names": ("a", "b")}
            counts["paired"] += paired(first, second, **asked).better is not None
            counts["independent"] += independent(first, elsewhere, **asked).better is not None
    return false


def _jittered(random: np.random.Generator, outcome: Outcome) -> Outcome:
    """A model that is as good as any other so made: with noise of its own."""
    if outcome.values is not None:
        return replace(outcome, values=outcome.values + 0.5 * random.normal(size=len(outcome)))
    probabilities = outcome.known_probabilities
    noisy = probabilities * np.exp(0.5 * random.normal(size=probabilities.shape))
    if outcome.has_labels:
        noisy /= noisy + 1 - probabilities
    else:
        noisy /= noisy.sum(axis=1, keepdims=True)
    decided = most_probable(outcome.task, noisy)
    if outcome.task is Task.BINARY:
        cut = 0.15 if outcome.truth.mean() < 0.25 else 0.5
        decided = (noisy[:, 1] >= cut).astype(np.int64)
    return replace(outcome, probabilities=noisy, decided=decided)


Result = dict[str, dict[str, dict[str, float]]]


def results(laws: list[Law], repetitions: int, jobs: int) -> Iterator[tuple[Law, Result]]:
    """Each law when it is done; equals are compared a quarter as often, for a law costs as much
    there."""
    compared = max(20, repetitions // 4)
    with ProcessPoolExecutor(jobs) as pool:
        begun = [
            (
                law,
                pool.submit(truth_of, law),
                [pool.submit(ends, law, span) for span in spans(repetitions)],
                [pool.submit(alarms, law, span) for span in spans(compared)],
            )
            for law in laws
        ]
        for law, true, found, false in begun:
            known = [each.result() for each in found]
            counted = [each.result() for each in false]
            yield (
                law,
                {
                    "metrics": {
                        name: covered(value, np.concatenate([each[name] for each in known]))
                        for name, value in true.result().items()
                    },
                    "alarms": {
                        name: {
                            how: sum(each[name][how] for each in counted) / compared
                            for how in ("paired", "independent")
                        }
                        for name in counted[0]
                    },
                },
            )


def spans(repetitions: int) -> list[range]:
    return [range(start, min(start + CHUNK, repetitions)) for start in range(0, repetitions, CHUNK)]


def covered(true: float, found: Floats) -> dict[str, float]:
    """The true value, the share of repetitions with an interval, and of those that hold it."""
    given = found[np.isfinite(found).all(axis=1)]
    hits = (given[:, 0] <= true) & (true <= given[:, 1])
    return {
        "true": true,
        "given": len(given) / len(found),
        "covers": float(hits.mean()) if len(given) else float("nan"),
    }


def bars(found: dict[str, Result], repetitions: int) -> None:
    """A line per target: the worst of its laws and metrics, and which that is."""
    known = {law.name: law for law in LAWS}
    for kind, promised in PROMISED.items():
        covers = [
            (each["covers"], known[law], name, round(repetitions * each["given"]))
            for law, result in found.items()
            for name, each in result["metrics"].items()
            if law.startswith(kind) and name in promised and each["given"] >= LEAST_GIVEN
        ]
        if not covers:
            continue
        low, law, name, many = min(covers, key=lambda each: each[0] + noise(each[3]))
        wanted = 0.93 - noise(many)
        bar(f"least coverage, {kind} ({name}; {law.name})", low, f">= {wanted:.3f}", low >= wanted)
        high, law, name, many = max(covers, key=lambda each: each[0] - noise(each[3]) - most(each))
        wanted = most((high, law)) + noise(many)
        text = f"most coverage, {kind} ({name}; {law.name})"
        bar(text, high, f"<= {wanted:.3f}", high <= wanted)
        given = [
            (result["metrics"][name]["given"], law, name)
            for law, result in found.items()
            for name in promised
            if law.startswith(kind) and (known[law].rarest or 0) >= FEWEST_ROWS
        ]
        if given:
            least, law, name = min(given)
            bar(f"given, {kind} ({name}; {law})", least, ">= 0.990", least >= 0.99)
    for how in ("paired", "independent"):
        false, law, name = max(
            (each[how], law, name)
            for law, result in found.items()
            if not law.startswith(BY_ROW)
            for name, each in result["alarms"].items()
        )
        wanted = 0.05 + noise(max(20, repetitions // 4))
        text = f"equals said to differ, {how} ({name}; {law})"
        bar(text, false, f"<= {wanted:.3f}", false <= wanted)


def most(each: tuple[float, Law, *tuple[object, ...]]) -> float:
    """How much coverage is not yet too much."""
    return 0.99 if each[1].n < 100 else 0.97


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions, n < 500")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--laws", default="", help="only those whose names have this in them")
    parser.add_argument("--out", type=Path, help="JSON, written anew after each law")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    repetitions = QUICK if arguments.quick else arguments.repetitions
    chosen = [law for law in LAWS if law.n < 500 or not arguments.quick]
    chosen = [law for law in chosen if arguments.laws in law.name]
    found: dict[str, Result] = {}
    written = {"repetitions": repetitions, "resamples": RESAMPLES, "laws": found}
    for law, result in results(chosen, repetitions, arguments.jobs):
        found[law.name] = result
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(written, indent=1))
        if not arguments.json:
            show(law, result)
    if arguments.json:
        print(json.dumps(written))
    else:
        bars(found, repetitions)


def show(law: Law, result: Result) -> None:
    print(law.name)
    for metric, each in result["metrics"].items():
        false = result["alarms"][metric]
        print(
            f"    {metric}: true {each['true']:.3f}, given {each['given']:.2f}, "
            f"covers {each['covers']:.3f}; equals said to differ {false['paired']:.3f} paired, "
            f"{false['independent']:.3f} independent",
            flush=True,
        )


if __name__ == "__main__":
    main()
