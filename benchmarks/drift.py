"""False alarms of a monitor that looks every hour, and rows until a shift is found, by simulation.

Twenty columns are held against a training table of 5,000 rows: most of normal numbers, others of
counts or of levels with rare ones among them, a quarter with gaps. Months of traffic that is drawn
as training was say how often each rule cries without reason; a half-standard-deviation shift in one
column says after how many rows it is found. Beside Assay's rule stand four others:

- plain: any column's p-value of the last hour below 0.05;
- bonferroni: the same divided by the columns, that is 5 % by look;
- lord: LORD++ at a false discovery rate of 5 % over the looks, whose p-value is the least of the
  columns' times their number (Ramdas, Yang, Wainwright and Jordan 2017);
- e-detector: Shiryaev-Roberts sums of betting e-values on ranks, averaged over bets and columns,
  with 0.1 false alarms a month by construction (Shin, Ramdas and Rinaldo 2022; the null allows for
  a tenth of a deviation, because the training table is finite).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import poisson

from assay.inference.reference import FEATURE, ReferenceColumn
from assay.serving.monitoring.alarms import QUIET_H
from assay.serving.monitoring.drift import (
    FALSE_ALARMS_A_MONTH,
    HOURS_A_MONTH,
    level_of,
    looks_at,
)
from assay.serving.monitoring.sampling import Sampler
from assay.serving.monitoring.settings import SamplingSettings
from bars import bar

N_COLUMNS, TRAINING, SHIFT = 20, 5000, 0.5
GAPS = 0.02
LEVELS = np.arange(1, 13) ** -1.3 / (np.arange(1, 13) ** -1.3).sum()
MEAN_COUNT = 3.0
Rule = Callable[[list[tuple[ReferenceColumn, np.ndarray]]], np.ndarray]


@dataclass(frozen=True)
class Source:
    """Where a column comes from: a distribution that can be drawn from and integrated."""

    kind: str
    gaps: float

    def column(self, random: np.random.Generator) -> ReferenceColumn:
        if self.kind == "normal":
            values = random.normal(size=TRAINING)
        elif self.kind == "counts":
            values = random.poisson(MEAN_COUNT, TRAINING).astype(float)
        else:
            values = random.choice([f"l{each}" for each in range(len(LEVELS))], TRAINING, p=LEVELS)
            values = np.where(random.random(TRAINING) < self.gaps, None, values.astype(object))
            return ReferenceColumn.of_levels("x", list(values), FEATURE)
        values[random.random(TRAINING) < self.gaps] = np.nan
        found = ReferenceColumn.of_numbers("x", values, FEATURE)
        assert found is not None
        return found

    def shares(self, column: ReferenceColumn, shift: float = 0.0) -> np.ndarray:
        """Of each bin and of gaps, where the distribution has moved by so many deviations."""
        if self.kind == "levels":
            known = [LEVELS[int(each[1:])] for each in column.levels]
            shares = np.array([*known, max(0.0, 1 - sum(known))])
        elif self.kind == "normal":
            shares = np.diff(ndtr(np.array([-np.inf, *column.cuts, np.inf]) - shift))
        else:
            mean = MEAN_COUNT + shift * MEAN_COUNT**0.5
            shares = np.diff([0.0, *poisson.cdf(np.floor(column.cuts), mean), 1.0])
        return np.array([*shares * (1 - self.gaps), self.gaps]) / (
            shares.sum() * (1 - self.gaps) + self.gaps
        )


SOURCES = [
    Source("normal" if each < 13 else "counts" if each < 16 else "levels", GAPS * (each % 4 == 0))
    for each in range(N_COLUMNS)
]


def traffic(
    random: np.random.Generator, hours: int, rate: int, shifted: int | None = None, since: int = 0
) -> list[tuple[ReferenceColumn, np.ndarray]]:
    """Each column's reference with rows by hour and bin; one column moves in some hour."""
    found = []
    for place, source in enumerate(SOURCES):
        column = source.column(random)
        counts = random.multinomial(rate, source.shares(column), size=hours)
        if place == shifted:
            moved = source.shares(column, SHIFT)
            counts[since:] = random.multinomial(rate, moved, size=hours - since)
        found.append((column, counts.astype(float)))
    return found


def assay(columns: list[tuple[ReferenceColumn, np.ndarray]]) -> np.ndarray:
    """Whether each column cries after each hour, shape (columns, hours)."""
    level = level_of(len(columns))
    return np.array([
        np.any([each.crosses for each in looks_at(column, counts, level)], axis=0)
        for column, counts in columns
    ])  # fmt: skip


def hourly_p(columns: list[tuple[ReferenceColumn, np.ndarray]]) -> np.ndarray:
    """The p-value of each column's last hour alone."""
    from assay.checks.counted_shifts import shifts_of_levels, shifts_of_order

    found = []
    for column, counts in columns:
        test = shifts_of_levels if column.levels else shifts_of_order
        found.append(test(np.array(column.counts), counts[:, :-1])[0])
    return np.array(found)


def plain(columns: list[tuple[ReferenceColumn, np.ndarray]]) -> np.ndarray:
    return hourly_p(columns) < 0.05


def bonferroni(columns: list[tuple[ReferenceColumn, np.ndarray]]) -> np.ndarray:
    return hourly_p(columns) < 0.05 / len(columns)


