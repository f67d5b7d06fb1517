"""Runs are found by what people call them, and named by what sets them apart."""

from __future__ import annotations

import pytest

from assay.errors import InputError, NotFoundError
from assay.tracking.memory import MemoryStore
from assay.tracking.recorder import Status
from assay.tracking.runs import find_run, run_name
from assay.workspace import file_name


def test_a_reproduction_is_neither_last_nor_best() -> None:
    store = MemoryStore()
    for name, tags in (("own", {}), ("own-again", {"assay.reproduces": "own"})):
        store.begin("income", name, tags).finish(Status.FINISHED)
    assert find_run(store, "last").name == "own"
    assert find_run(store, "best").name == "own"
    assert find_run(store, "own-again").name == "own-again"


def begun(store: MemoryStore, name: str, value: float, *, greater: str = "true", data: str = "d",
          status: Status = Status.FINISHED, experiment: str = "income") -> str:  # fmt: skip
    tags = {
        "assay.primary": "metric",
        "assay.greater_is_better": greater,
        "assay.fingerprint": data,
    }
    recorder = store.begin(experiment, name, tags)
    recorder.metrics({"metric": value})
    recorder.finish(status)
    return recorder.run_id


def test_a_run_is_found_by_name_id_and_beginning_of_id() -> None:
    store = MemoryStore()
    run_id = begun(store, "boosting", 0.9)
    begun(store, "linear", 0.8)
    for reference in ("boosting", "income/boosting", run_id, run_id[:8]):
        assert find_run(store, reference).run_id == run_id


def test_a_name_that_several_experiments_have_is_refused_and_told_apart() -> None:
    store = MemoryStore()
    ours = begun(store, "boosting", 0.9)
    theirs = begun(store, "boosting", 0.8, experiment="other things")
    with pytest.raises(InputError, match="'boosting' is the name of 2 runs") as caught:
        find_run(store, "boosting")
    for told in ("income/boosting", "other things/boosting", ours, theirs):
        assert told in caught.value.where
    assert caught.value.mend == "name one of them, for example 'other things/boosting'"
    assert find_run(store, "income/boosting").run_id == ours
    assert find_run(store, "other things/boosting").run_id == theirs
    with pytest.raises(NotFoundError) as missed:
        find_run(store, "income/bosting")
    assert missed.value.mend == "income/boosting"


def test_last_is_the_newest_that_finished() -> None:
    store = MemoryStore()
    run_id = begun(store, "boosting", 0.9)
    begun(store, "broken", 0.1, status=Status.FAILED)
    assert find_run(store, "last").run_id == run_id


@pytest.mark.parametrize(("greater", "best"), [("true", 0.9), ("false", 0.7)])
def test_best_is_best_by_the_metric_of_the_last_on_the_same_data(greater: str, best: float) -> None:
    store = MemoryStore()
    begun(store, "elsewhere", 5.0 if greater == "true" else 0.0, greater=greater, data="other")
    for value in (0.8, 0.9, 0.7):
        begun(store, "it", value, greater=greater)
    assert find_run(store, "best").metrics["metric"] == best


def test_what_is_not_there_is_told_with_what_is() -> None:
    store = MemoryStore()
    with pytest.raises(NotFoundError, match="nothing has been trained"):
        find_run(store, "last")
    begun(store, "boosting", 0.9, status=Status.INTERRUPTED)
    with pytest.raises(NotFoundError, match="none has finished") as caught:
        find_run(store, "last")
    assert "boosting (interrupted)" in caught.value.where
    with pytest.raises(NotFoundError, match="no run 'bosting'") as caught:
        find_run(store, "bosting")
    assert caught.value.mend == "boosting"


@pytest.mark.parametrize(
    ("learner", "changed", "name"),
    [
        ("boosting", {}, "boosting"),
        ("sklearn.svm:SVC", {"model.options.C": 2.0}, "SVC-C2"),
        ("linear", {"data.split.seed": 1, "training.seeds": 3}, "linear-s1-seeds3"),
        ("boosting", {"model.options.learning_rate": 1e-5}, "boosting-lr1e-05"),
        (
            "mlp",
            {"a.batch_size": 64, "a.epochs": 3, "a.augment": True, "a.amp": False},
            "mlp-bs64-e3-augment-no_amp",
        ),
        ("linear", {"x.y": "a b/c"}, "linear-y_a_b_c"),
        ("linear", {"x.l1": -2, "x.l2": 0.5, "x.y": [1, 2]}, "linear-l1_-2-l2_0.5-y_1_2"),
    ],
)
def test_a_name_says_what_is_different(learner: str, changed: dict, name: str) -> None:
    assert run_name(learner, changed) == name


def test_a_name_is_never_endless_and_fit_for_a_file() -> None:
    name = run_name("linear", {f"key{i}": i for i in range(100)})
    assert len(name) <= 80
    assert "=" not in name
    assert file_name(name) == name
