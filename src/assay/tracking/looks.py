"""Looks in the store of runs: what the ledger says of a run is also recorded with it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from assay.data.ledger import Look
from assay.tracking.recorder import Recorder


def mirror(look: Look, looks: int, recorder: Recorder, scratch: Path) -> None:
    """Record a look with its run: each in a file of its own, the last one also in tags.

    Args:
        look: The look.
        looks: How many these rows have had, this one included.
        recorder: Of the run.
        scratch: A folder for the file on its way.
    """
    moment = "".join(filter(str.isalnum, look.at))
    path = scratch / f"{moment}-{looks}.json"
    path.write_text(json.dumps({**asdict(look), "looks": looks}, indent=1), encoding="utf-8")
    recorder.artifact(path, "looks")
    recorder.metrics({"looks": looks}, step=looks)
    recorder.tags({"assay.looks": str(looks), "assay.looked": look.at})
