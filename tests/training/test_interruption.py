"""Signals to end are noted and passed on, to whoever was in charge before."""

# ruff: noqa: PT012 (the block is what a training does between the signal and its delivery)

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from assay.training.interruption import Interruption


class Came(BaseException):
    def __init__(self, number: int) -> None:
        self.number = number


@pytest.fixture(autouse=True)
def in_charge() -> Iterator[None]:
    """Handlers that raise, as those of the command line do."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise Came(number)

    before = {n: signal.signal(n, handler) for n in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, former in before.items():
        signal.signal(number, former)


def handlers() -> list[object]:
    return [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_delivered_when_asked(number: int) -> None:
    before = handlers()
    with pytest.raises(Came) as caught, Interruption() as interruption:
        assert interruption.requested is None
        os.kill(os.getpid(), number)
        assert interruption.requested == number
        assert handlers() != before
        interruption.deliver()
    assert caught.value.number == number
    assert handlers() == before


def test_without_a_signal_nothing_comes_and_all_is_as_before() -> None:
    before = handlers()
    with Interruption() as interruption:
        interruption.deliver()
        assert handlers() == before
    assert handlers() == before


def test_a_second_ctrl_c_acts_at_once() -> None:
    before = handlers()
    for first in (signal.SIGINT, signal.SIGTERM):
        with pytest.raises(Came) as caught, Interruption():
            signal.raise_signal(first)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it went on")
        assert caught.value.number == signal.SIGINT
        assert handlers() == before


def test_a_second_sigterm_is_none_the_wiser() -> None:
    with pytest.raises(Came), Interruption() as interruption:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        interruption.deliver()


def test_a_signal_that_was_not_delivered_comes_at_the_end() -> None:
    with pytest.raises(Came) as caught, Interruption():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM


def test_an_error_on_the_way_is_told_beside_the_signal() -> None:
    with pytest.raises(Came) as caught, Interruption():
        signal.raise_signal(signal.SIGTERM)
        raise KeyError("lost")
    assert isinstance(caught.value.__context__, KeyError)


def test_an_inner_one_delivers_to_the_outer_one() -> None:
    with pytest.raises(Came), Interruption() as outer:
        with Interruption() as inner:
            signal.raise_signal(signal.SIGTERM)
            assert outer.requested is None
            inner.deliver()
        assert outer.requested == signal.SIGTERM
        outer.deliver()


def test_a_signal_that_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested is None
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_outside_the_main_thread_nothing_happens() -> None:
    before, found = handlers(), []

    def train() -> None:
        with Interruption() as interruption:
            found.append((interruption.requested, handlers() == before))
            interruption.deliver()

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [(None, True)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_plain_process_ends_by_the_signal_after_it_has_saved(number: int) -> None:
    script = """
        import os, sys
        from assay.training.interruption import Interruption
        with Interruption() as interruption:
            os.kill(os.getpid(), int(sys.argv[1]))
            print("saved", flush=True)
            interruption.deliver()
        print("went on")
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(int(number))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout == "saved\n"
    assert ended.returncode == -number
