"""Whoever is asked to end ends, even if the exception was lost on its way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
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
