"""Whether the number that a search announces for its winner is what sealed rows then say.

Tables are drawn from known laws; a fifth of their rows is sealed, the others are searched by
`assay tune`, and the winner is evaluated on the sealed rows, all as a user would have it. The 95 %
interval of the difference between the sealed and the announced, corrected number should hold
nothing in 95 % of the tables. What was measured is appended to a file and not measured again.

    python benchmarks/announced_tuned.py --out results.jsonl --processes 2
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from announced import simulated
from assay.data.schema import Task
from bars import bar

TABLES, QUICK = 10, 1
"""Of each kind of task, size and search: every search has tables of its own."""
WANTED = 0.93
TASKS = {
    "half positive": (Task.BINARY, 0.5),
    "20% positive": (Task.BINARY, 0.2),
    "three classes": (Task.MULTICLASS, 0.0),
    "regression": (Task.REGRESSION, 0.0),
}
ROWS = 500, 1500
SEARCHES: dict[str, dict[str, Any]] = {
    "linear": {
        "model": {"learner": "linear"},
        "tuning": {"trials": 12, "space": {"options.C": {"low": 1e-4, "high": 10, "log": True}}},
    },
    "boosting": {
        "model": {"learner": "boosting", "options": {"max_rounds": 40}},
        "tuning": {"trials": 8},
    },
    "auto": {"model": {"learner": "auto"}, "tuning": {"trials": 5}},
}


def measured(kind: str, rows: int, search: str, number: int) -> dict[str, Any]:
    """One table, searched and opened."""
    import assay
    from assay.tracking.memory import MemoryStore

    place = Path(tempfile.mkdtemp(prefix="announced-"))
    os.environ |= {"ASSAY_WORKSPACE": str(place), "ASSAY_LEDGER": str(place / "ledger.db")}
    warnings.simplefilter("ignore")
    task, share = TASKS[kind]
    seeds = [number, rows, [*TASKS].index(kind), [*SEARCHES].index(search)]
    drawn = simulated(np.random.default_rng(seeds), task, share, 0, rows)
    frame = pd.DataFrame(drawn.features, columns=[f"x{each}" for each in range(5)])
    store = MemoryStore()
    found = assay.tune(
        frame.assign(y=drawn.target),
        target="y",
        settings={**SEARCHES[search], "data": {"split": {"seed": number}}},
        workers=1,
        store=store,
    )
    tested = assay.evaluate(found.run, on="test", store=store).test
    assert tested is not None
    assert tested.difference is not None
    estimate = tested.difference.estimate
    return {
        "kind": kind, "rows": rows, "search": search, "number": number,
        "metric": found.run.evaluation.primary, "announced": tested.difference.first,
        "sealed": tested.difference.second, "low": estimate.low, "high": estimate.high,
    }  # fmt: skip


def summary(lines: list[dict[str, Any]]) -> None:
    told = [each for each in lines if each["low"] is not None]
    for search in SEARCHES:
        some = [each for each in told if each["search"] == search]
        if some:
            covered = sum(each["low"] <= 0 <= each["high"] for each in some)
            differences = [each["sealed"] - each["announced"] for each in some]
            print(
                f"{search}: {covered} of {len(some)}, mean difference {np.mean(differences):+.4f}"
            )
    covered = [each["low"] <= 0 <= each["high"] for each in told]
    share = float(np.mean(covered))
    bar("announced-tuned", share, f">= {WANTED}, of {len(told)}", share >= WANTED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    known = []
    if asked.out is not None and asked.out.exists():
        known = [json.loads(line) for line in asked.out.read_text().splitlines()]
    done = {(each["kind"], each["rows"], each["search"], each["number"]) for each in known}
    wanted = [
        (kind, rows, search, number)
        for number in range(QUICK if asked.quick else TABLES)
        for kind in TASKS
        for rows in (ROWS[:1] if asked.quick else ROWS)
        for search in SEARCHES
        if (kind, rows, search, number) not in done
    ]
    with ProcessPoolExecutor(asked.processes) as pool:
        for future in as_completed([pool.submit(measured, *each) for each in wanted]):
            known.append(future.result())
            if asked.out is not None:
                with asked.out.open("a") as file:
                    file.write(json.dumps(known[-1]) + "\n")
    print(json.dumps(known)) if asked.json else summary(known)


if __name__ == "__main__":
    main()
