"""Conditions on runs: `roc_auc > 0.9 and learner = boosting`, read without evaluating anything."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from assay.errors import InputError
from assay.tracking.store import RunRecord

DURATION = "duration"
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*([^\s<>=!]+)\s*(<=|>=|!=|==|=|<|>)\s*(\S.*?)\s*")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_SPAN = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PLAIN = {"true": "True", "false": "False", "null": "None", "none": "None"}
_SHOWN_KEYS = 12


@dataclass(frozen=True)
class Condition:
    """One comparison of a metric or a setting with a value.

    Attributes:
        key: The metric, the setting by its dotted name or the end of it, or 'duration' in seconds.
        compare: How: < <= = != >= or >.
        value: What with, as it was written.
    """

    key: str
    compare: str
    value: str

    def holds(self, run: RunRecord) -> bool:
        """Whether it does; of a run that knows no such thing it does not."""
        known = value_of(run, self.key)
        if known is None:
            return False
        ours, theirs = _number(known), _number(self.value)
        if ours is not None and theirs is not None:
            return _COMPARE[self.compare](ours, theirs)
        if self.compare not in ("=", "==", "!="):
            return False
        wanted = _PLAIN.get(self.value.lower(), self.value)
        return (str(known) == wanted) == (self.compare != "!=")


def conditions(texts: Iterable[str], runs: Sequence[RunRecord]) -> list[Condition]:
    """What the texts ask for, with the keys as these runs have them.

    Raises:
        InputError: A text is no condition, or none of the runs has such a metric or setting.
    """
    return [_condition(part, runs) for text in texts for part in _AND.split(text)]


def resolved(key: str, runs: Sequence[RunRecord]) -> str:
    """The whole name of a metric or setting of which the end may have been given.

    Raises:
        InputError: None of the runs has it, or several are meant.
    """
    known = [DURATION, *dict.fromkeys(key for run in runs for key in (*run.metrics, *run.params))]
    if key in known or not runs:
        return key
    meant = [each for each in known if each.endswith(f".{key}")]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InputError(f"{key!r} may be {' or '.join(meant)}.", mend=meant[0])
    ends = [each.rpartition(".")[2] for each in known]
    close = get_close_matches(key, [*known, *ends], n=1)
    named = dict.fromkeys(name for run in runs for name in run.metrics)
    metrics = sorted(named, key=lambda name: name.startswith("system/"))
    shown = ", ".join(metrics[:_SHOWN_KEYS])
    raise InputError(
        f"None of {len(runs)} runs has a metric or a setting {key!r}.",
        where=f"metrics: {shown}; settings: by their key in the experiment file",
        mend=close[0] if close else "see what there is: assay show last",
    )


def value_of(run: RunRecord, key: str) -> Any:
    """A metric, a setting as text, or how long it took; None if the run knows no such thing."""
    if key == DURATION:
        return run.duration_s
    return run.metrics.get(key, run.params.get(key))


def moment_since(text: str, now: datetime | None = None) -> datetime:
    """The moment that '7d' (also m, h, w) before now is, or a date or time as it is written.

    Raises:
        InputError: It is neither.

    >>> moment_since("2d", datetime(2026, 11, 25, tzinfo=UTC)).isoformat()
    '2026-11-23T00:00:00+00:00'
    """
    span = _SPAN.fullmatch(text.strip())
    try:
        if span:
            ago = timedelta(**{_UNITS[span[2]]: int(span[1])})
            return (now or datetime.now(UTC)) - ago
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InputError(
            f"{text!r} is neither a span nor a date.", mend="7d, 12h, 30m, 2w or 2026-11-25"
        ) from None


def _condition(text: str, runs: Sequence[RunRecord]) -> Condition:
    read = _CONDITION.fullmatch(text)
    if read is None:
        raise InputError(
            f"{text.strip()!r} is no condition.",
            where="KEY OPERATOR VALUE, the operator one of < <= = != >= >; several joined by 'and'",
            mend="'roc_auc > 0.9', or 'model.options.learning_rate = 0.1'",
        )
    key, compare, value = read.groups()
    quoted = value[:1] == value[-1:] and value[:1] in "'\"" and len(value) > 1
    value = value[1:-1] if quoted else value
    key = resolved(key, runs)
    is_ordered = compare not in ("=", "==", "!=")
    if is_ordered and _number(value) is None:
        raise InputError(
            f"{text.strip()!r} compares with {value!r}, which is no number.",
            mend=f"{key} = {value}",
        )
    return Condition(key, compare, value)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
