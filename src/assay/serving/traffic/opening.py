"""Opening: traffic begins to be shared, with everything that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import Route

from assay.data.schema import Kind
from assay.errors import InputError
from assay.serving.router import Slot
from assay.serving.settings import ServingSettings
from assay.serving.traffic.endpoint import feedback_route
from assay.serving.traffic.feedback import Feedback
from assay.serving.traffic.keeper import Keeper
from assay.serving.traffic.routing import Traffic
from assay.serving.traffic.store import Event, TrafficStore, path_of
from assay.workspace import Workspace


@dataclass(frozen=True)
class SharedTraffic:
    """What a server needs so that its models share the traffic.

    Attributes:
        traffic: Its router, which is an observer too.
        feedback: Takes outcomes.
        route: The path where it does.
    """

    traffic: Traffic
    feedback: Feedback
    route: Route


def share_traffic(
    workspace: Workspace,
    name: str,
    slots: Sequence[Slot],
    shares: Sequence[float],
    settings: ServingSettings,
    tell: Callable[[Event], None] | None = None,
) -> SharedTraffic:
    """Let models share the traffic.

    Args:
        workspace: Where answers and outcomes are kept.
        name: What the champion is registered as.
        slots: The champion, challengers, and shadows, which answer nobody.
        shares: Of the challengers; the other slots are shadows.
        settings: Of the server.
        tell: Told of each event once it is written down, as `tags.tagger` is.

    Raises:
        InputError: The models cannot compete, or their rows cannot be kept.
        TrackingError: Nothing can be kept there.
    """
    images = [
        each.name for each in slots[0].model.loaded.schema.features if each.kind is Kind.IMAGE
    ]
    if settings.traffic.keep_rows and images:
        raise InputError(
            f"Images are not kept with the answers ({images[0]}).",
            where="traffic.keep_rows",
            mend="keep_rows: false",
        )
    store = TrafficStore(path_of(workspace.ensure(), name))
    store.prepare()
    keeper = Keeper(store, settings.traffic, tell)
    champion, *others = slots
    n = len(shares)
    challengers = list(zip(others[:n], shares, strict=True))
    traffic = Traffic(champion, challengers, others[n:], settings.traffic, keeper)
    keeper.start()
    feedback = Feedback(store, keeper.flush, traffic.is_expected)
    return SharedTraffic(traffic, feedback, feedback_route(feedback, settings))
