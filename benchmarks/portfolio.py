"""The portfolio of the learner `auto`: which configurations to try first, chosen on public tables.

`measure` cross-fits every configuration of a pool on every table and keeps what it predicted;
`choose` builds, for each kind of task, the list whose ensembles are best on the tables so far, and
says what the same choice without a table is worth on that table (leave one set out).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from benchmarks.tables import TARGETS

from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import LearnerError
from assay.fitting.jobs import Job, fit
from assay.learners.candidates import Candidate
from assay.learners.selection import Errors, selected
from assay.predictions import Predictions

ROWS = 2_500
ROWS_OF = {"letter": 1500, "soybean": 700}
IGNORED = {
    "bird_strikes": ["height", "remarks"], "covid_testing": ["ct_result"],
    "cran_check_time": ["status"], "mpls_stops": ["citationIssued", "personSearch",
    "vehicleSearch"], "nass_crash": ["injSeverity"], "storms": ["category", "wind"],
    "flights": ["dep_time", "dep_delay", "arr_time", "air_time"],
    "movies": [f"r{number}" for number in range(1, 11)], "penguins": ["Individual ID",
    "Sample Number"],
}  # fmt: skip
GROUPS = {"storms": "storm_id", "nls_wages": "idcode"}
FOLDS = 3


def pool() -> list[Candidate]:
    """Every configuration that may get into the portfolio."""
    boosting: list[dict[str, Any]] = [
        {},
        {"learning_rate": 0.05},
        {"max_leaves": 6},
        {"learning_rate": 0.06, "max_leaves": 63, "l2": 10.0, "max_features": 0.3},
    ]
    light: list[dict[str, Any]] = [
        {},
        {"learning_rate": 0.03, "max_leaves": 12, "l2": 5.0, "max_features": 0.5, "max_rows": 0.8},
        {"max_leaves": 63, "min_rows_leaf": 5, "max_features": 0.5, "max_rows": 0.9},
        {"random_splits": True, "max_features": 1.0},
        {"categories": True, "learning_rate": 0.04, "max_features": 0.4},
        {"learning_rate": 0.03, "max_leaves": 127, "min_rows_leaf": 3, "l2": 10.0,
         "max_features": 0.6},
        {"learning_rate": 0.1, "max_leaves": 6, "min_rows_leaf": 10},
    ]  # fmt: skip
    forest: list[dict[str, Any]] = [
        {},
        {"min_rows_leaf": 1, "max_features": 1.0},
        {"min_rows_leaf": 8, "max_features": 0.3},
    ]
    perceptron: list[dict[str, Any]] = [
        {},
        {"width": 256, "learning_rate": 0.001, "l2": 0.03},
        {"width": 64, "learning_rate": 0.005, "l2": 0.0001},
    ]
    linear: list[dict[str, Any]] = [{}, {"C": 0.03}]
    kinds = {"boosting": boosting, "lightgbm": light, "forest": forest, "perceptron": perceptron,
             "linear": linear}  # fmt: skip
    plain = [Candidate(learner=kind, options=each) for kind in kinds for each in kinds[kind]]
    skewed = [
        Candidate(learner="boosting", options={"loss": "gamma", "learning_rate": 0.05}),
        Candidate(learner="lightgbm", options=light[1], logarithm=True),
        Candidate(learner="lightgbm", options={"loss": "gamma"}),
        Candidate(learner="linear", logarithm=True),
        Candidate(learner="perceptron", logarithm=True),
        Candidate(learner="forest", logarithm=True),
    ]
    return [*plain, *skewed]


def measure(folder: Path, out: Path, only: list[str] | None) -> None:
    """Cross-fit the pool on each table, skipping what is there."""
    out.mkdir(parents=True, exist_ok=True)
    for name in only or TARGETS:
        path = out / f"{name}.npz"
        if path.exists() or not (folder / f"{name}.parquet").exists():
            continue
        begun = time.perf_counter()
        kept = _measured(folder, name)
        np.savez_compressed(path, **kept)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", flush=True)


def _measured(folder: Path, name: str) -> dict[str, Any]:
    frame = pq.read_table(folder / f"{name}.parquet").to_pandas()
    frame = frame.dropna(subset=[TARGETS[name]])
    n = ROWS_OF.get(name, ROWS)
    frame = frame.sample(min(n, len(frame)), random_state=0) if name not in GROUPS else frame[:n]
    roles = {"ignore": IGNORED.get(name, [])}
    if name in GROUPS:
        roles["group"] = GROUPS[name]
    asked = {"source": name, "target": TARGETS[name], "roles": roles, "split": {"folds": FOLDS}}
    data = prepare(from_frame(frame, name), DataSettings.model_validate(asked), name)
    part = data.development
    seconds, predicted, told = [], [], []
    for candidate in pool():
        if not candidate.is_available or not candidate.suits(part):
            continue
        begun = time.process_time()
        try:
            parts = [
                fit(Job(candidate.recipe, fold, 0, 0, data.folding), part).predictions
                for fold in range(FOLDS)
            ]
        except LearnerError as error:
            print(f"{name}: {candidate.told}: {error.what}", flush=True)
            continue
        seconds.append(time.process_time() - begun)
        predicted.append(Predictions.concatenate([each for each in parts if each is not None]))
        told.append(candidate.model_dump_json())
    errors = Errors.of(predicted, part.known_target, part.schema, part.weights)
    return {"values": errors.values.astype(np.float32), "of_classes": errors.of_classes,
            "seconds": seconds, "told": told, "task": part.schema.task.value,
            "spread": 1.0 if errors.of_classes else float(np.var(part.known_target))}  # fmt: skip


class Table:
    """What was measured on one table."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as held:
            values = held["values"].astype(np.float64)
            self.task, self.spread = str(held["task"]), float(held["spread"])
            self.errors = Errors(values, bool(held["of_classes"]), np.ones(values.shape[1]))
            self.places = {str(each): number for number, each in enumerate(held["told"])}
            self.seconds = held["seconds"]
        self.name = path.stem
        self.halves = np.random.default_rng(0).permutation(values.shape[1]) % 2 == 0
        self.least = min(self.errors.alone)

    def loss(self, names: list[str]) -> float:
        """Of the ensemble of some configurations, selected on one half of the rows, judged on the
        other, and the other way round; relative to the best single configuration."""
        places = [self.places[each] for each in names if each in self.places]
        if not places:
            return 3.0
        some = Errors(self.errors.values[places], self.errors.of_classes, self.errors.weights)
        total = 0.0
        for half in (self.halves, ~self.halves):
            weights = selected(some.take(~half))
            judged = some.take(half)
            total += float(judged.losses(weights @ judged.values)) / 2
        return total / self.least


