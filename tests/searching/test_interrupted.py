"""A search of `auto` that is interrupted, or killed, goes on with the same command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.data.schema import Task
from assay.errors import InputError, LearnerError
from assay.inference.loading import load_folder
from assay.monitor import Step, silent
from assay.searching.auto import FoundEnsemble
from assay.tracking.memory import MemoryStore
from assay.tracking.runs import CHOSEN_AMONG
from tests.tables import table
from tests.tuning.test_auto import QUICK

ROOT = Path(__file__).parents[2]
TRIALS = {"trials": 4}


def tune(
    store: MemoryStore, tuning: dict[str, Any] = TRIALS, *, rows: int = 200,
    announce: Callable[[Step], None] = silent, workers: int = 1, study: str = "s",
    task: Task = Task.BINARY, **more: Any,
) -> FoundEnsemble:  # fmt: skip
    settings = {
        "data": {"split": {"folds": 3}},
        "evaluation": {"resamples": 200},
        "model": {"options": {"candidates": QUICK}},
        "tuning": tuning,
        **more,
    }
    found = assay.tune(table(task, rows), target="y", learner="auto", settings=settings,
                       study=study, workers=workers, store=store, announce=announce)  # fmt: skip
    assert isinstance(found, FoundEnsemble)
    return found


def stop_after(fits: int) -> Callable[[Step], None]:
    """Ctrl-C after so many fits."""

    def told(step: Step) -> None:
        if step.text == "Trying configurations" and f" {fits} fits" in step.detail:
            raise KeyboardInterrupt

    return told


def told(found: FoundEnsemble, store: MemoryStore, folder: Path) -> dict[str, Any]:
    """All that must be the same, but for what was measured by the clock."""
    kept, digest = store.model(found.run.run_id, folder)
    rows = table(Task.BINARY, 200, seed=1).drop(columns="y")
    board = [(each.number, each.candidate, each.score, each.weight, each.reason)
             for each in found.leaderboard.rows]  # fmt: skip
    return {
        "said": load_folder(kept, name="auto", expected=digest).predict_proba(rows).tolist(),
        "board": board,
        "corrected": found.corrected,
        "metrics": {name: each.as_dict() for name, each in found.run.metrics.items()},
        "importance": [each.as_dict() for each in found.run.importance],
        "baselines": {each.name: each.gain.as_dict() for each in found.run.baselines},
    }


def studies(folder: Path) -> list[Path]:
    """What is kept of searches, by the workspace of a test."""
    return [*(folder / "workspace" / "studies").glob("*")]


def test_killed_it_loses_nothing_that_ended(tmp_path: Path) -> None:
    code = (
        "from tests.searching.test_interrupted import tune\n"
        "from assay.tracking.memory import MemoryStore\n"
        "import time\n"
        "tune(MemoryStore(), announce=lambda step: time.sleep(0.3))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, start_new_session=True)
    folder = tmp_path / "workspace" / "studies" / "s" / "auto" / "fits"
    deadline = time.monotonic() + 120
    while len([*folder.glob("*.npz")]) < 4:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    with pytest.raises(InputError) as caught:
        tune(MemoryStore())
    assert caught.value.what == "The study s is being searched by another process."
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    ended = {each: each.stat().st_mtime_ns for each in folder.glob("*.npz")}
    store = MemoryStore()
    with pytest.raises(KeyboardInterrupt):
        tune(store, announce=stop_after(len(ended) + 2))
    now = {each: each.stat().st_mtime_ns for each in folder.glob("*.npz")}
    assert ended.items() <= now.items()
    assert len(now) == len(ended) + 2
    again, whole = tune(store), tune(store, study="whole")
    assert studies(tmp_path) == []
    assert told(again, store, tmp_path / "again") == told(whole, store, tmp_path / "whole")
    n = again.leaderboard.n_scored
    said = f"An ensemble chosen from {n} trials: each row is judged by weights of other folds."
    assert store.get(again.run.run_id).tags[CHOSEN_AMONG] == said


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"rows": 210}, "its data and split are not"),
        ({"data": {"split": {"folds": 3, "seed": 5}}}, "its split and experiment are not"),
        ({"tuning": {"seconds": 60}}, "its kind of budget is not"),
    ],
)
def test_something_else_is_refused(change: dict[str, Any], differs: str, tmp_path: Path) -> None:
    store = MemoryStore()
    with pytest.raises(KeyboardInterrupt):
        tune(store, announce=stop_after(2))
    with pytest.raises(InputError) as caught:
        tune(store, **change)
    assert caught.value.what == f"The study s searched something else: {differs} the same."
    assert caught.value.where == str(tmp_path / "workspace" / "studies" / "s" / "auto")
    assert "--study OTHER_NAME" in str(caught.value.mend)


def test_what_came_to_nothing_is_not_gone_on_with(tmp_path: Path) -> None:
    store = MemoryStore()
    broken = {"learner": "boosting", "options": {"loss": "gamma"}}  # of negative numbers
    with pytest.raises(LearnerError, match="None of 1 configurations could be fitted"):
        tune(store, {"trials": 1}, task=Task.REGRESSION,
             model={"options": {"candidates": [broken]}})  # fmt: skip
    assert studies(tmp_path) == []
    tune(store, {"trials": 1})
