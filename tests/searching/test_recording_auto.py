"""The run of a search for an ensemble, and inside it one for every configuration."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import pytest

from assay.data.schema import Task
from assay.errors import LearnerError
from assay.experiment.asking import ask
from assay.learners.candidates import Candidate
from assay.place import Place
from assay.searching.recording import STATE, STUDY
from assay.searching.recording_auto import EnsembleRecord
from assay.steps import made_ready
from assay.tracking.memory import MemoryStore
from assay.tracking.recorder import Status
from assay.tuning.configurations import BEHIND
from assay.tuning.kept import Kept
from assay.tuning.leaderboard import Ranked
from tests.searching.test_interrupted import stop_after, tune
from tests.tables import table

WANTED_MS = 2.0
BROKEN = {"learner": "boosting", "options": {"loss": "gamma"}}  # of negative numbers
CANDIDATES: list[dict[str, Any]] = [
    {"learner": "boosting", "options": {"max_leaves": 4, "max_rounds": 20}},
    BROKEN,
    {"learner": "linear"},
]
MORE: dict[str, Any] = {"task": Task.REGRESSION, "model": {"options": {"candidates": CANDIDATES}}}


def test_every_configuration_is_a_child_and_none_is_told_twice() -> None:
    store = MemoryStore()
    for n in (1, 4):
        with pytest.raises(KeyboardInterrupt):
            tune(store, {"trials": 3}, announce=stop_after(n), **MORE)
        [search] = [each for each in store.runs() if each.name == "search-s"]
        assert search.status is Status.INTERRUPTED
    [told] = store.children(search.run_id)[:1]
    assert told.status is Status.FINISHED
    found = tune(store, {"trials": 3}, **MORE)
    [search] = [each for each in store.runs() if each.name == "search-s"]
    assert search.status is Status.FINISHED
    assert (search.tags[STUDY], search.tags["assay.learner"]) == ("s", "auto")
    board = found.leaderboard
    assert search.metrics["corrected/r2"] == board.ensemble
    assert search.metrics["best/r2"] == found.corrected.best
    assert store.files(search.run_id) == ["search.json"]
    children = {each.name: each for each in store.children(search.run_id)}
    assert sorted(children) == ["trial-0", "trial-1", "trial-2"]
    for each in board.rows:
        child = children[f"trial-{each.number}"]
        assert child.tags[STATE] == each.state
        assert child.reason == each.reason
        assert child.params["learner"] == each.candidate.learner
        for name, value in each.candidate.options.items():
            assert child.params[f"options.{name}"] == str(value)
        assert child.metrics.get("r2") == each.score
        if each.score is not None:
            assert child.status is Status.FINISHED
            assert len(store.history(child.run_id, "r2")) == 1
            assert child.metrics["fit_seconds"] == each.fit_seconds
    failed = children["trial-1"]
    assert (failed.status, failed.tags[STATE]) == (Status.FAILED, "failed")
    assert "boosting" in failed.reason


def test_where_all_fail_the_search_has_failed_and_so_have_they() -> None:
    store = MemoryStore()
    with pytest.raises(LearnerError):
        tune(store, {"trials": 1}, task=Task.REGRESSION,
             model={"options": {"candidates": [BROKEN]}})  # fmt: skip
    [search] = store.runs()
    assert search.status is Status.FAILED
    assert search.reason == "None of 1 configurations could be fitted."
    [child] = store.children(search.run_id)
    assert child.status is Status.FAILED
    assert "boosting" in child.reason


def test_one_that_fell_behind_is_pruned_and_telling_costs_little(tmp_path: Any) -> None:
    store = MemoryStore()
    asked = ask(table(Task.BINARY), target="y", learner="auto", settings={}, overrides=())
    place = Place.to_begin(None, store)
    record = EnsembleRecord(made_ready(asked), "s", place, Kept(tmp_path))
    options = {"max_leaves": 4, "learning_rate": 0.05, "l2": 1.0, "min_rows_leaf": 3}
    candidate = Candidate(learner="boosting", options=options)
    took = []
    for number in range(40):
        ranked = Ranked(number, candidate, 0.9 if number else None, 1.0, 0.1, 0.0,
                        "" if number else BEHIND)  # fmt: skip
        begun = time.thread_time()
        record.tell(ranked)
        took.append(1000 * (time.thread_time() - begun))
    record.recorder.finish(Status.FINISHED)
    assert median(took) < WANTED_MS
    children = store.children(record.recorder.run_id)
    assert len(children) == 40
    assert (children[0].status, children[0].reason) == (Status.FINISHED, BEHIND)
    assert [each.tags[STATE] for each in children[:2]] == ["pruned", "complete"]
