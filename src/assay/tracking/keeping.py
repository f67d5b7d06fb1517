"""Keeping: a run ends finished, failed or interrupted, and a failed one is kept with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import AssayError
from assay.tracking.recorder import Recorder, Status


@contextmanager
def kept(recorder: Recorder) -> Iterator[Recorder]:
    """Finish the run in whatever way the block ends; what the block raises goes on."""
    try:
        yield recorder
    except AssayError as error:
        recorder.finish(Status.FAILED, error.what)
        raise
    except Exception as error:
        recorder.finish(Status.FAILED, f"{type(error).__name__}: {error}")
        raise
    except BaseException as error:
        recorder.finish(Status.INTERRUPTED, _stopped_by(error))
        raise
    else:
        recorder.finish(Status.FINISHED)


def _stopped_by(error: BaseException) -> str:
    return "stopped by Ctrl-C" if isinstance(error, KeyboardInterrupt) else str(error) or "ended"
