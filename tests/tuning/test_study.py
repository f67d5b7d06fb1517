"""The study: as many trials as wanted, none lost, none doubled, none left behind by a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import optuna
import pytest
from optuna.trial import TrialState

from assay.errors import InputError
from assay.tuning.study import (
    KILLED,
    MOST_TRIES,
    REASON,
    RETRY_OF,
    SETTINGS,
    STALE,
    Study,
    StudyPlace,
)
from tests.servers import postgres, postgres_programs
from tests.tuning.working import ABOUT, opened, tried

KILL = -9


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    if postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    password = token_hex(8)
    with postgres(password) as address:
        yield f"postgresql://assay:{password}@{address}/postgres"


@pytest.fixture(params=["journal", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StudyPlace]:
    if request.param == "journal":
        yield StudyPlace("q", tmp_path)
        return
    place = StudyPlace("q", tmp_path, request.getfixturevalue("database"))
    yield place
    storage = place.storage()
    optuna.delete_study(study_name=place.name, storage=storage)
    storage.engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> StudyPlace:
    return StudyPlace("q", tmp_path)


def taken(study: Study, most: int) -> optuna.Trial:
    """A trial that is under way."""
    trial = study.claim(most)
    assert trial is not None
    trial.suggest_float("x", -1, 1)
    trial.set_user_attr(SETTINGS, trial.params)
    return trial


def begun(
    place: StudyPlace, most: int, seconds: float = 0.0, killed: str = ""
) -> subprocess.Popen[str]:
    given = [str(place.folder), place.url or "", str(most), str(seconds), killed]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.tuning.working", *given],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def states(study: Study) -> Counter[str]:
    return Counter(each.state.name for each in study.counted)


def test_processes_begun_apart_make_exactly_as_many_trials_as_wanted(file: StudyPlace) -> None:
    working = [begun(file, 23, seconds=0.02) for _ in range(3)]
    done = [int(each.communicate(timeout=120)[0]) for each in working]
    assert sum(done) == 23
    study = opened(file)
    assert states(study) == {"COMPLETE": 23}
    assert len({tuple(each.params.values()) for each in study.counted}) == 23
    assert study.claim(23) is None
    study.close()


@pytest.mark.parametrize("after", ["asked", "told"])
def test_what_a_killed_worker_tried_is_tried_again_and_nothing_twice(
    file: StudyPlace, after: str
) -> None:
    place = file
    killed = begun(place, 6, killed=after)
    killed.communicate(timeout=120)
    assert killed.returncode == KILL
    study = opened(place)
    assert tried(study, 6) == (5 if after == "asked" else 4)
    assert states(study) == {"COMPLETE": 6}
    trials = study.optuna.trials
    assert not [each for each in trials if each.state in (TrialState.RUNNING, TrialState.WAITING)]
    stale = [each for each in trials if STALE in each.user_attrs]
    again = [each for each in trials if RETRY_OF in each.user_attrs]
    if after == "told":
        assert not stale
        assert not again
    else:
        [[first], [second]] = stale, again
        assert second.user_attrs[RETRY_OF] == first.number
        assert second.params == first.params
        assert second.values == [first.params["x"] ** 2 + first.params["y"]]
    study.close()


def test_a_worker_that_lives_keeps_its_trial(place: StudyPlace) -> None:
    study, other = opened(place), opened(place)
    mine, theirs = taken(study, 2), taken(other, 2)
    assert theirs.number == 1
    assert other.claim(2) is None
    study.give_back()
    assert states(other) == {"RUNNING": 2}
    study.close()  # which is as good as dead
    again = other.claim(2)
    assert again is not None
    assert again.suggest_float("x", -1, 1) == mine.params["x"]
    other.close()


def test_what_is_killed_before_it_asks_again_keeps_its_settings(file: StudyPlace) -> None:
    first = opened(file)
    settings = taken(first, 1).params
    first.close()
    second = opened(file)
    assert second.claim(1) is not None  # and is killed before it asks for anything
    second.close()
    third = opened(file)
    assert taken(third, 1).params == settings
    third.close()


def test_settings_that_kill_again_and_again_have_failed(file: StudyPlace) -> None:
    for _ in range(MOST_TRIES):
        study = opened(file)
        taken(study, 1)
        study.close()
    study = opened(file)
    assert study.claim(1) is None, "it counts, as a failure"
    [failed] = study.ended
    assert failed.user_attrs[REASON] == KILLED
    assert len({each.params["x"] for each in study.optuna.trials}) == 1
    study.close()


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_killed_process_of_several_on_one_database(place: StudyPlace) -> None:
    killed, going_on = begun(place, 9, seconds=0.05, killed="asked"), begun(place, 9, seconds=0.05)
    for each in (going_on, killed):
        each.communicate(timeout=120)
    assert (killed.returncode, going_on.returncode) == (KILL, 0)
    study = opened(place)
    tried(study, 9)
    assert states(study) == {"COMPLETE": 9}
    stale = [each for each in study.optuna.trials if STALE in each.user_attrs]
    again = [each for each in study.optuna.trials if RETRY_OF in each.user_attrs]
    assert [each.params for each in stale] == [each.params for each in again]
    assert len(stale) == 1
    study.close()


def test_a_study_of_something_else_is_refused(place: StudyPlace) -> None:
    opened(place).close()
    with pytest.raises(InputError) as caught:
        opened(place, {**ABOUT, "space": "another", "data": "other"})
    assert caught.value.what == (
        "The study q searched something else: its data and space are not the same."
    )
    assert caught.value.where == ("tuning.storage" if place.url else str(place.folder))
    assert caught.value.mend == (
        "begin another: assay tune EXPERIMENT --study OTHER_NAME; or set them as they were"
    )
    with pytest.raises(InputError, match=r"its objectives is not the same\."):
        opened(place, {**ABOUT, "objectives": "another"})


@pytest.mark.parametrize("asked", ["half", "whole"])
def test_what_an_interrupt_left_changes_nothing_of_what_is_tried_later(
    tmp_path: Path, asked: str
) -> None:
    whole = opened(StudyPlace("q", tmp_path / "whole"))
    tried(whole, 6)
    first = opened(StudyPlace("q", tmp_path / "parted"))
    tried(first, 3)
    trial = first.claim(6)
    assert trial is not None
    trial.suggest_float("x", -1, 1)
    if asked == "whole":
        trial.suggest_float("y", -1, 1)
        trial.set_user_attr(SETTINGS, trial.params)
    first.close()
    second = opened(StudyPlace("q", tmp_path / "parted"))
    tried(second, 6)
    assert [each.params for each in second.counted] == [each.params for each in whole.counted]
    second.close()
    whole.close()


def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        opened(StudyPlace("q", tmp_path, "postgresql://me:hush@127.0.0.1:9/none"))
    assert caught.value.what == "The database of the study cannot be reached."
    assert "refused" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.mend == "start it, or mend tuning.storage"