def lord(columns: list[tuple[ReferenceColumn, np.ndarray]], level: float = 0.05) -> np.ndarray:
    p = hourly_p(columns)
    smallest = np.minimum(1.0, p.min(axis=0) * len(columns))
    steps = np.arange(1, len(smallest) + 1)
    spent = np.log(np.maximum(steps, 2)) / (steps * np.exp(np.sqrt(np.log(steps))))
    spent /= spent.sum() / 0.9
    first, rejected = level / 2, []
    cries = np.zeros(len(smallest), dtype=bool)
    for t, each in enumerate(smallest):
        allowed = spent[t] * first
        for number, when in enumerate(rejected):
            allowed += spent[t - when - 1] * (level - first if number == 0 else level)
        if each <= allowed:
            cries[t] = True
            rejected.append(t)
    return cries & (p == p.min(axis=0))


def e_detector(columns: list[tuple[ReferenceColumn, np.ndarray]]) -> np.ndarray:
    tolerance, bets = 0.028, np.array([0.1, 0.3, 0.6, 1.0])
    sides = np.concatenate([bets, -bets])
    logs = []
    for column, counts in columns:
        ours = np.array(column.counts, dtype=float)
        ranks = (ours.cumsum() - ours / 2) / ours.sum() - 0.5
        factors = 1 + np.abs(sides)[:, None] * (np.sign(sides)[:, None] * ranks - tolerance)
        logs.append(counts[:, :-1] @ np.log(factors).T)
    grown = np.array(logs)
    sums = np.zeros((len(columns), len(sides)))
    cries = np.zeros((len(columns), grown.shape[1]), dtype=bool)
    for hour in range(grown.shape[1]):
        sums = np.exp(np.minimum(grown[:, hour] + np.log1p(sums), 600.0))
        if sums.mean() >= HOURS_A_MONTH / FALSE_ALARMS_A_MONTH:
            cries[int(sums.mean(axis=1).argmax()), hour] = True
            sums[:] = 0.0
    return cries


RULES: dict[str, Rule] = {
    "assay": assay, "plain": plain, "bonferroni": bonferroni, "lord": lord,
    "e-detector": e_detector,
}  # fmt: skip


def alarms(cries: np.ndarray) -> int:
    """Alarms, of which each lasts until a day is quiet."""
    found = 0
    for column in cries:
        hours = np.flatnonzero(column)
        found += int(len(hours) > 0) + int((np.diff(hours) > QUIET_H).sum())
    return found


def false_alarms(months: int, rate: int, seed: int) -> dict[str, float]:
    """Alarms a month of each rule on traffic that is as training was."""
    random = np.random.default_rng([seed, rate])
    found = dict.fromkeys(RULES, 0)
    for _ in range(months):
        columns = traffic(random, HOURS_A_MONTH, rate)
        for name, rule in RULES.items():
            found[name] += alarms(rule(columns))
    return {name: n / months for name, n in found.items()}


def detection(repetitions: int, rate: int, seed: int, shifted: int = 0) -> dict[str, Any]:
    """Rows from the shift of a column until it cries, by rule."""
    random = np.random.default_rng([seed, rate, 1])
    before, after = 48, max(6, -(-3000 // rate))
    rows: dict[str, list[float]] = {name: [] for name in RULES}
    for _ in range(repetitions):
        columns = traffic(random, before + after, rate, shifted, before)
        for name, rule in RULES.items():
            hours = np.flatnonzero(rule(columns)[shifted, before:])
            rows[name].append((hours[0] + 1) * rate if len(hours) else np.inf)
    return {
        name: {
            "median": float(np.median(each)),
            "within 1,000": float(np.mean(np.array(each) <= 1000)),
        }
        for name, each in rows.items()
    }


def sampling(n: int) -> dict[str, float]:
    """Cost of the sampler by row, and what it has written of an hour of so many rows."""
    row = {f"x{each}": 0.1 * each for each in range(N_COLUMNS)}
    answer = {"prediction": "yes", "probabilities": {"no": 0.3, "yes": 0.7}}
    with tempfile.TemporaryDirectory() as folder:
        settings = SamplingSettings(share=1.0, write_s=60)
        sampler = Sampler(Path(folder), settings, clock=lambda: 0.0)
        began = time.perf_counter()
        for each in range(n):
            sampler.observe(str(each), "m/1", [row], [answer])
        took = time.perf_counter() - began
        sampler.close()
        size = sum(each.stat().st_size for each in Path(folder).rglob("*.parquet"))
    return {"us a row": 1e6 * took / n, "KiB of an hour": size / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    months = {30: 4, 1000: 2} if asked.quick else {30: 100, 200: 100, 1000: 50}
    repetitions = 10 if asked.quick else 100
    results = {
        "false alarms a month": {
            str(rate): {"months": n, **false_alarms(n, rate, asked.seed)}
            for rate, n in months.items()
        },
        "rows until found": {
            str(rate): detection(repetitions, rate, asked.seed) for rate in (20, 100, 500, 1000)
        },
        "rows until found, of counts": {
            str(rate): detection(repetitions, rate, asked.seed, 14) for rate in (100,)
        },
        "sampling": sampling(20_000 if asked.quick else 200_000),
    }
    if asked.json:
        print(json.dumps(results))
        return
    for name, by_rate in results.items():
        print(name)
        for key, value in by_rate.items():
            print(f"  {key:6} {value}")
    worst = max(each["assay"] for each in results["false alarms a month"].values())
    found = min(each["assay"]["within 1,000"] for each in results["rows until found"].values())
    cost = results["sampling"]["us a row"]
    bar("false alarms a month", worst, "< 1", worst < 1)
    bar("half a deviation found within 1,000 rows", found, ">= 0.99", found >= 0.99)
    bar("sampling, us a row", cost, "<= 20", cost <= 20, 1)


if __name__ == "__main__":
    main()
