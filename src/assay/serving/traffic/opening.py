"""Opening: traffic begins to be shared, with everything that goes with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import Route

from assay.data.schema import Kind
from assay.errors import InputError
from assay.serving.router import Slot
from assay.serving.served_model import ServedModel
from assay.serving.settings import ServingSettings
from assay.serving.traffic.endpoint import PATH, described, feedback_route
from assay.serving.traffic.feedback import Feedback
from assay.serving.traffic.keeper import Keeper
from assay.serving.traffic.routing import Traffic
from assay.serving.traffic.store import Event, TrafficStore, path_of
from assay.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedTraffic:
    """What a server needs so that its models share the traffic.

    Attributes:
        traffic: Its router, which is an observer too.
        feedback: Takes outcomes.
        route: The path where it does.
        paths: What the OpenAPI document says of it.
    """

    traffic: Traffic
    feedback: Feedback
    route: Route
    paths: Mapping[str, Any]


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
    _refuse_repeated(slots)
    store = TrafficStore(path_of(workspace.ensure(), name))
    store.prepare()
    keeper = Keeper(store, settings.traffic, tell)
    champion, *others = slots
    n = len(shares)
    challengers = list(zip(others[:n], shares, strict=True))
    traffic = Traffic(champion, challengers, others[n:], settings.traffic, keeper)
    keeper.start()
    feedback = Feedback(store, keeper.flush, traffic.is_expected)
    route = feedback_route(feedback, settings)
    return SharedTraffic(traffic, feedback, route, {PATH: described()})


def _refuse_repeated(slots: Sequence[Slot]) -> None:
    """Each model is asked for once; stages that happen to name the same version are told of.

    A stage may come to name a version that is served already, as after a promotion: a server that
    starts again must start, and the comparison waits until they part.

    Raises:
        InputError: A version was named itself, and is another of the models too.
    """
    for place, slot in enumerate(slots):
        for other in slots[:place]:
            first, second = other.model, slot.model
            if first.version != second.version:
                continue
            if first.reference == second.reference or _is_fixed(second):
                raise InputError(
                    f"{second.version} is asked for twice: as {first.reference} and as "
                    f"{second.reference}. There is nothing to compare.",
                    where="--challenger, --shadow",
                    mend=f"leave {second.reference} out, or name another version",
                )
            _log.warning(
                "%s and %s are the same version now, %s: there is nothing to compare until one of "
                "them moves",
                first.reference, second.reference, second.version,
            )  # fmt: skip


def _is_fixed(model: ServedModel) -> bool:
    """Whether the version was named, and not a stage that moves."""
    return model.reference.removeprefix("models:/") == model.version
