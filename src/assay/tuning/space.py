"""The space of a search: which settings vary, between which values, and under which conditions."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from assay.errors import ExperimentError
from assay.tuning.settings import ChoiceSettings, RangeSettings

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_BLOCKS = ("options.", "training.", "model.")
_WHERE = "tuning.space"
_CHOICE = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Dimension:
    """One setting that varies.

    Attributes:
        key: Its dotted name in the experiment: 'model.options.learning_rate'.
        low: The least value; None where there are choices.
        high: The greatest, included.
        log: Whether orders of magnitude are searched alike.
        step: Distance between values; None for any.
        choices: Values without order; empty where there is a range.
        when: Values of other settings, by their dotted names, under which it is searched at all;
            several values are alternatives.
    """

    key: str
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def ask(self, trial: BaseTrial) -> Any:
        """The value that a trial tries."""
        if self.choices:
            # Optuna's categories are plain values; a list is one as its JSON.
            known = {_plain(each): each for each in self.choices}
            return known[trial.suggest_categorical(self.key, list(known))]
        assert self.low is not None
        assert self.high is not None
        if self.is_whole:
            step = int(self.step or 1)
            return trial.suggest_int(
                self.key, int(self.low), int(self.high), step=step, log=self.log
            )
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that say whether all of them are allowed: both ends, or every choice."""
        return self.choices or (self.low, self.high)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "when": {key: list(each) for key, each in self.when.items()}}


@dataclass(frozen=True)
class Space:
    """All dimensions, each after those that its condition names."""

    dimensions: tuple[Dimension, ...]

    def ask(self, trial: BaseTrial, fixed: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that a trial tries, by dotted name.

        Args:
            trial: Optuna's.
            fixed: What the experiment sets, by dotted name; conditions may be about these too.
        """
        asked: dict[str, Any] = {}
        for each in self.dimensions:
            now = {**fixed, **asked}
            if all(now.get(key) in allowed for key, allowed in each.when.items()):
                asked[each.key] = each.ask(trial)
        return asked

    @property
    def digest(self) -> str:
        """SHA-256 of what is searched; a study is only ever about one."""
        told = json.dumps([each.as_dict() for each in self.dimensions], sort_keys=True, default=str)
        return sha256(told.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.dimensions)


def space_of(settings: Mapping[str, RangeSettings | ChoiceSettings]) -> Space:
    """The space that the `tuning` block describes.

    Raises:
        ExperimentError: A dimension is empty or of no known setting, or conditions go in circles.
    """
    dimensions = [_dimension(key, each) for key, each in settings.items()]
    for name, n in Counter(each.key for each in dimensions).items():
        if n > 1:
            raise ExperimentError(
                f"{name} is searched twice.", where=_WHERE, mend="name it once, short or in full"
            )
    return Space(tuple(_in_order(dimensions)))


def full_key(key: str) -> str:
    """The dotted name in the experiment of what may be written shorter.

    >>> full_key("options.l2"), full_key("learner"), full_key("training.epochs")
    ('model.options.l2', 'model.learner', 'training.epochs')

    Raises:
        ExperimentError: It is neither a learner, nor of its options or training.
    """
    if key == "learner" or key.startswith("options."):
        return f"model.{key}"
    if key == "model.learner" or key.startswith(("model.options.", "training.")):
        return key
    raise ExperimentError(
        f"{key} cannot be tuned: it is neither of the learner nor of its training.",
        where=f"{_WHERE}.{key}",
        mend="options.NAME, training.NAME or learner; other keys: assay ablate --vary KEY",
    )


def _dimension(key: str, settings: RangeSettings | ChoiceSettings) -> Dimension:
    name, where = full_key(key), f"{_WHERE}.{key}"
    when = {full_key(each): _several(values) for each, values in settings.when.items()}
    if isinstance(settings, ChoiceSettings):
        if len({_plain(each) for each in settings.choices}) < len(settings.choices):
            raise ExperimentError(
                f"{key} has the same choice twice.", where=where, mend="name each of them once"
            )
        return Dimension(name, choices=settings.choices, when=when)
    low, high = settings.low, settings.high
    refused = _refused(name, settings)
    if refused is not None:
        raise ExperimentError(f"{key} {refused[0]}.", where=where, mend=refused[1])
    return Dimension(name, low, high, settings.log, settings.step, when=when)


def _refused(name: str, settings: RangeSettings) -> tuple[str, str] | None:
    """What is impossible about a range, and its mend; None if nothing is."""
    low, high, step = settings.low, settings.high, settings.step
    ends = f"goes from {low} to {high}"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"has no values: it {ends}", "give both ends: {low: ..., high: ...}"
    if low > high:
        return f"has no values: it {ends}", f"{{low: {high}, high: {low}}}"
    if low == high:
        return f"has one value: it {ends}", f"set it instead: {name}: {low}"
    if settings.log and low <= 0:
        return (
            f"is searched by orders of magnitude, and begins at {low}",
            f"{{low: {high / 1000:g}, high: {high}, log: true}}, or log: false",
        )
    if settings.log and step is not None:
        return "is searched by orders of magnitude, which have no step", "leave step out, or log"
    is_whole = isinstance(low, int) and isinstance(high, int)
    if is_whole and step is not None and step != int(step):
        return (
            f"{ends} in steps of {step}, which are not whole",
            f"{{low: {float(low)}, high: {float(high)}, step: {step}}}",
        )
    return None


def _several(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, list | tuple) else (values,)


def _in_order(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Each after those that its condition is about."""
    ordered: list[Dimension] = []
    waiting = list(dimensions)
    while waiting:
        names = {each.key for each in waiting}
        ready = [each for each in waiting if not names & {*each.when}]
        if not ready:
            circle = ", ".join(sorted(names))
            raise ExperimentError(
                f"Conditions go in a circle: {circle}.",
                where=_WHERE,
                mend="take `when` off one of them",
            )
        ordered += ready
        waiting = [each for each in waiting if each not in ready]
    return ordered


def _plain(value: Any) -> Any:
    """A value as Optuna takes categories."""
    return value if isinstance(value, _CHOICE) else json.dumps(value, sort_keys=True, default=str)
