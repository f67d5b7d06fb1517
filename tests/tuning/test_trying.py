"""Trying configurations: what is kept on the way, and that it goes on from there to the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.data.schema import Task
from assay.errors import LearnerError
from assay.fitting.cross_fit import Plan
from assay.learners.auto import AutoLearner, AutoOptions
from assay.learners.candidates import Candidate
from assay.monitor import Step, silent
from assay.predictions import Predictions
from assay.tuning import building, crew, trying
from assay.tuning.auto import build
from assay.tuning.budget import Budget
from assay.tuning.building import Built
from assay.tuning.configurations import GONE, LATE, FoldFit
from assay.tuning.kept import Decision, Ended, Kept
from tests.tables import prepared
from tests.tuning.killing import fit_all_killed, fit_all_killed_once, fit_fold_killed, kill_a_worker

QUICK = (
    Candidate(learner="boosting", options={"max_leaves": 4, "max_rounds": 20}),
    Candidate(learner="linear"),
    Candidate(learner="boosting", options={"loss": "gamma"}),  # of negative numbers: fails
)


def built(
    folder: Path, kept: Kept | None, budget: Budget, announce: Callable[[Step], None] = silent,
    first: tuple[Candidate, ...] = QUICK,
) -> Built:  # fmt: skip
    ready = prepared(Task.REGRESSION, 120, split={"folds": 2})
    plan = Plan(AutoLearner(AutoOptions(candidates=first)), [], ready.folding, seed=0, repeats=1)
    folder.mkdir()
    return build(ready.development, plan, budget, metric="r2", scratch=folder, announce=announce,
                 kept=kept)  # fmt: skip


def stop_after(fits: int) -> Callable[[Step], None]:
    """Ctrl-C after so many fits."""

    def told(step: Step) -> None:
        if step.text == "Trying configurations" and step.detail.endswith(f" {fits} fits"):
            raise KeyboardInterrupt

    return told


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which learners were fitted, and without which folds; of one worker."""
    seen: list[tuple[str, int]] = []
    plain = trying.fit_fold

    def counted(development: Any, task: Any) -> Any:
        seen.append((task.learner.name, task.fold))
        return plain(development, task)

    monkeypatch.setattr(trying, "fit_fold", counted)
    return seen


def told(built: Built) -> dict[str, Any]:
    """All that must be the same, but for what was measured by the clock."""
    [(predictions, folds)] = built.fitted.repetitions
    features = prepared(Task.REGRESSION, 120, split={"folds": 2}).development.features
    return {
        "out of fold": predictions.values.tolist(),
        "folds": folds.tolist(),
        "said": built.fitted.model.predict(features).values.tolist(),
        "chosen": built.fitted.chosen,
        "candidates": built.candidates,
        "shuffled": {names: each.values.tolist() for names, each in built.fitted.shuffled.items()},
        "board": [(each.number, each.candidate, each.score, each.weight, each.reason)
                  for each in built.leaderboard.rows],
        "flattered": built.flattered,
    }  # fmt: skip


def test_in_trials_it_goes_on_to_the_same_bit_for_bit(
    tmp_path: Path, fits: list[tuple[str, int]]
) -> None:
    """Interrupted in the portfolio, among proposals, and by two workers, of which one is killed."""
    budget = Budget(trials=5)
    whole = built(tmp_path / "whole", None, budget)
    in_all = [*fits]
    assert len(in_all) == 4 * 2 + 1  # what fails is fitted once
    fits.clear()
    for n in (2, 6):
        with pytest.raises(KeyboardInterrupt):
            built(tmp_path / str(n), Kept(tmp_path / "kept"), budget, stop_after(n))
        assert len(fits) == n
    again = built(tmp_path / "again", Kept(tmp_path / "kept"), budget)
    assert fits == in_all
    assert told(again) == told(whole)
    assert [*again.fitted.shuffled] != [()]  # models that the killed process had are made again
    fewer = built(tmp_path / "fewer", Kept(tmp_path / "kept"), Budget(trials=3))
    assert fits == in_all
    assert [each.number for each in fewer.leaderboard.rows] in ([0, 1, 2], [1, 0, 2])
    with pytest.raises(KeyboardInterrupt):
        built(tmp_path / "first", Kept(tmp_path / "two"), Budget(2, 5), stop_after(6))
    assert len(Kept(tmp_path / "two").fits(np.array([]))) >= 6
    killed: list[str] = []

    def kill_one(step: Step) -> None:
        """A worker, once, while it fits."""
        if step.text == "Trying configurations" and not killed:
            kill_a_worker()
            killed.append(step.text)

    again = built(tmp_path / "second", Kept(tmp_path / "two"), Budget(2, 5), kill_one)
    assert len(killed) == 1
    assert told(again) == told(whole)


