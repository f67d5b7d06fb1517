"""A crew whose workers are killed: what is lost is done again, and only by itself does it fail."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from assay.data.schema import Task
from assay.tuning.crew import MOST_LOSSES, Crew, LostError, crew, given
from tests.tables import prepared
from tests.tuning.killing import kill_a_worker, noted


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Crew]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with crew(prepared(Task.REGRESSION, 60).development, 2, scratch) as made:
        yield made


def asked(workers: Crew, folder: Path, *tasks: tuple[str, str]) -> dict[str, Future[str]]:
    work = partial(noted, folder)
    return {each[0]: workers.submit(work, partial(tuple, each)) for each in tasks}


def begun(folder: Path) -> Counter[str]:
    """How often each task was begun."""
    return Counter(each.name.split("-")[0] for each in folder.glob("*-*"))


def test_what_takes_too_much_fails_alone(workers: Crew, tmp_path: Path) -> None:
    """All were beside it, in whatever order; none of them pays with more than time."""
    innocent = [(f"good{n}", "sleep 0.3") for n in range(4)]
    futures = asked(workers, tmp_path, *innocent[:2], ("bad", "die"), *innocent[2:])
    assert workers.all_of([*futures.values()], 100)
    with pytest.raises(LostError) as caught:
        given(futures.pop("bad"), of="a forest")
    assert str(caught.value) == (
        f"A worker was killed {MOST_LOSSES} times in the same fit, while nothing else was fitted: "
        "most likely memory ran out.\n  where: a forest\n  mend:  more memory, or fewer rows"
    )
    assert {name: given(each) for name, each in futures.items()} == {n: n for n, _ in innocent}
    times = begun(tmp_path)
    assert times.pop("bad") == 1 + MOST_LOSSES
    assert max(times.values()) <= 2


def test_a_task_that_was_lost_is_done_again_whenever_it_was(workers: Crew, tmp_path: Path) -> None:
    futures = asked(workers, tmp_path, ("one", "die once"), ("two", "sleep 0.3"))
    assert workers.all_of([*futures.values()], 100)
    kill_a_worker()  # none of which has anything to do
    futures |= asked(workers, tmp_path, ("three", ""), ("four", ""))
    assert workers.all_of([*futures.values()], 100)
    assert {name: given(each) for name, each in futures.items()} == {name: name for name in futures}


def test_what_fails_or_is_given_up_is_not_done_again(workers: Crew, tmp_path: Path) -> None:
    futures = asked(workers, tmp_path, ("bad", "fail"), ("good", ""))
    assert workers.all_of([*futures.values()], 100)
    with pytest.raises(ValueError, match="bad"):
        futures["bad"].result()
    slow = asked(workers, tmp_path, *[(f"slow{n}", "sleep 60") for n in range(4)])
    at = time.monotonic()
    assert not workers.all_of([*slow.values()], 0.5)
    assert workers.first_of([*slow.values()], 0.1) == set()
    workers.let_go()
    assert time.monotonic() - at < 30
    futures |= slow | asked(workers, tmp_path, ("quick", ""))
    assert workers.all_of([*futures.values()], 100)
    gave = {name: given(each) for name, each in futures.items()}
    assert {name for name, each in gave.items() if each is not None} == {"good", "quick"}
    assert max(begun(tmp_path).values()) == 1
    assert "slow3" not in begun(tmp_path)
