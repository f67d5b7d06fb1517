"""A contest: one champion, those that challenge it, and everything that the comparison goes by.

Another version, share, key, salt or measure makes it another contest, since outcomes under
different ones cannot be put together. The same again, after a restart for instance, goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from assay.data.schema import Task
from assay.errors import InputError
from assay.serving.served_model import ServedModel
from assay.serving.traffic.assignment import assigned
from assay.serving.traffic.comparison import Design
from assay.serving.traffic.measures import OF_TASK, Measure, measure_of
from assay.serving.traffic.sequence import LEVEL
from assay.serving.traffic.settings import TrafficSettings


@dataclass(frozen=True)
class Contest:
    """Who stands against whom, and by what.

    Attributes:
        champion: The version that is in use: NAME/VERSION.
        shares: Of the traffic, by challenger.
        shadows: Versions that answer what the champion answers, for nobody to see.
        key: What keeps its model; None for requests one by one.
        salt: The text that was asked for.
        target: Name of what is predicted.
        task: What kind of thing that is.
        classes: As text; empty of a regression.
        measure: What the models are compared by.
    """

    champion: str
    shares: Mapping[str, float]
    shadows: tuple[str, ...]
    key: str | None
    salt: str
    target: str
    task: Task
    classes: tuple[str, ...]
    measure: Measure

    def __post_init__(self) -> None:
        """The order in which they were named says nothing: it must not change who gets whom."""
        object.__setattr__(self, "shares", dict(sorted(self.shares.items())))
        object.__setattr__(self, "shadows", tuple(sorted(self.shadows)))

    @cached_property
    def id(self) -> str:
        """The same for the same contest, whoever computes it."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def champion_share(self) -> float:
        """What the challengers leave."""
        return 1 - sum(self.shares.values())

    @property
    def others(self) -> tuple[str, ...]:
        """Challengers, then shadows."""
        return (*self.shares, *self.shadows)

    def assigned(self, unit: str) -> str:
        """The version that a unit gets."""
        return assigned(unit, self.id, self.shares) or self.champion

    def design(self, version: str) -> Design:
        """How a version is compared with the champion; the intervals of all hold together."""
        level = 1 - (1 - LEVEL) / max(1, len(self.others))
        share = self.shares.get(version)
        return Design(None if share is None else share / (share + self.champion_share), level)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "task": self.task.value}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Contest:
        """Read back what `as_dict` wrote."""
        return cls(
            **{
                **record,
                "shadows": tuple(record["shadows"]),
                "task": Task(record["task"]),
                "classes": tuple(record["classes"]),
                "measure": Measure(**record["measure"]),
            }
        )


def contest_of(
    champion: ServedModel,
    challengers: Sequence[tuple[ServedModel, float]],
    shadows: Sequence[ServedModel],
    settings: TrafficSettings,
) -> Contest:
    """The contest of models that are being served.

    A challenger or shadow that is the champion itself, as after its promotion, takes no part.

    Raises:
        InputError: They do not answer the same question of the same columns, or the measure does
            not go with the task.
    """
    schema = champion.loaded.schema
    for each in (*(model for model, _ in challengers), *shadows):
        _refuse_unlike(champion, each)
    shares: dict[str, float] = {}
    for model, share in challengers:
        if model.version != champion.version:
            shares[model.version] = shares.get(model.version, 0.0) + share
    versions = dict.fromkeys(model.version for model in shadows)
    return Contest(
        champion.version,
        shares,
        tuple(each for each in versions if each != champion.version and each not in shares),
        settings.key,
        settings.salt,
        schema.target,
        schema.task,
        tuple(str(each) for each in schema.classes),
        # of the champion alone nothing is compared, and no largest error is asked for
        measure_of(schema.task, settings.measure, settings.largest_error)
        if challengers or shadows
        else Measure(OF_TASK[schema.task][0]),
    )


def _refuse_unlike(champion: ServedModel, other: ServedModel) -> None:
    ours, theirs = champion.loaded.schema, other.loaded.schema
    same = (ours.target, ours.task, set(ours.classes)) == (
        theirs.target,
        theirs.task,
        set(theirs.classes),
    )
    if not same:
        raise InputError(
            f"{other.version} does not answer the same question as {champion.version}: "
            f"{theirs.task.value} {theirs.target!r} beside {ours.task.value} {ours.target!r}.",
            where=other.reference,
            mend="let models compete that predict the same target with the same classes",
        )
    apart = {name for name, _ in ours.reading.items() ^ theirs.reading.items()}
    if apart:
        raise InputError(
            f"{other.version} does not read the same columns as {champion.version}, so that no "
            f"request fits both: {', '.join(sorted(apart)[:5])}.",
            where=other.reference,
            mend="let it compete with a model of the same columns, or compare them on recorded "
            "rows: assay compare",
        )
