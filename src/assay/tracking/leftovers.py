"""What earlier processes left in their spools: ended where they were killed, and sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError
from assay.monitor import Announce, silent
from assay.tracking.recorder import Status
from assay.tracking.shipper import Shipper, Unsent
from assay.tracking.spool import About, Spool, left
from assay.tracking.spooled import Routes, in_words, ship
from assay.tracking.store import GONE


@dataclass(frozen=True)
class Sent:
    """What became of what was left.

    Attributes:
        runs: References of the runs that are whole in the store now.
        unsent: What still waits, and why, in words.
        notices: What else is to be said.
    """

    runs: tuple[str, ...]
    unsent: tuple[str, ...]
    notices: tuple[str, ...]


def send_left(
    below: Path,
    routes_of: Callable[[About], Routes],
    *,
    patience_s: float,
    announce: Announce = silent,
) -> Sent:
    """Send what the spools of processes that live no more hold.

    Args:
        below: Where spools are.
        routes_of: Who is to be told.
        patience_s: How long a store is tried that fails.
        announce: Told of progress.
    """
    runs: list[str] = []
    unsent: list[str] = []
    notices: list[str] = []
    away: set[str] = set()
    for folder in left(below):
        spool = Spool.take_over(folder)
        if spool is None:
            continue
        if spool.about.address in away:
            waits = Unsent("store", "", spool.log.size)
            unsent.append(in_words(waits, spool.about))
            spool.close(keep=True)
            continue
        reference = f"{spool.about.experiment}/{spool.about.name}"
        spool.end_what_is_open(Status.INTERRUPTED, GONE)
        try:
            shipper = Shipper(spool, routes_of(spool.about)(spool.about), announce)
        except AssayError as error:
            waits = Unsent("store", error.what, spool.log.size)
            unsent.append(in_words(waits, spool.about))
            spool.close(keep=True)
            continue
        shipper.start()
        remaining, said = ship(spool, shipper, patience_s)
        notices += said
        unsent += [in_words(each, spool.about) for each in remaining]
        if not remaining:
            runs.append(reference)
        elif any(each.target == "store" for each in remaining):
            away.add(spool.about.address)
    return Sent(tuple(runs), tuple(unsent), tuple(notices))
