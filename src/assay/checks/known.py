"""Which checks there are: ours, and those that installed packages offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from assay.checks.base import Check, View
from assay.checks.builtin import CHECKS, CODES
from assay.findings import Finding, NotApplicable

GROUP = "assay.checks"
"""The entry points by which an installed package offers checks: a check each, or its class."""


def known_checks() -> tuple[Check, ...]:
    """Our checks, then those that installed packages offer, by the names they give them.

    An offer that cannot be used stays in the list: run, it says why, as a check that breaks does.
    """
    offered = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    return (*CHECKS, *(_of(each) for each in offered))


def _of(offer: EntryPoint) -> Check:
    try:
        made = offer.load()
        made = made() if isinstance(made, type) else made
        if not isinstance(made, Check):
            raise TypeError(f"{offer.value} is no check: it needs a code, a name and a call")
        if made.code in CODES:
            raise ValueError(f"{offer.value} has the code {made.code} of a check of Assay's")
    except Exception as error:
        return _Unusable(offer.name, error)
    return made


@dataclass(frozen=True)
class _Unusable:
    """Stands for a check that was offered and cannot be used."""

    name: str
    reason: Exception

    @property
    def code(self) -> str:
        return self.name

    def __call__(
        self,
        view: View,  # noqa: ARG002
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        raise self.reason
