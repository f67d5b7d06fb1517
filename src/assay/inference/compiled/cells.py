"""Cells: one value of a row, as a learner sees it, without pandas.

The values that rows are mostly made of are read here: what `feature_frame` makes of a frame of the
one cell, to the bit. Whatever else stands in a cell is read by `feature_frame` itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from assay.data.features import feature_frame, level_text

NAN = math.nan
"""The one object that stands for what is missing, so that tables find it by identity."""

Read = Callable[[Any], Any]
"""Reads a cell: a number or days since 1970, a level or a text, or `NAN`; raises ValueError."""

_LARGEST = 2**63
_DAY_US = 86_400e6
EPOCH = datetime(1970, 1, 1)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(Z|[+-]\d\d:\d\d)?)?")
_TRUTHS = {"true": True, "false": False}


def reader(name: str, read_as: str) -> Read | None:
    """What reads the cells of a feature.

    Args:
        name: Of the column.
        read_as: As in `feature_frame`.

    Returns:
        None for images, which are read by the ordinary path alone.
    """
    kind, _, form = read_as.partition(" ")

    def ordinary(cell: Any) -> Any:
        frame = pd.DataFrame([{name: cell}])
        value = feature_frame(frame, {name: read_as})[name].iloc[0]
        if kind in ("numeric", "datetime"):
            value = float(value)
        return value if isinstance(value, str) or value == value else NAN  # noqa: PLR0124

    if kind == "numeric":
        return _number_reader(ordinary, is_truth=form == "truth")
    if kind == "datetime":
        return _days_reader(ordinary, form)
    if kind == "categorical":
        return _level_reader(ordinary, form)
    return _text_reader(ordinary) if kind == "text" else None


def _number_reader(ordinary: Read, *, is_truth: bool) -> Read:
    def read(cell: Any) -> Any:
        kind = cell.__class__
        if kind is float:
            return cell if math.isfinite(cell) else NAN
        if cell is None:
            return NAN
        if kind is bool or (kind is int and -_LARGEST <= cell < _LARGEST):
            return float(cell)
        if is_truth and kind is str:
            known = _TRUTHS.get(cell.lower())
            if known is not None:
                return float(known)
        return ordinary(cell)

    return read


def _days_reader(ordinary: Read, form: str) -> Read:
    def read(cell: Any) -> Any:
        if cell is None:
            return NAN
        if cell.__class__ is not str:
            return ordinary(cell)
        instant = _canonical(cell, form)
        if instant is None:
            return ordinary(cell)
        if instant.tzinfo is not None:
            instant = instant.astimezone(UTC).replace(tzinfo=None)
        since = instant - EPOCH
        us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return us / _DAY_US

    return read


def _canonical(text: str, form: str) -> datetime | None:
    """The instant that a text says in the one way that every reader of dates reads alike."""
    try:
        if not form:
            return datetime.fromisoformat(text) if _ISO.fullmatch(text) and text.isascii() else None
        instant = datetime.strptime(text, form)
        return instant if instant.strftime(form) == text else None
    except (ValueError, OverflowError):
        return None


def _level_reader(ordinary: Read, form: str) -> Read:
    def read(cell: Any) -> Any:
        kind = cell.__class__
        if cell is None:
            return NAN
        if kind is str and not form:
            return _sound(cell, ordinary) if cell else NAN
        if kind is str and form == "truth":
            known = _TRUTHS.get(cell.lower())
            if known is not None:
                return "true" if known else "false"
            return _sound(cell, ordinary) if cell else NAN
        if kind is bool or (kind is int and -_LARGEST <= cell < _LARGEST):
            return level_text(cell)
        if kind is float:
            return level_text(cell) if cell == cell else NAN  # noqa: PLR0124
        return ordinary(cell)

    return read


def _text_reader(ordinary: Read) -> Read:
    def read(cell: Any) -> Any:
        if cell is None:
            return ""
        return _sound(cell, ordinary) if cell.__class__ is str else ordinary(cell)

    return read


def _sound(text: str, ordinary: Read) -> Any:
    """The text, if it is one: half a surrogate pair, which JSON may bring, is for pandas to say."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return ordinary(text)
    return text
