"""Runs are chosen by what they measured and how they were set; slips tell what was meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assay import logbook
from assay.errors import InputError
from assay.tracking.conditions import moment_since
from assay.tracking.memory import MemoryStore
from assay.tracking.ranking import apart, comparable
from assay.tracking.recorder import Status

RUNS = {
    "boosting": (0.93, {"model.learner": "boosting", "model.options.learning_rate": 0.1}),
    "boosting-2": (0.92, {"model.learner": "boosting", "model.options.learning_rate": 0.3}),
    "linear": (0.88, {"model.learner": "linear", "data.task": None, "model.options": {}}),
}


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for name, (value, params) in RUNS.items():
        tags = {"assay.primary": "roc_auc", "assay.greater_is_better": "true",
                "assay.fingerprint": "d", "assay.learner": params["model.learner"]}  # fmt: skip
        recorder = store.begin("income", name, tags)
        recorder.params({"data.split.seed": 0, "model.seed": 1, **params})
        recorder.metrics({"roc_auc": value, "log_loss": 1 - value})
        recorder.finish(Status.FINISHED)
    store.begin("income", "broken", {"final": "true"}).finish(Status.FAILED, "no memory")
    return store


def names(store: MemoryStore, **asked: object) -> list[str]:
    return [each.name for each in logbook.runs(store=store, **asked)]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("roc_auc > 0.9", ["boosting-2", "boosting"]),
        ("roc_auc>=0.93", ["boosting"]),
        ("model.options.learning_rate = 0.3", ["boosting-2"]),
        ("learning_rate = 0.30", ["boosting-2"]),
        ("learner = 'boosting' and roc_auc < .93", ["boosting-2"]),
        (["learner != boosting", "log_loss < 1"], ["linear"]),
        ("data.task = null", ["linear"]),
        ("duration < 60", ["broken", "linear", "boosting-2", "boosting"]),
    ],
)
def test_conditions_choose(store: MemoryStore, where: str, found: list[str]) -> None:
    assert names(store, where=where) == found


@pytest.mark.parametrize(
    ("where", "told", "mend"),
    [
        ("rocauc > 0.9", "None of 4 runs has a metric or a setting 'rocauc'", "roc_auc"),
        ("lerning_rate = 1", "'lerning_rate'", "learning_rate"),
        ("seed = 1", r"'seed' may be data\.split\.seed or model\.seed", "data.split.seed"),
        ("roc_auc", "'roc_auc' is no condition", "'roc_auc > 0.9', or"),
        ("roc_auc > high", "'high', which is no number", "roc_auc = high"),
        ("__import__('os') > 1", "a metric or a setting", "see what there is"),
    ],
)
def test_slips_are_told(store: MemoryStore, where: str, told: str, mend: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        names(store, where=where)
    assert caught.value.mend.startswith(mend)


def test_other_filters_and_orders(store: MemoryStore) -> None:
    assert names(store, status="failed") == names(store, tags=["final"]) == ["broken"]
    assert names(store, learner="linear") == ["linear"]
    assert names(store, since="1h", limit=2) == ["broken", "linear"]
    assert names(store, since="2999-01-01") == []
    best = ["boosting", "boosting-2", "linear"]
    assert names(store, sort="roc_auc") == names(store, sort="log_loss") == [*best, "broken"]
    assert names(store, sort="roc_auc", reverse=True) == [*best[::-1], "broken"]
    assert names(store, reverse=True) == [*RUNS, "broken"]
    with pytest.raises(InputError, match="No run is ever 'done'"):
        names(store, status="done")
    with pytest.raises(InputError, match="a metric or a setting 'roc'"):
        names(store, sort="roc")


def test_since_is_a_span_or_a_date() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    assert moment_since("90m", now).isoformat() == "2026-11-24T22:30:00+00:00"
    assert moment_since("2026-11-01").date().isoformat() == "2026-11-01"
    with pytest.raises(InputError, match="'yesterday' is neither a span nor a date"):
        moment_since("yesterday")
    with pytest.raises(InputError, match="neither a span nor a date"):
        moment_since("999999999999d")


def test_only_what_was_measured_alike_is_ranked(store: MemoryStore) -> None:
    other = store.begin("income", "other", {"assay.primary": "roc_auc", "assay.fingerprint": "e"})
    other.metrics({"roc_auc": 0.99})
    unlike = store.begin("income", "unlike", {"assay.primary": "log_loss"})
    for each in (other, unlike):
        each.finish(Status.FINISHED)
    runs = [run for run in store.runs() if run.name not in ("other", "unlike")]
    assert [run.name for run in comparable([*runs, *store.runs()[:2]])] == list(RUNS)
    board = logbook.ranked(runs, 2, store=store)
    assert (board.primary, board.n, board.left_out) == ("roc_auc", 3, 1)
    assert [rank.record.name for rank in board.ranks] == ["boosting", "boosting-2"]
    assert board.ranks[1].from_best == pytest.approx(-0.01)
    assert logbook.ranked([], store=store).ranks == ()


def test_settings_apart_are_those_that_differ(store: MemoryStore) -> None:
    runs = logbook.runs(status="finished", store=store)
    assert apart(runs) == {
        "model.learner": ["linear", "boosting", "boosting"],
        "model.options.learning_rate": [None, "0.3", "0.1"],
        "data.task": ["None", None, None],
    }
    assert apart(runs[:1]) == {}
