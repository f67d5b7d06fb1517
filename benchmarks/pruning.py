"""Pruning: what each rule saves and what it costs, on learning curves of our own learners.

`record` fits random settings of the default spaces in full and keeps every curve; `replay` lets
each pruner go through them, in many orders, as if they were the trials of a search. Saved are
rounds or epochs in all folds; regret is how much worse the best trial left is than the best of all,
in units of the spread (interquartile range) of the scores of the table, paired by order.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TABLES = {
    "german_credit": "class", "ames": "price", "spambase": "type", "soybean": "Class",
    "telco_churn": "churn", "satellite": "classes",
}  # fmt: skip
MOST_ROWS = 1500
ORDERS = 60
FEWEST = 30
"""Trials of a recording below which it says too little."""


def record(path: Path, target: str, learner: str, trials: int, until: float) -> dict[str, Any]:
    """Curves of random settings: the loss at every step of every fold, and what came of it."""
    import optuna
    import pandas as pd

    from assay.evaluation.evaluate import outcome_of
    from assay.evaluation.metrics import METRICS
    from assay.experiment.asking import ask
    from assay.fitting.jobs import Job, fit
    from assay.learners.protocol import FitContext
    from assay.monitor import Answer
    from assay.place import Place
    from assay.searching.asked import asked_for
    from assay.tracking.memory import MemoryStore
    from assay.tracking.recorder import Silence

    class Heard:
        def __init__(self) -> None:
            self.losses: list[float] = []

        def report(self, step: int, metrics: Any) -> Answer:  # noqa: ARG002 - a round, an epoch
            self.losses.append(metrics.get("validation_loss", metrics.get("loss")))
            return Answer.CONTINUE

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    frame = pd.read_parquet(path)
    frame = frame.sample(min(len(frame), MOST_ROWS), random_state=0)
    settings = {"training": {"epochs": 30}} if learner == "mlp" else {}
    os.environ["ASSAY_WORKSPACE"] = tempfile.mkdtemp()
    if True:
        asked = ask(frame, target=target, learner=learner, settings=settings, overrides=())
        place = Place.to_begin(None, MemoryStore())
        asking = asked_for(asked, None, place)
    objective, development = asking.objective, asking.objective.development
    metric = METRICS[development.schema.task][objective.names[0]]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found = []
    for _ in range(trials):
        if time.monotonic() > until:
            break
        tried = asking.search.space.ask(study.ask(), asking.search.fixed)
        model, curves, by_fold, parts = asking.make(tried), [], [], []
        for fold in range(objective.folding.count):
            heard = Heard()
            job = Job(model, fold, 0, objective.seed, objective.folding)
            fitted = fit(job, development, FitContext(monitor=heard, recorder=Silence()))
            part = development.take(development.rows.searchsorted(fitted.predictions.rows))
            outcome = outcome_of(fitted.predictions, part.known_target, part.schema)
            curves.append([round(each, 6) for each in heard.losses])
            by_fold.append(metric.of(outcome))
            parts.append(fitted.predictions)
        found.append({"settings": tried, "curves": curves, "by_fold": by_fold})
    return {
        "table": path.stem, "learner": learner, "metric": objective.names[0],
        "greater": metric.greater_is_better, "trials": found,
    }  # fmt: skip


def replay(folder: Path) -> dict[str, Any]:
    """What each rule saves and costs on each recording; regret with a 95 % interval of its mean."""
    from assay.tuning import pruning

    def folds_alone(heard: Any, complete: Any) -> bool:
        return max(heard) >= pruning.FOLD_STEP and median(heard, complete)

    def median(heard: Any, complete: Any) -> bool:
        """Optuna's: at every round of the first fold, and at the running mean of the folds."""
        step = max(heard)
        if len(complete) < pruning.STARTUP_TRIALS or step <= pruning.WARMUP_STEPS:
            return False
        of_kind = [
            v for at, v in heard.items() if (at >= pruning.FOLD_STEP) == (step >= pruning.FOLD_STEP)
        ]
        own = of_kind[-1] if step >= pruning.FOLD_STEP else min(of_kind)
        others = [each[step] for each in complete if step in each]
        return bool(others) and own > np.median(others)

    rules = {"median at every step": median, "median of folds": folds_alone}
    reaches = (0.0, 0.5, 0.75, 1.0, 1.5)
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        recorded = json.loads(path.read_text())
        if len(recorded["trials"]) < FEWEST:
            continue
        trials = [_heard(each, recorded["greater"]) for each in recorded["trials"]]
        table = found.setdefault(f"{recorded['learner']} {recorded['table']}", {"n": len(trials)})
        for name, rule in rules.items():
            table[name] = _replayed(trials, rule)
        for reach in reaches:
            pruning.REACH = reach
            table[f"default, reach {reach:g}"] = _replayed(trials, pruning.falls_behind)
    return found


