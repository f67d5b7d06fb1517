"""Law 3: the same file, data and seed give the same bits, with any number of workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from tests.tables import table

FEW = {"forest": {"trees": 20}, "boosting": {"max_rounds": 40}}


def bits(
    task: Task, learner: str, workers: int
) -> tuple[pa.Table, pd.DataFrame, list[float], dict]:
    """Out-of-fold predictions, the model's predictions, the seeds' metrics, the importances."""
    store = MemoryStore()
    frame = table(task, n=700)
    frame["city"] = [f"city {i % 300}" for i in range(700)]
    frame["when"] = pd.date_range("2026-01-01", periods=700)
    frame["said"] = [f"one of {i} sentences of many words" for i in range(700)]
    run = assay.train(
        frame,
        target="y",
        learner=learner,
        settings={
            "model": {"options": FEW.get(learner, {})},
            "training": {"seeds": 2},
            "evaluation": {"resamples": 200},
            "prediction": {"unseen_category": "impute"},
        },
        workers=workers,
        store=store,
    )
    model = store.model(run.run_id, Path())[0]
    predicted = assay.predict(str(model), frame)
    importance = {each.feature: each.drop.value for each in run.importance}
    return store.table(run.run_id, "out_of_fold"), predicted, list(run.seeds), importance


@pytest.mark.parametrize("learner", ["linear", "forest", "boosting"])
def test_workers_change_no_bit(learner: str) -> None:
    alone, together = bits(Task.BINARY, learner, 1), bits(Task.BINARY, learner, 2)
    assert alone[0].equals(together[0])
    pd.testing.assert_frame_equal(alone[1], together[1], check_exact=True)
    assert alone[2:] == together[2:]


BITS = """
import hashlib, sys
import numpy as np, pandas as pd
import assay
from assay.tracking.memory import MemoryStore
random = np.random.default_rng(0)
frame = pd.DataFrame(random.normal(size=(30_000, 20))).rename(columns=lambda n: f"x{n}")
frame["y"] = (frame.sum(axis=1) + random.normal(size=30_000) > 0).astype(int)
settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200, "calibration": "sigmoid"}}
store = MemoryStore()
run = assay.train(frame, target="y", learner="linear", settings=settings, store=store, workers=1)
rows = store.table(run.run_id, "out_of_fold").to_pandas()
predicted = assay.load(str(store.model(run.run_id, None)[0])).predict_proba(frame)
print(hashlib.sha256(rows.to_numpy().tobytes() + predicted.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_threads_of_the_environment_change_no_bit() -> None:
    said = []
    for threads in ("1", "2"):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        done = subprocess.run(
            [sys.executable, "-c", BITS],
            env={**os.environ, **limits},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(done.stdout.strip())
    assert said[0] == said[1]


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_twice_the_same_is_the_same(task: Task) -> None:
    first, second = bits(task, "boosting", 1), bits(task, "boosting", 1)
    assert first[0].equals(second[0])
    pd.testing.assert_frame_equal(first[1], second[1], check_exact=True)
    assert first[2:] == second[2:]