def test_by_the_clock_it_goes_on_within_what_is_left(
    tmp_path: Path, fits: list[tuple[str, int]]
) -> None:
    begun = time.monotonic()
    kept = Kept(tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        built(tmp_path / "first", kept, Budget(until=begun + 8), stop_after(6))
    first = Kept(tmp_path / "kept")
    assert first.spent == pytest.approx(time.monotonic() - begun, abs=2)
    before = [*fits]
    configurations = [each for one in first.decisions() for each in one.candidates]
    done = built(tmp_path / "second", first, Budget(until=first.since + 8))
    assert time.monotonic() - begun < 8 + 6
    assert len(fits) > len(before)
    board = sorted(done.leaderboard.rows, key=lambda each: each.number)
    named = [each.candidate.learner for each in board]
    assert named[: len(configurations)] == [each.learner for each in configurations]
    assert sum(each.score is not None for each in board) >= 2


@pytest.mark.parametrize(("fold_seconds", "goes_on"), [(30.0, False), (0.01, True)])
def test_a_fit_that_nothing_stops_is_begun_only_if_it_ends_in_time(
    fold_seconds: float, goes_on: bool, tmp_path: Path, fits: list[tuple[str, int]]
) -> None:
    """Ten seconds are left, and a fold of the second one took so long before."""
    ready = prepared(Task.REGRESSION, 120, split={"folds": 2})
    kept = Kept(tmp_path / "kept")
    folds = ready.folding.divide(ready.development, 0)
    kept.decide(Decision(0, (QUICK[1],)))
    kept.decide(Decision(1, (Candidate(learner="forest", options={"trees": 10}),)))
    for number, fold in ((0, 0), (0, 1), (1, 0)):
        rows = ready.development.rows[folds.predicts(fold)]
        fit = FoldFit(Predictions(rows, values=np.zeros(len(rows))), {},
                      fold_seconds if number else 0.01)  # fmt: skip
        kept.keep(Ended(number, fold, fit, "", 2, 0.5 if fold else None))
    begun = time.monotonic()
    done = built(tmp_path / "on", Kept(tmp_path / "kept"), Budget(until=begun + 10, trials=2))
    assert time.monotonic() - begun < 10
    assert fits == ([("forest", 1)] if goes_on else [])
    [forest] = [each for each in done.leaderboard.rows if each.candidate.learner == "forest"]
    assert forest.reason == ("" if goes_on else LATE)


def test_with_the_time_over_there_is_enough_to_build(
    tmp_path: Path, fits: list[tuple[str, int]]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        built(tmp_path / "first", Kept(tmp_path / "kept"), Budget(until=time.monotonic() + 30),
              stop_after(6))  # fmt: skip
    fits.clear()
    done = built(tmp_path / "second", Kept(tmp_path / "kept"),
                 Budget(until=time.monotonic() - 10))  # fmt: skip
    assert fits == []
    assert done.leaderboard.n_scored >= 1
    assert not [each for each in done.fitted.chosen["members"] if "of one fold" in each]


def test_a_worker_that_is_killed_in_the_last_fits_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that is at work on all rows, nor one that waits for that."""
    budget = Budget(2, 4)
    whole = built(tmp_path / "whole", None, budget)
    assert not [each for each in whole.fitted.chosen["members"] if "of one fold" in each]

    def kill_one(step: Step) -> None:
        if step.text.startswith("Fitting"):
            kill_a_worker()

    assert told(built(tmp_path / "idle", None, budget, kill_one)) == told(whole)
    flag = tmp_path / "flag"
    monkeypatch.setattr(building, "fit_all", partial(fit_all_killed_once, flag))
    assert told(built(tmp_path / "busy", None, budget)) == told(whole)
    assert flag.exists()


def test_a_member_whose_worker_is_killed_each_time_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "fit_all", fit_all_killed)
    monkeypatch.setattr(crew, "MOST_LOSSES", 2)  # it takes seconds each time
    with pytest.raises(LearnerError, match="A worker was killed 2 times in the same fit") as caught:
        built(tmp_path / "lost", None, Budget(2, 3))
    assert caught.value.where == "linear"
    assert caught.value.mend == "more memory, or fewer rows"


def test_only_the_configuration_that_takes_too_much_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is fitted beside it."""
    monkeypatch.setattr(trying, "fit_fold", fit_fold_killed)
    first = (QUICK[0], Candidate(learner="forest", options={"trees": 10}), QUICK[1])
    done = built(tmp_path / "done", None, Budget(2, 3), first=first)
    reasons = {each.candidate.learner: each.reason for each in done.leaderboard.rows}
    gone = f"{GONE}, 3 times while it was alone: is memory short?"
    assert reasons == {"boosting": "", "forest": gone, "linear": ""}
