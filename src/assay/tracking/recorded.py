"""What a run has recorded before it resumes, so that nothing is recorded twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from assay.tracking.recorder import Point
from assay.tracking.store import Store

_KEY = "assay.key"
_OF_THE_MACHINE = "system/"


@dataclass(frozen=True)
class Recorded:
    """What there is of a run, or of one inside it.

    A fit that goes on from its last checkpoint does some steps again, and gets the same numbers:
    a metric that is known at a step stays as it was recorded first.

    Attributes:
        steps: By metric, the steps at which it is known.
        findings: Every finding, as JSON.
        params: Every param, as text.
        children: The runs inside it, by their key.
    """

    steps: Mapping[str, frozenset[int]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    children: Mapping[str, Recorded] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store, run_id: str) -> Self:
        """Of a run in a store."""
        record = store.get(run_id)
        return cls(
            steps={
                name: frozenset(step for step, _ in store.history(run_id, name))
                for name in record.metrics
            },
            findings=tuple(_as_json(each.as_dict()) for each in store.findings(run_id)),
            params=record.params,
            children={
                each.tags[_KEY]: cls.of(store, each.run_id)
                for each in store.children(run_id)
                if _KEY in each.tags
            },
        )

    @property
    def lasted_s(self) -> int:
        """How long the machine was watched, in seconds."""
        steps = [self.steps[name] for name in self.steps if name.startswith(_OF_THE_MACHINE)]
        return max((max(each) for each in steps if each), default=0)

    def new(self, points: Sequence[Point]) -> list[Point]:
        """Those of the points that are not known."""
        return [each for each in points if each.step not in self.steps.get(each.name, ())]

    def has(self, finding: Mapping[str, Any]) -> bool:
        """Whether a finding is known, told as `Finding.as_dict` does."""
        return _as_json(finding) in self.findings


def _as_json(finding: Mapping[str, Any]) -> str:
    return json.dumps(finding, sort_keys=True, default=lambda value: value.item())
