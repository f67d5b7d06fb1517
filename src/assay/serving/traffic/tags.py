"""Tags: what a version is doing in a contest, written where plain MLflow shows it."""

from __future__ import annotations

from collections.abc import Callable

from assay.serving.traffic.store import Event
from assay.tracking.mlflow_client import client, told

TAG = "assay.traffic"
"""The last thing that happened to a version: its share, or why it was stopped."""


def tagger(tracking_uri: str) -> Callable[[Event], None]:
    """What writes events as tags of the versions that they are about.

    Args:
        tracking_uri: Of the registry.
    """

    def tag(event: Event) -> None:
        name, _, number = event.version.rpartition("/")
        if not name or not number.isdecimal():
            return  # a folder, or a run's model: no version has it
        text = f"{event.kind}: {event.said} (contest {event.contest})"
        with told(tracking_uri):
            client(tracking_uri).set_model_version_tag(name, number, TAG, text)

    return tag
