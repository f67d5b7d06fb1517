"""Whether the number that training announces is what sealed rows then say.

Tables are drawn from known laws, or read from a folder; some rows are sealed, the others are
cross-fitted, calibrated and decided as training does it, with a learner that is quick to fit. The
95 % interval of the difference between the sealed and the announced number should hold nothing in
95 % of the tables. Seeds are by table, so the numbers are the same on any number of processes.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from threadpoolctl import threadpool_limits

from assay.data.drawing import dealt, dealt_groups, drawn, drawn_groups
from assay.data.schema import Schema, Task
from assay.evaluation.assessment import assess
from assay.evaluation.comparison import independent
from assay.evaluation.evaluate import outcome_of
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import default_primary
from assay.evaluation.settings import EvaluationSettings
from assay.evaluation.threshold import decide
from assay.predictions import Floats, Labels, Predictions
from bars import bar, noise
from tables import TARGETS

TABLES, QUICK = 2000, 160
SEEDS, QUICK_SEEDS = 20, 2
SEALED, FOLDS = 0.2, 5
"""As an experiment has them that does not say otherwise."""
MOST_ROWS = 5000
"""Of a real table: more would only take longer."""
WANTED_REAL = 0.91
GROUPED = {
    "bird_strikes": "opid", "breast_cancer_ids": "Id", "covid_testing": "subject_id",
    "flights": "tailnum", "nass_crash": "case_group", "nls_wages": "idcode", "storms": "storm_id",
}  # fmt: skip
"""Columns that say which rows belong together."""


@dataclass(frozen=True)
class Table:
    """Rows to seal, learn from and judge by.

    Attributes:
        features: Shape (n, d).
        target: Labels or values, shape (n,).
        task: What is predicted.
        groups: Which rows belong together, shape (n,); None where each stands for itself.
        boosted: Whether trees learn it; else a linear model.
    """

    features: Floats
    target: Labels
    task: Task
    groups: np.ndarray[Any, np.dtype[np.int64]] | None = None
    boosted: bool = False


def simulated(random: np.random.Generator, task: Task, share: float, size: int, n: int) -> Table:
    """A linear law with noise; in groups of a size, of which each is shifted, where it is not 0.

    Args:
        random: What draws it.
        task: What is predicted.
        share: Of positive rows, about.
        size: Rows of a group.
        n: Rows.
    """
    features = random.normal(size=(n, 5))
    groups = np.arange(n) // size if size else None
    signals = features @ random.normal(size=(5, 3)) * 0.6 + random.logistic(size=(n, 3))
    if groups is not None:
        signals += random.normal(size=(groups.max() + 1, 3))[groups]
    target: Labels
    if task is Task.REGRESSION:
        target = signals[:, 0]
    elif task is Task.BINARY:
        target = (signals[:, 0] > np.quantile(signals[:, 0], 1 - share)).astype(np.int64)
    else:
        target = signals.argmax(axis=1)
    return Table(features, target, task, groups)


DESIGNS = {
    f"{kind}, {'groups' if size else 'rows'}, n={n}": partial(
        simulated, task=task, share=share, size=size, n=n
    )
    for kind, (task, share) in {
        "half positive": (Task.BINARY, 0.5),
        "10% positive": (Task.BINARY, 0.1),
        "three classes": (Task.MULTICLASS, 0.0),
        "regression": (Task.REGRESSION, 0.0),
    }.items()
    for size, n in ((0, 500), (0, 2000), (5, 1000), (10, 3000))
}


def read(random: np.random.Generator, path: Path, grouped: bool) -> Table:
    """Some rows of a real table; what is no number is numbered, by how often it occurs."""
    frame = pd.read_parquet(path).dropna(subset=[TARGETS[path.stem]])
    members = frame[GROUPED[path.stem]].astype(str) if grouped else None
    if members is None:
        kept = random.permutation(len(frame))[:MOST_ROWS]
    else:
        codes = pd.factorize(members)[0]
        order = random.permutation(codes.max() + 1)[codes].argsort(kind="stable")
        kept = order[:MOST_ROWS]
    frame = frame.iloc[np.sort(kept)].reset_index(drop=True)
    target = frame.pop(TARGETS[path.stem])
    columns = [_numbers(frame[name]) for name in frame if name != GROUPED.get(path.stem)]
    numeric = pd.api.types.is_numeric_dtype(target) and target.nunique() > 20
    groups = None
    if grouped:
        groups = pd.factorize(members.iloc[np.sort(kept)])[0].astype(np.int64)
    if numeric:
        task, labels = Task.REGRESSION, target.to_numpy(np.float64)
    else:
        many = target.astype(str).map(target.astype(str).value_counts()) >= 2 * FOLDS
        labels = pd.factorize(target.astype(str)[many], sort=True)[0].astype(np.int64)
        columns = [each[many.to_numpy()] for each in columns]
        groups = groups[many.to_numpy()] if groups is not None else None
        task = Task.BINARY if labels.max() == 1 else Task.MULTICLASS
    return Table(np.column_stack(columns), labels, task, groups, boosted=True)


def _numbers(column: pd.Series) -> Floats:
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.astype("float64").to_numpy()
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.astype("int64").to_numpy(np.float64)
    text = column.astype(str)
    order = {value: place for place, value in enumerate(text.value_counts().index)}
    return text.map(order).to_numpy(np.float64)


def judged(table: Table, seed: int) -> dict[str, dict[str, Any]]:
    """Of each metric: announced, sealed, and the interval of the difference."""
    schema = Schema((), "target", table.task, _labels(table))
    strata = table.target if table.task.is_classification else None
    n = len(table.target)
    if table.groups is None:
        sealed = drawn(n, strata, SEALED, seed)
    else:
        sealed = drawn_groups(table.groups, strata, SEALED, seed)
    features, target = table.features[~sealed], table.target[~sealed]
    strata = target if strata is not None else None
    groups = table.groups[~sealed] if table.groups is not None else None
    if groups is None:
        folds = dealt(len(target), strata, FOLDS, seed)
    else:
        folds = dealt_groups(groups, strata, FOLDS, seed)
    crossed = _crossed(table, features, target, folds, schema)
    primary = default_primary(table.task)
    settings = EvaluationSettings()
    assessed = assess(
        [(crossed, folds)], {}, target, schema,
        settings=settings, primary=primary, learner="learner", clusters=groups,
    )  # fmt: skip
    said = _said(table, features, target, table.features[sealed], schema)
    decided = None
    if assessed.calibrated is not None:
        said = assessed.calibrated.applied(said)
    if assessed.threshold is not None:
        assert said.probabilities is not None
        decided = decide(said.probabilities[:, 1], assessed.threshold.value)
    known = table.groups[sealed] if table.groups is not None else None
    outcome = outcome_of(said, table.target[sealed], schema, decided, clusters=known)
    [after] = replicate([outcome], settings.resamples)
    found = {}
    for name in assessed.judged.replicates.values:
        difference = independent(
            assessed.judged.replicates, after,
            task=table.task, metric=name, level=settings.confidence, names=("announced", "sealed"),
        )  # fmt: skip
        estimate = difference.estimate
        found[name] = {
            "is_primary": name == primary,
            "announced": difference.first,
            "sealed": difference.second,
            "low": estimate.low,
            "high": estimate.high,
        }
    return found


def _labels(table: Table) -> tuple[int, ...]:
    return tuple(np.unique(table.target).tolist()) if table.task.is_classification else ()


def _crossed(
    table: Table, features: Floats, target: Labels, folds: np.ndarray[Any, Any], schema: Schema
) -> Predictions:
    """Out-of-fold predictions of all rows."""
    rows = np.arange(len(target))
    values = np.zeros((len(rows), max(1, len(schema.classes))))
    for fold in np.unique(folds):
        out = folds == fold
        each = _said(table, features[~out], target[~out], features[out], schema)
        known = each.probabilities if each.probabilities is not None else each.values[:, None]
        values[out] = known
    if table.task.is_classification:
        return Predictions(rows, probabilities=values, classes=np.array(schema.classes))
    return Predictions(rows, values=values[:, 0])


def _said(
    table: Table, features: Floats, target: Labels, of: Floats, schema: Schema
) -> Predictions:
    """What the learner, fitted on some rows, says of others."""
    rows = np.arange(len(of))
    quick = {"max_iter": 30, "max_leaf_nodes": 15, "random_state": 0}
    if table.task.is_classification:
        if table.boosted:
            model = HistGradientBoostingClassifier(**quick, early_stopping=False)
        else:
            model = LogisticRegression()
        model.fit(features, target)
        values = np.zeros((len(rows), len(schema.classes)))
        values[:, np.searchsorted(schema.classes, model.classes_)] = model.predict_proba(of)
        return Predictions(rows, probabilities=values, classes=np.array(schema.classes))
    if table.boosted:
        model = HistGradientBoostingRegressor(**quick, early_stopping=False)
    else:
        model = LinearRegression()
    return Predictions(rows, values=model.fit(features, target).predict(of))


def one(name: str, make: Callable[[np.random.Generator], Table], seed: int) -> dict[str, Any]:
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        table = make(np.random.default_rng([crc32(name.encode()), seed]))
        return judged(table, seed)


Found = dict[str, list[dict[str, Any]]]


def results(
    made: dict[str, Callable[[np.random.Generator], Table]], seeds: int, jobs: int
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What each design's tables say, when all of them are done."""
    with ProcessPoolExecutor(jobs) as pool:
        begun = {
            name: [pool.submit(one, name, make, seed) for seed in range(seeds)]
            for name, make in made.items()
        }
        for name, each in begun.items():
            yield name, [every.result() for every in each]