def chosen(tables: list[Table], length: int) -> list[str]:
    """The list that lowers the mean of the tables' losses most, one configuration at a time."""
    names = list(dict.fromkeys(name for table in tables for name in table.places))
    taken: list[str] = []
    for _ in range(length):
        losses = {
            name: float(np.mean([table.loss([*taken, name]) for table in tables]))
            for name in names
            if name not in taken
        }
        taken.append(min(losses, key=lambda each: losses[each]))
    return taken


def choose(out: Path, length: int) -> None:
    """Print the portfolio of each kind of task, and what it is worth on tables left out."""
    tables = [Table(path) for path in sorted(out.glob("*.npz"))]
    for task in ("binary", "multiclass", "regression"):
        own = [each for each in tables if each.task == task]
        print(f"== {task}: {len(own)} tables")
        names = chosen(own, length)
        for number, name in enumerate(names, start=1):
            mean = np.mean([each.loss(names[:number]) for each in own])
            seconds = np.mean(
                [each.seconds[each.places[name]] for each in own if name in each.places]
            )
            print(f"{mean:.4f}  {seconds:.1f} s  {name}")
        for each in own:
            others = [other for other in own if other is not each]
            left_out = each.loss(chosen(others, length))
            print(json.dumps({"table": each.name, "left out": round(left_out, 4),
                              "chosen with it": round(each.loss(names), 4),
                              "all": round(each.loss(list(each.places)), 4)}))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("do", choices=["measure", "choose"])
    parser.add_argument("out", type=Path, help="Where what was measured is kept")
    parser.add_argument("--folder", type=Path, help="Of the tables")
    parser.add_argument("--only", nargs="*", help="Only these tables")
    parser.add_argument("--length", type=int, default=10)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.do == "measure":
        measure(arguments.folder, arguments.out, arguments.only)
    else:
        choose(arguments.out, arguments.length)


if __name__ == "__main__":
    main()
