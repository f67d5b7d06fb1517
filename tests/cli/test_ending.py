"""Whoever is asked to end ends, even if the exception was lost on its way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from assay.cli import ending
from assay.cli.console import progress
from assay.cli.ending import Terminated, end_when_asked
from assay.monitor import Step


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ending._Asked, "to_end", False)
    before = signal.getsignal(signal.SIGTERM)
    end_when_asked()
    yield
    signal.signal(signal.SIGTERM, before)


def asked_and_lost() -> None:
    """As where C code calls back into Python, and clears what was raised there."""
    with suppress(Terminated):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("quiet", [True, False])
def test_what_was_lost_is_raised_with_the_next_step(quiet: bool) -> None:
    with progress(quiet) as announce:
        announce(Step("Fitting", 1, 2))
        asked_and_lost()
        with pytest.raises(Terminated):
            announce(Step("Fitting", 2, 2))


def test_what_is_to_last_is_told_however_steps_are(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (True, False):
        with progress(quiet) as announce:
            announce(Step("The store is away", lasting=True))
        assert capsys.readouterr().err == "The store is away\n"


def test_in_another_thread_nobody_is_asked() -> None:
    """Python hears signals in its main thread only, and that is the one that is to end."""

    def called() -> str:
        end_when_asked()
        with progress(True) as announce:
            announce(Step("Fitting", 1, 2))
        return "done"

    asked_and_lost()
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(called).result() == "done"
    with progress(True) as announce, pytest.raises(Terminated):
        announce(Step("Fitting", 1, 2))


def test_on_the_way_out_nothing_is_raised_again() -> None:
    told = []

    def ended() -> None:
        with progress(True) as announce:
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                announce(Step("Sending", 1, 2))
                told.append("sent")

    with pytest.raises(Terminated):
        ended()
    assert told == ["sent"]
