"""Opening: traffic begins to be shared, with everything that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.serving.router import Slot
from assay.serving.traffic.feedback import Feedback
from assay.serving.traffic.keeper import Keeper
from assay.serving.traffic.routing import Traffic
from assay.serving.traffic.settings import TrafficSettings
from assay.serving.traffic.store import Event, TrafficStore, path_of
from assay.workspace import Workspace


def share_traffic(
    workspace: Workspace,
    name: str,
    champion: Slot,
    challengers: Sequence[tuple[Slot, float]],
    shadows: Sequence[Slot],
    settings: TrafficSettings,
    tell: Callable[[Event], None] | None = None,
) -> tuple[Traffic, Feedback]:
    """The router and observer of models that compete, and what takes their outcomes.

    Args:
        workspace: Where answers and outcomes are kept.
        name: What the champion is registered as.
        champion: The slot of the model in use.
        challengers: Slots with their shares of the traffic.
        shadows: Slots of models that answer nobody.
        settings: How traffic is divided and judged.
        tell: Told of each event once it is written down, as `tags.tagger` is.

    Raises:
        InputError: The models cannot compete.
        TrackingError: Nothing can be kept there.
    """
    store = TrafficStore(path_of(workspace.ensure(), name))
    store.prepare()
    keeper = Keeper(store, settings, tell)
    traffic = Traffic(champion, challengers, shadows, settings, keeper)
    keeper.start()
    return traffic, Feedback(store, keeper.flush, traffic.is_expected)
