"""Monitoring: a served model is held against its training, a page is written, alarms are told."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.schema import Schema
from assay.errors import DataError
from assay.inference.loading import contents_of
from assay.inference.reference import Reference
from assay.inference.served import ABOUT
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.registry import versions
from assay.serving.monitoring import alerts
from assay.serving.monitoring.alarms import moment_of
from assay.serving.monitoring.alerts import Delivery
from assay.serving.monitoring.monitored import DAYS, Monitored, monitored
from assay.serving.monitoring.outcomes import outcomes_of, outcomes_path
from assay.serving.monitoring.page import write
from assay.serving.monitoring.sampling import HOUR_S, samples_of
from assay.serving.naming import model_name
from assay.workspace import Workspace, check_folder, file_name, private

_WRITTEN_AFTER_S = 120
"""After so long the last rows of an hour are on the disk: it is looked at then, and only then."""


@dataclass(frozen=True)
class Report:
    """What monitoring found and where it is.

    Attributes:
        found: What it found.
        page: The page.
        delivery: What became of the message to the webhook; None if there was nothing to tell.
    """

    found: Monitored
    page: Path
    delivery: Delivery | None

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        told = None if self.delivery is None else vars(self.delivery)
        return {**self.found.as_dict(), "report": str(self.page), "webhook": told}


@private()
def monitor(
    model: str,
    *,
    webhook: str | None = None,
    out: str | Path | None = None,
    now: float | None = None,
    announce: Announce = silent,
) -> Report:
    """Hold what a served model was asked against what it was trained on.

    How often this is called changes nothing: every full hour is looked at, once.

    Args:
        model: NAME, NAME/VERSION, NAME@STAGE, runs:/ID or a folder, as it is served.
        webhook: Where alarms are told that were not told before: https, or this machine.
        out: Where the page is written; among the reports if None.
        now: Seconds since 1970; the clock's if None.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such model, or nothing was sampled of it.
        DataError: The model was packed without what its traffic is held against.
    """
    if webhook is not None:
        alerts.check_webhook(webhook)
    if out is not None:
        check_folder(Path(out))
    announce(Step("Reading what training was like"))
    version, reference, schema = _packed(model)
    workspace = Workspace.find()
    folder = samples_of(workspace.samples_folder, version)
    until = int(((time.time() if now is None else now) - _WRITTEN_AFTER_S) // HOUR_S)
    announce(Step("Reading samples and outcomes"))
    known = outcomes_of(outcomes_path(workspace, model_name(version)), until - 24 * DAYS)
    found = monitored(folder, version, reference, schema, known, until=until)
    page = Path(out) if out is not None else (
        workspace.reports_folder / folder.name / f"{file_name(version)}-monitoring.html"
    )  # fmt: skip
    write(found, page)
    delivery = None if webhook is None else _told(found, page, webhook, folder)
    return Report(found, page, delivery)


def _packed(model: str) -> tuple[str, Reference, Schema]:
    """The version that is served under this reference, and what it keeps of its training."""
    if Path(model).is_dir():
        version = Path(model).resolve().name  # what a server calls it
        reference, schema = _contents(Path(model), version)
    else:
        place = Place.to_find()
        found = versions.find_model(place.uri, model)
        version = found.version.reference if found.version is not None else model
        with place.workspace.scratch_to_read() as scratch:
            reference, schema = _contents(found.local(scratch), version, found.digest)
    if reference is None:
        raise DataError(
            f"{version} keeps nothing that its traffic could be held against: it was packed by an "
            "earlier version of Assay.",
            where=model,
            mend="train it again (assay reproduce RUN shows that it stays the same) and register "
            "that run",
        )
    return version, reference, schema


def _contents(folder: Path, name: str, digest: str = "") -> tuple[Reference | None, Schema]:
    inner = contents_of(folder, name=name, expected=digest)
    about = json.loads((inner / ABOUT).read_text(encoding="utf-8"))
    return Reference.read(inner), Schema.from_dict(about["schema"])


def _told(found: Monitored, page: Path, webhook: str, folder: Path) -> Delivery | None:
    """Tell the alarms that were not told before; what does not arrive is told again next time."""
    new = alerts.news(found.version, found.alarms, folder)
    delivery = None
    if new:
        message = {
            "event": "assay.alarms",
            "model": found.version,
            "until": moment_of(found.until),
            "said": found.said,
            "alarms": [each.as_dict() for each in new],
            "report": str(page),
        }
        delivery = alerts.send(webhook, message, len(new))
    told = new if delivery is not None and delivery.arrived else []
    alerts.remember(found.version, found.alarms, told, folder)
    return delivery
