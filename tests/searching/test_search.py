"""A search: what it tries, what it makes of failures and of the clock, and what it finds."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.data.schema import Task
from assay.errors import LearnerError
from assay.fitting.jobs import Job, fit
from assay.searching.found import summed_up
from assay.searching.telling import told
from assay.tuning.objective import OutOfTimeError
from assay.tuning.worker import OUT_OF_TIME, work
from tests.searching.small import OWN, C, asking, searched

MOODS = {"options.mood": ["good", "bad"], **C}


def settings_of(found: Any) -> list[tuple[Any, ...]]:
    return [(dict(each.settings), each.values, each.state) for each in found.trials]


def test_the_same_seed_tries_the_same_however_it_is_parted() -> None:
    tuning = {"trials": 12, "space": C}
    whole = searched(asking(tuning, study="whole"))
    for most in (5, 11, 12):
        parted = searched(asking({**tuning, "trials": most}, study="parted"))
    assert settings_of(parted) == settings_of(whole)
    assert parted.best == whole.best
    assert parted.corrected == whole.corrected
    assert len({each.settings["model.options.C"] for each in whole.trials}) == 12


def test_a_failing_trial_keeps_its_reason_and_the_search_goes_on() -> None:
    found = searched(asking({"trials": 8, "space": MOODS, "sampler": "random"}, OWN))
    failed = [each for each in found.trials if each.state == "failed"]
    assert 0 < len(failed) < 8
    assert found.count("complete") == 8 - len(failed)
    for each in failed:
        assert each.settings["model.options.mood"] == "bad"
        assert "in a bad mood" in each.reason
        assert "hush" not in each.reason
    assert found.best_trial.settings["model.options.mood"] == "good"
    assert f"{len(failed)} failed" in told(found)[0]


def test_where_all_fail_the_search_has_failed_and_says_why() -> None:
    with pytest.raises(LearnerError) as caught:
        searched(asking({"trials": 3, "space": {"options.mood": ["bad"]}}, OWN))
    assert caught.value.what == "None of 3 trials came to a score."
    assert "in a bad mood" in str(caught.value.where)
    assert str(caught.value.mend).endswith("one trial by itself: assay train")


def test_the_time_is_kept_and_what_it_cut_off_says_so() -> None:
    asked = asking({"seconds": 1.5, "space": {"options.mood": ["slow"], **C}}, OWN)
    begun = time.time()
    found = searched(asked)
    assert time.time() - begun < 1.5 + 5
    assert found.count("complete") >= 1
    cut = [each for each in found.trials if each.state == "pruned"]
    assert [each.reason for each in cut] in ([], [OUT_OF_TIME])


def test_a_fit_that_nothing_stops_is_begun_only_if_it_ends_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each takes 0.4 seconds."""
    fits: list[int | None] = []

    def counted(job: Job, *given: Any) -> Any:
        fits.append(job.fold)
        return fit(job, *given)

    monkeypatch.setattr("assay.tuning.objective.fit", counted)
    asked = asking({"trials": 1, "space": {"options.mood": ["slow"], **C}}, OWN)
    slow = asked.make({"model.options.mood": "slow"})
    with pytest.raises(OutOfTimeError):
        asked.objective(slow, None, time.monotonic() + 0.7)
    assert fits == [0]
    study = asked.search.study(asked.objective)
    work(asked.search, asked.objective, asked.make, study)
    assert fits == [0, 0, 1]
    for seconds, more in ((0.3, 0), (30, 1)):  # less than a fit takes, and enough
        search = replace(asked.search, most=1 + more, until=time.time() + seconds)
        work(search, asked.objective, asked.make, study)
        assert len(study.counted) == 1 + more
    study.close()


def test_a_fit_of_many_rounds_ends_when_the_time_is_over() -> None:
    options = {"learning_rate": 0.001, "patience": 100_000, "max_rounds": 100_000}
    space = {"options.l2": {"low": 0.1, "high": 1.0}}
    asked = asking({"seconds": 2, "space": space}, "boosting", model={"options": options})
    begun = time.time()
    with pytest.raises(LearnerError) as caught:
        searched(asked)
    assert time.time() - begun < 2 + 5
    assert OUT_OF_TIME in str(caught.value.where)
    assert "tuning.seconds" in str(caught.value.mend)


def test_no_time_at_all_is_said_so() -> None:
    asked = asking({"seconds": 1e-6, "space": C})
    study = asked.search.study(asked.objective)
    work(asked.search, asked.objective, asked.make, study)
    with pytest.raises(LearnerError, match=r"The time was over before the first trial was\."):
        summed_up(asked, study)
    study.close()


def test_patience_ends_a_search_that_no_longer_gets_better() -> None:
    found = searched(asking({"patience": 3, "space": C, "sampler": "random"}))
    values = [each.values[0] for each in found.trials]
    assert len(values) < 40
    assert int(np.argmax(values)) == len(values) - 4
    assert found.best == len(values) - 4


def test_of_several_objectives_a_front_is_found() -> None:
    objectives = ("log_loss", "latency_ms", "size_mib")
    space = {"options.max_leaves": {"low": 2, "high": 60, "log": True}}
    options = {"max_rounds": 30}
    asked = asking(
        {"trials": 6, "objectives": objectives, "space": space}, "boosting",
        model={"options": options},
    )  # fmt: skip
    found = searched(asked)
    assert found.objectives == objectives
    assert found.directions == ("minimize",) * 3
    assert found.count("complete") == 6
    values = np.array([each.values for each in found.trials])
    assert (values > 0).all()
    beaten = [((values <= own).all(axis=1) & (values < own).any(axis=1)).any() for own in values]
    assert set(found.front) == {n for n, each in enumerate(beaten) if not each}
    assert values[found.best, 0] == values[:, 0].min()
    assert found.best in found.front
    assert "that no other beats in all of Log loss, latency ms, size mib" in told(found)[-1]
    assert found.corrected is not None
    assert found.corrected.metric == "log_loss"


def test_where_a_cost_decides_there_is_nothing_to_correct() -> None:
    found = searched(asking({"trials": 2, "objectives": ["size_mib"], "space": C}))
    assert found.corrected is None


@pytest.mark.parametrize("task", list(Task))
def test_every_task_is_searched_and_corrected(task: Task) -> None:
    from tests.tables import target_of

    if task is Task.MULTILABEL:
        pytest.skip(f"target is {target_of(task)}: asked for in test_labels")
    found = searched(asking({"trials": 3, "space": C}, task=task))
    assert found.count("complete") == 3
    assert found.corrected is not None
    assert found.corrected.candidates == 3
    assert found.corrected.corrected.has_interval


def test_a_network_is_pruned_by_its_epochs() -> None:
    space = {"training.learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}}
    found = searched(
        asking(
            {"trials": 14, "space": space, "sampler": "random"}, "mlp",
            training={"epochs": 12, "batch_size": 64}, model={"options": {"width": 8}},
        )
    )  # fmt: skip
    pruned = [each for each in found.trials if each.state == "pruned"]
    assert pruned
    for each in pruned:
        assert 3 < max(each.curve) < 12
    assert found.saved > 0
    assert "pruning saved" in told(found)[0]
    complete = [each for each in found.trials if each.state == "complete"]
    assert all(each.steps == 12 for each in complete)
