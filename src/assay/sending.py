"""Sending: what earlier processes recorded and could not send goes to its store."""

from __future__ import annotations

from dataclasses import replace

from assay.monitor import Announce, silent
from assay.place import Place
from assay.tracking.leftovers import Sent
from assay.tracking.recorder import Status

_PATIENCE_S = 10.0


def sync(*, announce: Announce = silent) -> Sent:
    """Send what earlier processes have recorded and not sent, and end the runs that were killed.

    Args:
        announce: Told of progress.

    Raises:
        NotFoundError: There is no workspace here.
    """
    place = Place.to_find(settles=False)
    sent = place.settle(_PATIENCE_S, announce)
    ended = []
    for run in place.store.runs():
        if run.status is Status.INTERRUPTED and run.finished is None:
            place.store.attach(run.run_id).finish(run.status, run.reason)
            ended.append(run.reference)
    return replace(sent, runs=(*sent.runs, *ended))
