"""Answers and records of runs as somebody would hand them over, honest unless spoiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from assay.data.schema import Task
from tests.contracts.handed import Handed, parted
from tests.tables import table

CLASSES = {Task.BINARY: ["no", "yes"], Task.MULTICLASS: ["high", "low", "middle"]}


def handed(task: Task, n: int = 3000, seed: int = 0, **given: Any) -> Handed:
    """A table whose target is drawn from known probabilities, and honest answers to its test rows.

    The answers say these very probabilities: nothing is better calibrated.
    """
    random = np.random.default_rng(seed)
    frame = table(task, n, seed)
    score = frame["a"] + 0.5 * frame["b"].fillna(0) + (frame["kind"] == "red")
    if task is Task.REGRESSION:
        said = pd.DataFrame({"pred": score * 10})
        frame["y"] = score * 10 + random.normal(scale=8, size=n)
    else:
        shares = probabilities(score.to_numpy(), task)
        drawn = (shares.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1)
        labels = np.array(CLASSES[task], dtype=object)
        frame["y"] = labels[drawn]
        said = pd.DataFrame({f"proba_{each}": shares[:, k] for k, each in enumerate(labels)})
        said["pred"] = labels[shares.argmax(axis=1)]
    both = parted(frame, 0.5)
    answers = said.tail(len(both.test)).reset_index(drop=True)
    answers.insert(0, "y_true", both.test["y"])
    settings = {"positive": "yes"} if task is Task.BINARY else {}
    return Handed(both.train, both.test, {"predictions": answers, **given}, settings)


def probabilities(score: np.ndarray, task: Task, sharper: float = 1.0) -> np.ndarray:
    """Of each class, shape (n, k)."""
    scores = np.stack(
        [-score, score] if task is Task.BINARY else [score, -score, 0 * score], axis=1
    )
    raised = np.exp(sharper * scores)
    return raised / raised.sum(axis=1, keepdims=True)


def spoiled(honest: Handed, **columns: Any) -> Handed:
    """The same with other columns of answers."""
    answers = honest.given["predictions"].assign(**columns)
    return replace(honest, given={**honest.given, "predictions": answers})


def record(n: int = 30, seed: int = 0, tested: int = 0, **log: Any) -> dict[str, Any]:
    """Runs of as many settings, the best by validation chosen; the last `tested` have a test score.

    The chosen run has one in any case: it was measured once, as it should be.
    """
    random = np.random.default_rng(seed)
    worth = 0.8 + 0.02 * random.normal(size=n)
    runs: list[dict[str, Any]] = [
        {
            "run": number,
            "time": f"2025-01-{1 + number % 28:02d}T10:00:00",
            "params": {"lr": round(float(random.uniform()), 6), "depth": int(random.integers(9))},
            "val_auc": round(float(worth[number] + 0.02 * random.normal()), 4),
        }
        for number in range(n)
    ]
    best = max(runs, key=lambda each: each["val_auc"])
    for number, each in enumerate(runs):
        if each is best or number >= n - tested:
            each["test_auc"] = round(float(worth[number] + 0.02 * random.normal()), 4)
    reported = {"split": "test", "auc": best["test_auc"]}
    return {"metric": "auc", "direction": "maximize", "selected_run": best["run"],
            "reported": reported, "runs": runs, **log}  # fmt: skip


def chosen_by_test(log: Mapping[str, Any]) -> dict[str, Any]:
    """The same, but that the run of the best test score is chosen."""
    best = max(log["runs"], key=lambda each: each.get("test_auc", -1))
    reported = {"split": "test", "auc": best["test_auc"]}
    return {**log, "selected_run": best["run"], "reported": reported}


def beside(task: Task, gain: float, seeds: int, seed: int = 0, **log: Any) -> Handed:
    """Answers of two models to the same rows: B's are better by `gain`, or nearer for a number."""
    random = np.random.default_rng(seed)
    frame = table(task, 2000)
    both = parted(frame, 0.5)
    truth = both.test["y"].to_numpy()
    parts = []
    for number in range(seeds):
        part = {"y_true": truth, "seed": number}
        for name, more in (("a", 0.0), ("b", gain)):
            part[f"pred_{name}"] = _answers(task, truth, more, random)
        parts.append(pd.DataFrame(part))
    metric = "mae" if task is Task.REGRESSION else "accuracy"
    told = {"metric": metric, "claim": "B is better than A", **log}
    return Handed(both.train, both.test, {"predictions": pd.concat(parts), "log": told})


def _answers(task: Task, truth: np.ndarray, more: float, random: np.random.Generator) -> np.ndarray:
    n = len(truth)
    if task is Task.REGRESSION:
        return truth + random.normal(scale=10 * (1 - more), size=n)
    classes = CLASSES[task]
    other = {each: classes[k - 1] for k, each in enumerate(classes)}
    is_right = random.random(n) < 0.75 + more
    return np.where(is_right, truth, [other[each] for each in truth])
