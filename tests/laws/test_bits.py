"""Law 3: the same file, data and seed give the same bits, with any number of workers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from tests.tables import table


def bits(
    task: Task, learner: str, workers: int
) -> tuple[pa.Table, pd.DataFrame, list[float], dict]:
    """Out-of-fold predictions, the model's predictions, the seeds' metrics, the importances."""
    store = MemoryStore()
    frame = table(task, n=400)
    run = assay.train(
        frame,
        target="y",
        learner=learner,
        settings={"training": {"seeds": 2}, "evaluation": {"resamples": 200}},
        workers=workers,
        store=store,
    )
    model = store.model(run.run_id, Path())[0]
    predicted = assay.predict(str(model), frame)
    importance = {each.feature: each.drop.value for each in run.importance}
    return store.table(run.run_id, "out_of_fold"), predicted, list(run.seeds), importance


@pytest.mark.parametrize("learner", ["linear", "boosting"])
def test_workers_change_no_bit(learner: str) -> None:
    alone, together = bits(Task.BINARY, learner, 1), bits(Task.BINARY, learner, 2)
    assert alone[0].equals(together[0])
    pd.testing.assert_frame_equal(alone[1], together[1], check_exact=True)
    assert alone[2:] == together[2:]


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_twice_the_same_is_the_same(task: Task) -> None:
    first, second = bits(task, "boosting", 1), bits(task, "boosting", 1)
    assert first[0].equals(second[0])
    pd.testing.assert_frame_equal(first[1], second[1], check_exact=True)
    assert first[2:] == second[2:]
