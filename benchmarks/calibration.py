"""Whether the calibration test and its error keep their word, and whether calibrating does good.

First simulated: probabilities that are right, and ones of twice the log odds. How often the test
says 'miscalibrated', what the plain and the debiased squared error are on average beside the true
one in the same bins, and how often the interval covers it. Then real tables: each model is
cross-fitted on development rows, calibration is chosen as training chooses it, and the sealed rows
tell the log loss and the error with and without it. Tables are whole unless fewer rows are asked
for; classes of fewer than 15 rows are left out.

Shares of n repetitions are uncertain by 3 sqrt(0.05 * 0.95 / n), which the bars allow for. Effects
are pooled over tables, each of which counts the same, with t intervals.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.ensemble import AdaBoostClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

from assay.data.dataset import Part
from assay.data.schema import Task, label_array
from assay.data.sources import read_table
from assay.evaluation.calibration import calibrate
from assay.evaluation.metrics import METRICS
from assay.evaluation.miscalibration import binned, event, miscalibration
from assay.evaluation.outcome import Outcome
from assay.experiment.asking import ask
from assay.fitting.cross_fit import _consensus
from assay.fitting.jobs import fit
from assay.learners.estimators import EstimatorLearner
from assay.learners.preprocessing import one_hot
from assay.predictions import Predictions
from assay.steps import made_ready
from assay.threads import one_numerical_thread
from bars import LEVEL, bar, noise

TARGETS = {
    "adult": "income", "attrition": "Attrition", "bird_strikes": "phase_of_flt",
    "breast_cancer_ids": "Class", "covid_testing": "result", "credit_status": "Status",
    "german_credit": "class", "lending_club": "Class", "letter": "lettr",
    "mpls_stops": "problem", "nass_crash": "dead", "penguins": "Species",
    "satellite": "classes", "soybean": "Class", "spambase": "type",
    "stackoverflow_remote": "Remote", "storms": "status", "taxi_tip": "tip",
    "telco_churn": "churn", "titanic": "survived",
}  # fmt: skip
QUICK = ("german_credit", "titanic", "penguins")


def _naive(train: Part, seed: int) -> Pipeline:
    """Naive Bayes on dense numbers."""
    preprocess = one_hot(train, seed)
    preprocess.set_params(sparse_threshold=0.0)
    return Pipeline([("preprocess", preprocess), ("estimator", GaussianNB())])


MODELS: dict[str, Any] = {
    "linear": "linear",
    "boosting": "boosting",
    "forest": "forest",
    "naive Bayes": EstimatorLearner("GaussianNB", _naive),
    "AdaBoost": AdaBoostClassifier(random_state=0),
}
SET_RIGHT = ("naive Bayes", "AdaBoost", "forest")
MOST_ROWS = 100_000
REPETITIONS = 1000


@dataclass(frozen=True)
class Law:
    """Where rows come from.

    Attributes:
        name: What is special about it.
        shift: Mean log odds, of a binary task.
        spread: Standard deviation of the log odds.
        n_classes: Number of classes.
    """

    name: str
    shift: float
    spread: float
    n_classes: int = 2


LAWS = [
    Law("balanced", 0, 1.5),
    Law("7 % positive", -3, 1),
    Law("1 % positive", -5, 1),
    Law("easy", 0, 5),
    Law("5 classes", 0, 1.5, 5),
    Law("5 easy classes", 0, 6, 5),
]


def drawn(
    random: np.random.Generator, law: Law, n: int, sharpness: float
) -> tuple[Outcome, np.ndarray]:
    """An outcome, and the true probability of what is looked at."""
    logits = random.normal(size=(n, law.n_classes)) * law.spread
    if law.n_classes == 2:
        logits = np.column_stack([np.zeros(n), law.shift + logits[:, 0]])
    true, said = _softmax(logits), _softmax(sharpness * logits)
    truth = (true.cumsum(axis=1) < random.random((n, 1))).sum(axis=1).clip(max=law.n_classes - 1)
    task = Task.BINARY if law.n_classes == 2 else Task.MULTICLASS
    outcome = Outcome(
        task, np.arange(n), truth, tuple(range(law.n_classes)), said, said.argmax(axis=1)
    )
    looked_at = true[:, 1] if task is Task.BINARY else true[np.arange(n), said.argmax(axis=1)]
    return outcome, looked_at


def simulated(law: Law, repetitions: int) -> dict[str, dict[str, float]]:
    """By rows and sharpness: rejections, squared errors and coverage."""
    return {
        f"n={n}, {'right' if sharpness == 1 else 'twice the log odds'}": _simulated(
            law, n, sharpness, repetitions
        )
        for n in (100, 400, 2000, 10_000)
        for sharpness in (1.0, 2.0)
    }


def _simulated(law: Law, n: int, sharpness: float, repetitions: int) -> dict[str, float]:
    random = np.random.default_rng(0)
    squares, covered, rejected = [], [], 0
    for _ in range(repetitions):
        outcome, true = drawn(random, law, n, sharpness)
        said, happened = event(outcome)
        seen, real = binned(outcome, said, happened), binned(outcome, said, true)
        squares.append([seen.plain, seen.debiased, real.plain])
        found = miscalibration(outcome, LEVEL)
        rejected += found.p is not None and found.p < 1 - LEVEL
        if found.error.low is not None and found.error.high is not None:
            covered.append(found.error.low <= real.plain**0.5 + 1e-9 <= found.error.high + 2e-9)
    plain, debiased, real = np.mean(squares, axis=0)
    off = np.subtract(*np.transpose(squares)[1:])
    return {
        "said to be off": rejected / repetitions,
        "squared error, plain": plain,
        "squared error, debiased": debiased,
        "squared error, true": real,
        "bias in standard errors": off.mean() / (off.std(ddof=1) / repetitions**0.5),
        "with interval": len(covered) / repetitions,
        "covered": float(np.mean(covered)) if covered else float("nan"),
    }


def calibrated(
    path: Path, target: str, most_rows: int = MOST_ROWS, models: Sequence[str] = tuple(MODELS)
) -> dict[str, Any]:
    """A table: for each model, sealed log loss and error as it is and as it would be logged."""
    table = read_table(path)
    if table.num_rows > most_rows:
        rows = np.random.default_rng(0).permutation(table.num_rows)[:most_rows]
        table = table.take(np.sort(rows))
    frame = table.to_pandas()
    frame = frame[frame[target].notna()]
    often = frame[target].value_counts()
    frame = frame[frame[target].isin(often[often >= 15].index)].reset_index(drop=True)
    if frame[target].dtype.name == "category":
        frame[target] = frame[target].astype(str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: _judged(frame, target, MODELS[name]) for name in models}


def _judged(frame: pd.DataFrame, target: str, model: Any) -> dict[str, Any]:
    settings = {"training": {"seeds": 1}}
    ready = made_ready(ask(frame, target=target, learner=model, settings=settings, overrides=()))
    plan, data = replace(ready.plan, baselines=()), ready.data
    fits = [fit(replace(job, shuffles=False), data.development) for job in plan.first]
    [last] = plan.then(_consensus([each.chosen for each in fits]))
    fitted = fit(last, data.development).model
    assert fitted is not None
    known = Predictions.concatenate([each.predictions for each in fits if each.predictions])
    folds = data.folding.divide(data.development, plan.seed)
    truth = data.schema.codes(data.development.known_target)
    asked = {"task": data.schema.task, "level": LEVEL, "resamples": "auto"}
    with one_numerical_thread():
        chosen = calibrate(
            known, truth[folds.predicted], folds.number[folds.predicted], method="auto", **asked
        )
        said = fitted.predict(data.test.features)
        sealed = data.schema.codes(label_array(frame[target].iloc[data.test.rows].tolist()))
        asis, logged = (
            _outcome(data.schema, each, sealed) for each in (said, chosen.applied(said))
        )
    loss = METRICS[data.schema.task]["log_loss"]
    before, after = (miscalibration(each, LEVEL) for each in (asis, logged))
    return {
        "task": data.schema.task.value,
        "rows": len(data.development),
        "sealed": len(sealed),
        "method": chosen.method,
        "log loss": [loss.of(asis), loss.of(logged)],
        "error": [before.error.value, after.error.value],
        "p": [before.p, after.p],
        "said": [before.verdict, after.verdict],
    }


def _outcome(schema: Any, said: Predictions, truth: np.ndarray) -> Outcome:
    assert said.probabilities is not None
    assert said.classes is not None
    order = [said.classes.tolist().index(label) for label in schema.classes]
    probabilities = said.probabilities[:, order]
    return Outcome(
        schema.task, np.arange(len(truth)), truth, schema.classes, probabilities,
        probabilities.argmax(axis=1),
    )  # fmt: skip


def pooled(gains: list[float]) -> dict[str, float]:
    """The mean over tables with its interval."""
    n, mean = len(gains), float(np.mean(gains))
    far = float(t.ppf((1 + LEVEL) / 2, n - 1) * np.std(gains, ddof=1) / n**0.5)
    return {"mean": mean, "low": mean - far, "high": mean + far, "tables": n}


def effects(tables: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """What the choice changes on sealed rows, after minus before, by model and over all."""
    models = list(next(iter(tables.values())))

    def change(what: str, model: str) -> list[float]:
        return [each[model][what][1] - each[model][what][0] for each in tables.values()]

    found = {
        what: {model: pooled(change(what, model)) for model in models}
        for what in ("log loss", "error")
    }
    for what, by_model in found.items():
        each = np.mean([change(what, model) for model in models], axis=0)
        by_model["all"] = pooled(each.tolist())
    return found


def bars(laws: dict[str, Any], found: dict[str, Any], repetitions: int) -> None:
    """A line per target."""
    wide = noise(repetitions)
    flat = {(law, case): each for law, cases in laws.items() for case, each in cases.items()}
    right = {key: each for key, each in flat.items() if key[1].endswith("right")}
    off = {key: each for key, each in flat.items() if key not in right}
    value, key = max((each["said to be off"], key) for key, each in right.items())
    bar(f"calibrated, said to be off ({', '.join(key)})", value, f"<= {0.05 + wide:.3f}",
        value <= 0.05 + wide)  # fmt: skip
    value, key = min(
        (each["said to be off"], key) for key, each in off.items() if key[1][:5] != "n=100"
    )
    bar(
        f"twice the log odds found, from n = 400 ({', '.join(key)})",
        value,
        ">= 0.800",
        value >= 0.8,
    )
    value, key = max((abs(each["bias in standard errors"]), key) for key, each in flat.items())
    bar(f"bias of the debiased error, standard errors ({', '.join(key)})", value, "<= 4.000",
        value <= 4)  # fmt: skip
    value, key = min(
        (each["covered"], key) for key, each in flat.items() if each["with interval"] >= 0.5
    )
    bar(f"coverage ({', '.join(key)})", value, f">= {0.95 - wide:.3f}", value >= 0.95 - wide)
    if not found:
        return
    for model, each in found["log loss"].items():
        told = f"sealed log loss, {model}, {each['low']:.4f} to {each['high']:.4f}"
        bar(told, each["mean"], "not above 0 beyond noise", each["low"] <= 0, 4)
    for model in (each for each in SET_RIGHT if each in found["error"]):
        each = found["error"][model]
        told = f"sealed calibration error, {model}, {each['low']:.4f} to {each['high']:.4f}"
        bar(told, each["mean"], "below 0 beyond noise", each["high"] < 0, 4)


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="Parquet tables, named as above")
    parser.add_argument("--quick", action="store_true", help=f"100 repetitions, {QUICK}")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--rows", type=int, default=MOST_ROWS, help="most rows of a table")
    parser.add_argument("--models", nargs="+", choices=[*MODELS], default=[*MODELS])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    repetitions = 100 if arguments.quick else arguments.repetitions
    names = QUICK if arguments.quick else tuple(TARGETS)
    paths = [arguments.folder / f"{name}.parquet" for name in names] if arguments.folder else []
    paths = [path for path in paths if path.exists()]
    with ProcessPoolExecutor(arguments.workers) as pool:
        targets = [TARGETS[path.stem] for path in paths]
        judged = pool.map(
            partial(calibrated, most_rows=arguments.rows, models=arguments.models), paths, targets
        )
        laws = pool.map(partial(simulated, repetitions=repetitions), LAWS)
        tables = {path.stem: each for path, each in zip(paths, judged, strict=True)}
        of_laws = {law.name: each for law, each in zip(LAWS, laws, strict=True)}
    found = effects(tables) if len(tables) > 1 else {}
    if arguments.json:
        document = {"laws": of_laws, "tables": tables, "effects": found}
        print(json.dumps({"repetitions": repetitions, "rows": arguments.rows, **document}))
        return
    for law, cases in of_laws.items():
        for case, each in cases.items():
            told = ", ".join(f"{what} {value:.4g}" for what, value in each.items())
            print(f"{law}, {case}\n    {told}")
    for name, models in tables.items():
        for model, each in models.items():
            loss, error = each["log loss"], each["error"]
            print(
                f"{name}, {model}: {each['method']}, log loss {loss[0]:.4f} to {loss[1]:.4f}, "
                f"error {error[0]:.4f} to {error[1]:.4f}"
            )
    bars(of_laws, found, repetitions)


if __name__ == "__main__":
    main()
