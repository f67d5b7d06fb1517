"""Weak segments: how often planted ones are found, and how often one is told of where none is.

Tables of 5,000 rows with eight features (numbers that are independent, skewed, related and whole,
two categories, gaps). The model is right at random in 85 % of the rows, whatever their features; in
planted tables in 65 % of those of one segment of 5 %: a range of a number, a level, or where a
range and a level cross. A planted segment is found if one is named in which its rows are more than
twice as frequent as in the table; the same, if the two share at least half of their rows (Jaccard
index). Then errors of a regression, twice as large in the segment; rows in groups; and declared
segments: how often any of some twenty is said to be worse that is not.

Shares of n repetitions are uncertain by 3 sqrt(0.05 * 0.95 / n), which the bars allow for.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from assay.data.schema import Column, Kind, Role, Task
from assay.evaluation.outcome import Outcome
from assay.segments.measured import by_segment
from assay.segments.meeting import Mask
from bars import LEVEL, bar, noise

N = 5_000
PLANTED, CLEAN, QUICK = 100, 200, 10
SHARE, RIGHT, WEAKER = 0.05, 0.85, 0.20
PLANTS = ("range", "level", "range and level")
IS_SAME = 0.5


def table(random: np.random.Generator) -> pd.DataFrame:
    """Features, as learners see them."""
    first = random.normal(size=N)
    return pd.DataFrame(
        {
            "plain": first,
            "related": first + random.normal(size=N),
            "skewed": random.lognormal(size=N),
            "whole": random.integers(0, 60, N).astype(float),
            "rare": random.poisson(0.7, N).astype(float),
            "city": random.choice([f"city {n}" for n in range(20)], N),
            "kind": random.choice(["a", "b", "c", "d"], N, p=[0.6, 0.2, 0.15, 0.05]),
            "gaps": np.where(random.random(N) < 0.1, np.nan, random.random(N)),
        }
    )


def segment(random: np.random.Generator, frame: pd.DataFrame, plant: str) -> Mask:
    """Rows of one segment, about 5 % of all."""
    if plant == "level":
        return (frame["city"] == f"city {random.integers(20)}").to_numpy()
    name = random.choice(["plain", "skewed", "whole"])
    share = SHARE if plant == "range" else SHARE / 0.2
    start = random.uniform(0, 1 - share)
    low, high = frame[name].quantile([start, start + share])
    within = ((frame[name] > low) & (frame[name] <= high)).to_numpy()
    return within if plant == "range" else within & (frame["kind"] == "b").to_numpy()


def outcome(
    random: np.random.Generator, task: Task, weak: Mask, clusters: np.ndarray | None = None
) -> Outcome:
    """Predictions that err whatever the features are, and more often, or by more, where weak."""
    rows = np.arange(N)
    luck = random.random(N)
    if clusters is not None:
        luck = np.where(random.random(N) < 0.5, luck, random.random(clusters.max() + 1)[clusters])
    if task is Task.REGRESSION:
        truth = random.normal(size=N)
        error = random.standard_t(5, N) * np.where(weak, 2.0, 1.0)
        return Outcome(task, rows, truth, values=truth + error, clusters=clusters)
    truth = random.integers(0, 2, N)
    right = luck < np.where(weak, RIGHT - WEAKER, RIGHT)
    decided = np.where(right, truth, 1 - truth)
    positive = np.where(decided == 1, RIGHT, 1 - RIGHT) + random.normal(scale=0.03, size=N)
    probabilities = np.column_stack([1 - positive, positive])
    return Outcome(task, rows, truth, ("no", "yes"), probabilities, decided, clusters=clusters)


def described(frame: pd.DataFrame) -> list[Column]:
    """The columns of the table."""
    return [
        Column(
            name,
            Kind.NUMERIC if is_numeric_dtype(frame[name]) else Kind.CATEGORICAL,
            Role.FEATURE, "", "", frame[name].nunique(), 0.0,
        )
        for name in frame.columns
    ]  # fmt: skip


def judged(frame: pd.DataFrame, made: Outcome, marked: tuple[str, ...] = ()) -> object:
    """The model by segment."""
    primary = "mae" if made.task is Task.REGRESSION else "accuracy"
    return by_segment(
        made, frame.drop(columns=list(marked)), frame[list(marked)], described(frame),
        primary=primary, level=LEVEL,
    )  # fmt: skip


def rows_of(definition: str, frame: pd.DataFrame) -> Mask:
    """The rows that a definition means, read from its words alone."""
    mask = np.ones(len(frame), dtype=bool)
    for condition in definition.split(" and "):
        words = condition.split(" ")
        if condition.endswith(" is missing"):
            mask &= frame[words[0]].isna()
        elif " = " in condition:
            name, _, value = condition.partition(" = ")
            values = frame[name]
            mask &= values == (float(value) if is_numeric_dtype(values) else value)
        elif words[1] == ">":
            mask &= frame[words[0]] > float(words[2])
        elif words[1] == "<":
            mask &= (frame[words[2]] > float(words[0])) & (frame[words[2]] <= float(words[4]))
        else:
            mask &= frame[words[0]] <= float(words[2])
    return np.asarray(mask)


def planted(seed: int, plant: str, task: Task) -> dict[str, float]:
    """Whether the planted segment was found, and how many others were named."""
    random = np.random.default_rng([seed, PLANTS.index(plant), 1])
    frame = table(random)
    weak = segment(random, frame, plant)
    found = [
        rows_of(each.definition, frame) for each in judged(frame, outcome(random, task, weak)).weak
    ]
    jaccards = [(rows & weak).sum() / (rows | weak).sum() for rows in found]
    touching = [(rows & weak).sum() / rows.sum() > 2 * weak.mean() for rows in found]
    return {
        "same": float(any(each >= IS_SAME for each in jaccards)),
        "found": float(any(touching)),
        "jaccard": float(max(jaccards, default=0.0)),
        "others": float(sum(not each for each in touching)),
    }


def clean(seed: int, task: Task, groups: int = 0) -> dict[str, float]:
    """Whether nothing was named where nothing is weak."""
    random = np.random.default_rng([seed, 2])
    frame = table(random)
    clusters = random.integers(0, groups, N) if groups else None
    if clusters is not None:
        frame["city"] = frame["city"].to_numpy()[clusters]  # the same in all rows of a group
    none = np.zeros(N, dtype=bool)
    found = judged(frame, outcome(random, task, none, clusters))
    return {"silent": float(not found.weak), "tried": float(found.tried)}


def declared(seed: int) -> dict[str, float]:
    """Whether any declared segment is said to be worse where none is, and any gap is seen."""
    random = np.random.default_rng([seed, 3])
    frame = table(random)
    found = judged(frame, outcome(random, Task.BINARY, np.zeros(N, dtype=bool)), ("kind", "rare"))
    parts = [part for each in found.divisions for part in each.segments]
    apart = [part.difference.excludes_zero for part in parts]
    gaps = [each.gap.estimate.excludes_zero for each in found.divisions if each.gap]
    parities = [
        each.estimate.excludes_zero
        for division in found.divisions if division.parity
        for each in (division.parity.demographic,)
    ]  # fmt: skip
    return {
        "told apart": float(any(apart)),
        "gap": float(any(gaps)),
        "parity": float(any(parities)),
        "segments": float(len(parts)),
    }


def repeated(pool: ProcessPoolExecutor, one: object, repetitions: int) -> dict[str, float]:
    """Means over repetitions."""
    each = list(pool.map(one, range(repetitions), chunksize=5))
    means = {name: float(np.mean([found[name] for found in each])) for name in each[0]}
    return {**means, "repetitions": repetitions}


def bars(found: dict[str, dict[str, float]]) -> None:
    """A line per target."""
    for name, each in found.items():
        short = noise(int(each["repetitions"]))
        if name.startswith("planted"):
            bar(name, each["found"], ">= 0.900", each["found"] >= 0.9)
        elif name.startswith("clean"):
            least = 0.95 if name == "clean binary" else 0.95 - short
            bar(f"{name}, silent", each["silent"], f">= {least:.3f}", each["silent"] >= least)
        else:
            for what in ("told apart", "gap", "parity"):
                value, most = each[what], 0.05 + short
                bar(f"{name}, {what}", value, f"<= {most:.3f}", value <= most)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    few, many = (QUICK, QUICK) if arguments.quick else (PLANTED, CLEAN)
    half = max(QUICK, many // 2)
    found = {}
    with ProcessPoolExecutor(arguments.workers) as pool:
        for task, share in ((Task.BINARY, 1), (Task.REGRESSION, 2)):
            for plant in PLANTS:
                one = partial(planted, plant=plant, task=task)
                found[f"planted {task}, {plant}"] = repeated(pool, one, few // share)
            found[f"clean {task}"] = repeated(pool, partial(clean, task=task), many // share)
        grouped = partial(clean, task=Task.BINARY, groups=500)
        found["clean binary in groups"] = repeated(pool, grouped, half)
        found["declared, none worse"] = repeated(pool, declared, half)
    if arguments.json:
        print(json.dumps({"n": N, "level": LEVEL, "tables": found}))
        return
    for name, each in found.items():
        print(name)
        print("    " + ", ".join(f"{what} {value:.3f}" for what, value in each.items()))
    bars(found)


if __name__ == "__main__":
    main()
