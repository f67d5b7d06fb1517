"""Keeping: a run ends finished, failed or interrupted, and a failed one is kept with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import AssayError
from assay.provenance import masked
from assay.tracking.recorder import Recorder, Status


@contextmanager
def kept(recorder: Recorder) -> Iterator[Recorder]:
    """Finish the run in whatever way the block ends; what the block raises goes on.

    That the run could not be marked becomes a note of what the block raised, never takes its place.
    """
    try:
        yield recorder
    except AssayError as error:
        _end(recorder, Status.FAILED, error.what, error)
        raise
    except Exception as error:
        _end(recorder, Status.FAILED, f"{type(error).__name__}: {error}", error)
        raise
    except BaseException as error:
        _end(recorder, Status.INTERRUPTED, _stopped_by(error), error)
        raise
    else:
        recorder.finish(Status.FINISHED)


def _end(recorder: Recorder, status: Status, reason: str, cause: BaseException) -> None:
    try:
        recorder.finish(status, masked(reason))
    except Exception as error:
        what = error.what if isinstance(error, AssayError) else str(error)
        cause.add_note(f"The run could not be marked as {status}: {what}")


def _stopped_by(error: BaseException) -> str:
    return "stopped by Ctrl-C" if isinstance(error, KeyboardInterrupt) else str(error) or "ended"
