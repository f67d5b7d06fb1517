"""Small searches for tests: of a table in memory, in this process, without the winner's run."""

from __future__ import annotations

from typing import Any

from assay.data.schema import Task
from assay.experiment.asking import ask
from assay.place import Place
from assay.searching.asked import Asking, asked_for
from assay.searching.found import Found, summed_up
from assay.tracking.memory import MemoryStore
from assay.tuning.worker import work
from tests.tables import table

QUICK = {"data": {"split": {"folds": 2}}, "evaluation": {"resamples": 200}}
OWN = "tests.searching.own:moody"
C = {"options.C": {"low": 0.01, "high": 10.0, "log": True}}


def asking(
    tuning: dict[str, Any], learner: str = "linear", *, study: str | None = None,
    task: Task = Task.BINARY, **more: Any,
) -> Asking:  # fmt: skip
    """What is asked for of the small table."""
    settings = {**QUICK, "tuning": {"seeds": 1, **tuning}, **more}
    asked = ask(table(task), target="y", learner=learner, settings=settings, overrides=())
    return asked_for(asked, study, Place.to_begin(None, MemoryStore()))


def searched(asked: Asking) -> Found:
    """What is found, by one worker in this process."""
    study = asked.search.study(asked.objective)
    try:
        work(asked.search, asked.objective, asked.make, study)
        return summed_up(asked, study)
    finally:
        study.close()
