"""What a search costs besides its fits: beside bare Optuna, by storage, and with several workers.

Overhead: CPU of this process for a trial whose objective is nothing, of our study and of Optuna's
own loop on the same storage, in turn. Workers: trials of one fit each in a minute, of one worker
and of four, each with one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import optuna

from assay.tuning.journal import journal
from assay.tuning.methods import Methods
from assay.tuning.study import SETTINGS, Study, StudyPlace
from bars import bar

TRIALS, ROUNDS = 100, 5
WANTED_MS, WANTED_TIMES = 5.0, 1.7


def value(trial: optuna.Trial) -> float:
    """An objective that is nothing."""
    return trial.suggest_float("x", -1, 1) ** 2 + trial.suggest_int("n", 1, 100, log=True)


def ours(folder: Path) -> None:
    methods = Methods("random", "none", 0)
    study = Study(StudyPlace("s", folder), ["minimize"], {"a": "b"}, methods.sampler_of,
                  methods.pruner_of(["minimize"]))  # fmt: skip
    while (trial := study.claim(TRIALS)) is not None:
        found = value(trial)
        trial.set_user_attr(SETTINGS, trial.params)
        study.optuna.tell(trial, found)
    study.close()


def bare(storage: Any) -> None:
    sampler = optuna.samplers.RandomSampler(seed=0)
    optuna.create_study(study_name="s", storage=storage, sampler=sampler).optimize(value, TRIALS)


def cost(do: Callable[[Path], None]) -> tuple[float, float]:
    """Milliseconds of CPU, and by the clock, for each trial."""
    with tempfile.TemporaryDirectory() as folder:
        cpu, clock = time.process_time(), time.perf_counter()
        do(Path(folder))
        spent = time.process_time() - cpu, time.perf_counter() - clock
    return 1000 * spent[0] / TRIALS, 1000 * spent[1] / TRIALS


def overhead() -> dict[str, dict[str, float]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ways: dict[str, Callable[[Path], None]] = {
        "ours, journal": ours,
        "bare, journal": lambda folder: bare(journal(folder / "journal.log")),
        "bare, SQLite": lambda folder: bare(f"sqlite:///{folder / 'study.db'}"),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, do in ways.items():
            found[name].append(cost(do))
    return {
        name: {"cpu_ms": median(c for c, _ in each), "clock_ms": median(t for _, t in each)}
        for name, each in found.items()
    }


_SEARCH = """
import sys, time, numpy as np, pandas as pd, assay
from assay.tracking.memory import MemoryStore
random = np.random.default_rng(0)
frame = pd.DataFrame(random.normal(size=(3000, 20)), columns=[f"x{n}" for n in range(20)])
frame["y"] = np.where(frame["x0"] + random.normal(size=3000) > 0, "yes", "no")
space = {"options.max_leaves": {"low": 12, "high": 18}}
said = []
def hear(step): said.append((time.perf_counter(), step.done, step.text))
assay.tune(frame, target="y", learner="boosting", store=MemoryStore(), workers=int(sys.argv[1]),
    settings={"data": {"split": {"folds": 2}}, "evaluation": {"resamples": 200}, "tuning": {
    "trials": int(sys.argv[2]), "seeds": 1, "sampler": "random", "pruner": "none", "space": space},
    "model": {"options": {"max_rounds": 300, "patience": 300}}}, announce=hear)
steps = [(at, done) for at, done, text in said if text.startswith("Trying")]
first = next((at, done) for at, done in steps if done >= 4)
last = steps[-1]
print((last[1] - first[1]) / (last[0] - first[0]))
"""


def trials_a_second(workers: int, trials: int) -> float:
    """Trials a second, once all workers have begun."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _SEARCH, str(workers), str(trials)],
            capture_output=True, text=True, check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "ASSAY_WORKSPACE": folder,
                 "ASSAY_LEDGER": f"{folder}/ledger.db"},
        )  # fmt: skip
    return float(done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40, help="for each number of workers")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    found: dict[str, Any] = {"load": load, "trial": overhead()}
    if asked.trials:
        speeds = [
            (trials_a_second(1, asked.trials), trials_a_second(4, asked.trials))
            for _ in range(asked.repeats)
        ]
        found["trials_a_second"] = speeds
        found["times"] = median(four / one for one, four in speeds)
    if asked.json:
        print(json.dumps(found))
    else:
        for name, each in found["trial"].items():
            print(f"{name}: {each['cpu_ms']:.2f} ms CPU, {each['clock_ms']:.2f} ms a trial")
        more = found["trial"]["ours, journal"]["cpu_ms"] - found["trial"]["bare, journal"]["cpu_ms"]
        bar("ms CPU a trial over bare Optuna", more, f"<= {WANTED_MS:g}", more <= WANTED_MS)
        if asked.trials:
            times = found["times"]
            bar("four workers beside one", times, f">= {WANTED_TIMES}", times >= WANTED_TIMES)
        print(f"load at the beginning: {load:.1f}")
