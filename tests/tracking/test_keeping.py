"""A run is ended as its block ends, and what the block raised is what goes on."""

from __future__ import annotations

import pytest

from assay.errors import DataError, TrackingError
from assay.tracking.keeping import kept
from assay.tracking.recorder import Silence, Status


class Broken(Silence):
    """A recorder whose store is away."""

    def finish(self, status: Status, reason: str = "") -> None:
        raise TrackingError("The store of runs refused: gone", mend="look")


class Remembering(Silence):
    """A recorder that knows how it was ended."""

    def __init__(self) -> None:
        self.ended: list[tuple[Status, str]] = []

    def finish(self, status: Status, reason: str = "") -> None:
        self.ended.append((status, reason))


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(3), "interrupted"),
        (DataError("a", mend="b"), "failed"),
        (RuntimeError("a"), "failed"),
    ],
)
def test_a_store_that_is_away_never_replaces_what_happened(
    raised: BaseException, status: str
) -> None:
    with pytest.raises(type(raised)) as caught, kept(Broken()):
        raise raised
    assert caught.value is raised
    assert raised.__notes__ == [
        f"The run could not be marked as {status}: The store of runs refused: gone"
    ]


def test_a_run_that_cannot_be_marked_as_finished_is_an_error() -> None:
    with pytest.raises(TrackingError, match="gone"), kept(Broken()):
        pass


def test_the_reason_tells_no_credentials() -> None:
    recorder = Remembering()
    with pytest.raises(RuntimeError), kept(recorder):
        raise RuntimeError("no answer from http://me:hunter2@host/x")
    assert recorder.ended == [
        (Status.FAILED, "RuntimeError: no answer from http://***@host/x"),
    ]
