"""A run whose store and spool are on the disks that the arguments name, one of them too small.

Run by the tests in a name space where those disks are file systems of their own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from assay.tracking import log, shipper
from assay.tracking.leftovers import send_left
from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Status
from assay.tracking.routes import Routes
from tests.tracking.story import (
    Telling,
    assert_told,
    begun,
    loss,
    tell_children,
    tell_opening,
)

STEPS = range(4000)


def main(store_on: Path, spool_on: Path, small: Path) -> None:
    """Record until the small disk is full and on, make room, and find everything."""
    shipper._POLL_S = shipper._LONGEST_WAIT_S = shipper._LONGEST_REST_S = 0.05
    log._PATIENCE_S = 0.1
    store = MlflowStore(f"sqlite:///{store_on / 'mlflow.db'}", store_on / "artifacts")
    told = Telling()
    recorder = begun(store, spool_on / "spool", told)
    tell_opening(recorder, store_on.parent / "files")
    filler = small / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            print("full")
    for step in STEPS:
        recorder.metrics(loss(step), step)
    tell_children(recorder, range(20))
    print(f"held {recorder._spool.log.held}")
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=100m", str(small)], check=True)
    recorder.finish(Status.FINISHED)
    sent = send_left(spool_on / "spool", lambda about: Routes(store, spool_on), patience_s=30)
    assert sent.unsent == (), sent
    assert_told(store, recorder.run_id, STEPS, store_on)
    print("told " + " | ".join(told.told))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