def covers(found: Found, name: str | None = None) -> tuple[int, int, int]:
    """Tables, those of them with an interval of a metric, those whose interval holds 0.

    The primary metric of each where no name is given.
    """
    wanted = [
        each
        for tables in found.values()
        for table in tables
        for metric, each in table.items()
        if (each["is_primary"] if name is None else metric == name)
    ]
    given = [each for each in wanted if each["low"] is not None]
    return len(wanted), len(given), sum(each["low"] <= 0 <= each["high"] for each in given)


def bars(found: Found, is_real: bool) -> None:
    parts = {
        "all": found,
        "rows": {name: each for name, each in found.items() if "groups" not in name},
        "groups": {name: each for name, each in found.items() if "groups" in name},
    }
    for part, tables in parts.items():
        n, given, hits = covers(tables)
        if not given:
            continue
        share, allowed = hits / given, noise(given) if part != "all" else 0.0
        if is_real:
            wanted, is_met = f">= {WANTED_REAL:.3f}", share >= WANTED_REAL
        else:
            low, high = 0.93 - allowed, 0.97 + allowed
            wanted, is_met = f"{low:.3f} to {high:.3f}", low <= share <= high
        bar(f"difference holds 0, {part} ({given} of {n} given)", share, wanted, is_met)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="of real tables; else simulated ones")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} tables, {QUICK_SEEDS} seeds")
    parser.add_argument("--tables", type=int, help=f"simulated, {TABLES:,} if not said")
    parser.add_argument("--seeds", type=int, help=f"of each real table, {SEEDS} if not said")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="JSON, written anew after each design or set")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    made: dict[str, Callable[[np.random.Generator], Table]]
    if arguments.folder is None:
        tables = arguments.tables or (QUICK if arguments.quick else TABLES)
        made, seeds = dict(DESIGNS), -(-tables // len(DESIGNS))
    else:
        paths = {path.stem: path for path in sorted(arguments.folder.glob("*.parquet"))}
        made = {name: partial(read, path=paths[name], grouped=False) for name in TARGETS}
        made |= {
            f"{name}, groups": partial(read, path=paths[name], grouped=True) for name in GROUPED
        }
        seeds = arguments.seeds or (QUICK_SEEDS if arguments.quick else SEEDS)
    found: Found = {}
    for name, tables in results(made, seeds, arguments.jobs):
        found[name] = tables
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(summed(found, seeds), indent=1))
        if not arguments.json:
            show(name, tables)
    if arguments.json:
        print(json.dumps(summed(found, seeds)))
    else:
        bars(found, arguments.folder is not None)


def summed(found: Found, seeds: int) -> dict[str, Any]:
    """Counts by design or set, and metric: tables, with an interval, holding 0."""
    names = ("tables", "given", "holds_0")
    return {
        "seeds": seeds,
        "found": {
            name: {
                metric: {
                    "is_primary": tables[0][metric]["is_primary"],
                    **dict(zip(names, covers({name: tables}, metric), strict=True)),
                }
                for metric in tables[0]
            }
            for name, tables in found.items()
        },
    }


def show(name: str, tables: list[dict[str, Any]]) -> None:
    said = []
    for metric, first in tables[0].items():
        n, given, hits = covers({name: tables}, metric)
        mark = " (primary)" if first["is_primary"] else ""
        share = f"{hits / given:.3f}" if given else "-"
        said.append(f"{metric}{mark} {share}" + (f" of {given}/{n}" if given < n else ""))
    print(f"{name}: {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