def _heard(trial: dict[str, Any], greater: bool) -> dict[str, Any]:
    """What a study hears of a trial, with the rounds or epochs done until then."""
    from assay.tuning.objective import _is_told
    from assay.tuning.pruning import FOLD_STEP

    scores = np.array(trial["by_fold"]) * (-1 if greater else 1)
    means = np.cumsum(scores) / np.arange(1, len(scores) + 1)
    steps = [
        (step, loss, step) for step, loss in enumerate(trial["curves"][0], 1) if _is_told(step)
    ]
    done = np.cumsum([len(each) for each in trial["curves"]])
    steps += [(FOLD_STEP + k, mean, n) for k, (mean, n) in enumerate(zip(means, done, strict=True))]
    return {"steps": steps, "score": means[-1], "cost": int(done[-1])}


def _replayed(trials: list[dict[str, Any]], rule: Any) -> dict[str, Any]:
    """Share of rounds saved and regret, over many orders of the trials."""
    scores = np.array([each["score"] for each in trials])
    unit = np.subtract(*np.quantile(scores, [0.75, 0.25]))
    saved, regret = [], []
    for order in range(ORDERS):
        complete: list[dict[int, float]] = []
        left, spent = [], 0
        for place in np.random.default_rng(order).permutation(len(trials)):
            trial, heard = trials[place], {}
            for step, value, done in trial["steps"]:
                heard[step] = value
                if done < trial["cost"] and rule(heard, complete):
                    spent += done
                    break
            else:
                spent += trial["cost"]
                complete.append(heard)
                left.append(trial["score"])
        saved.append(1 - spent / sum(each["cost"] for each in trials))
        regret.append((min(left) - scores.min()) / unit)
    half = 1.96 * np.std(regret, ddof=1) / np.sqrt(ORDERS)
    return {
        "saved": round(float(np.mean(saved)), 3),
        "regret": round(float(np.mean(regret)), 4),
        "regret_95": [round(float(np.mean(regret) + s * half), 4) for s in (-1, 1)],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "replay"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--curves", type=Path, required=True, help="where recordings are")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--learners", nargs="+", default=["boosting", "mlp"])
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=600, help="for each table and learner")
    asked = parser.parse_args()
    if asked.what == "record":
        for learner in asked.learners:
            for table in asked.tables:
                begun = time.monotonic()
                curves = record(
                    asked.data / f"{table}.parquet", TABLES[table], learner, asked.trials,
                    begun + asked.seconds,
                )  # fmt: skip
                asked.curves.mkdir(parents=True, exist_ok=True)
                (asked.curves / f"{learner}-{table}.json").write_text(json.dumps(curves))
                print(learner, table, len(curves["trials"]), round(time.monotonic() - begun), "s")
    else:
        found = replay(asked.curves)
        if asked.json:
            print(json.dumps({"orders": ORDERS, "tables": found}, indent=1))
        else:
            for table, rules in found.items():
                for rule, each in rules.items():
                    print(table, rule, each)
