"""Which gates there are: ours, and those that installed packages offer."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from assay.registry.gates.base import Evidence, Gate, Verdict
from assay.registry.gates.builtin import GATES, NAMES

GROUP = "assay.gates"
"""The entry points by which an installed package offers gates: a gate each, or its class."""


def offered_gates() -> tuple[Gate, ...]:
    """The gates that installed packages offer, by the names they give them.

    An offer that cannot be used stays in the list: asked, it refuses and says why.
    """
    offered = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    return tuple(_of(each) for each in offered)


def known_gates() -> tuple[Gate, ...]:
    """Ours, then those of others."""
    return (*GATES, *offered_gates())


def _of(offer: EntryPoint) -> Gate:
    try:
        made = offer.load()
        made = made() if isinstance(made, type) else made
        if not isinstance(made, Gate):
            raise TypeError(f"{offer.value} is no gate: it needs a name and a call")
        if made.name in NAMES:
            raise ValueError(f"{offer.value} has the name {made.name} of a gate of Assay's")
    except Exception as error:
        return _Unusable(offer.name, f"{type(error).__name__}: {error}")
    return made


@dataclass(frozen=True)
class _Unusable:
    """Stands for a gate that was offered and cannot be used: it passes nothing."""

    name: str
    reason: str

    def __call__(self, evidence: Evidence, asked: Any) -> Verdict:  # noqa: ARG002
        return Verdict(self.name, None, "a gate of a package", (f"it broke: {self.reason}",))
