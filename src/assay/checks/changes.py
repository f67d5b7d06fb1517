"""Changes of schema: what a column is in later rows that it was not in training.

Each is found from names, stored types and levels alone, but for units: there all values have been
multiplied by a factor that people convert by, and nothing else about them has changed.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assay.checks.base import View
from assay.checks.change import Change
from assay.checks.later import Later, kind_of_type
from assay.checks.units import unit_change
from assay.data.schema import Column, Kind, Role

ALIKE_TYPES = ({"numbers", "truth values"},)
FEWEST_ROWS = 30
MOST_SHOWN = 6
FEWEST_LEVELS, MOST_LEVELS = 2, 60
ROWS_PER_LEVEL = 5
MANY = 0.2


def changes(view: View, later: Later) -> list[Change]:
    """What has changed of each feature, at most one thing each, in the order of the source."""
    found = []
    for column in view.schema.features:
        change = (
            _absent(column, view, later)
            or _other_type(column, view, later)
            or _empty(column, view, later)
            or _other_spelling(column, view, later)
            or _other_codes(column, view, later)
            or unit_change(column, view, later)
        )
        if change is not None:
            found.append(change)
    return found


def plain(text: str) -> str:
    """A level without what differs between ways of writing it: case, accents, blanks, signs.

    Of what holds digits the signs stay, as they may be part of a number.

    >>> plain("  Île-de-France ") == plain("ILE DE FRANCE")
    True
    >>> plain("-1.5") == plain("15")
    False
    """
    letters = unicodedata.normalize("NFKD", text).casefold()
    signs = any(each.isdigit() for each in letters)
    kept = "".join(
        each
        for each in letters
        if each.isalnum()
        or (signs and not each.isspace() and each != "_" and not unicodedata.combining(each))
    )
    return kept or text.strip()


def _absent(column: Column, view: View, later: Later) -> Change | None:
    if later.stored is None or column.name in later.stored.names:
        return None
    known = {each.name for each in view.schema.columns}
    extra = [name for name in later.stored.names if name not in known]
    alike = [name for name in extra if _same_name(column.name, name)]
    if len(alike) == 1:
        return Change(
            column=column.name,
            what="renamed",
            title=f"'{column.name}' is called '{alike[0]}' in the {later.name} rows.",
            mend=f"{later.name} = {later.name}.rename(columns={{{alike[0]!r}: {column.name!r}}})",
            evidence={"name in training": column.name, f"name in {later.name}": alike[0]},
        )
    return Change(
        column=column.name,
        what="missing",
        title=f"The {later.name} rows have no column '{column.name}'.",
        mend=f"add '{column.name}' to the {later.name} rows, or leave it out of training:\n"
        f"data: {{roles: {{ignore: ['{column.name}']}}}}",
        evidence={"columns that training does not have": extra[:MOST_SHOWN]},
    )


def _same_name(one: str, other: str) -> bool:
    """Whether one may be the other written otherwise, or with something added."""
    one, other = ("".join(filter(str.isalnum, each.casefold())) for each in (one, other))
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= 3 and (long.startswith(short) or long.endswith(short)))


def _other_type(column: Column, view: View, later: Later) -> Change | None:
    if later.stored is None or view.given is None:
        return None
    trained = view.given.train if later.name == "test" else view.raw_train.schema
    if column.name not in trained.names:
        return None
    ours, theirs = (_kind(each, column.name) for each in (trained, later.stored))
    if ours == theirs or "nothing" in (ours, theirs) or {ours, theirs} in ALIKE_TYPES:
        return None
    known = int(later.features[column.name].notna().sum())
    return Change(
        column=column.name,
        what="type",
        title=f"'{column.name}' holds {ours} in training and {theirs} in the {later.name} rows.",
        mend=f"store '{column.name}' as {ours} in the {later.name} rows too"
        + (
            f":\n{later.name}[{column.name!r}] = pd.to_numeric({later.name}[{column.name!r}])"
            if ours == "numbers"
            else ""
        ),
        evidence={
            "stored in training": str(trained.field(column.name).type),
            f"stored in {later.name}": str(later.stored.field(column.name).type),
            f"{later.name} values that read as {ours}": known,
        },
    )


def _kind(schema: pa.Schema, name: str) -> str:
    return kind_of_type(schema.field(name).type)


def _empty(column: Column, view: View, later: Later) -> Change | None:
    """A column without any value: that so many rows lack it by chance must be out of question."""
    values = later.features[column.name]
    known = float(view.train.features[column.name].notna().mean())
    if len(values) < FEWEST_ROWS or values.notna().any() or column.kind is Kind.TEXT:
        return None
    if known < 0.5:
        return None
    return Change(
        column=column.name,
        what="empty",
        title=f"'{column.name}' has no value that can be read in any of the {later.name} rows.",
        mend=f"find out where the values of '{column.name}' were lost or written otherwise",
        evidence={"share of training rows with a value": round(known, 4)},
    )


def _other_spelling(column: Column, view: View, later: Later) -> Change | None:
    """Levels that training knows, but for case, accents, blanks or punctuation."""
    if column.kind is not Kind.CATEGORICAL:
        return None
    known = view.train.features[column.name].value_counts()
    values = later.features[column.name]
    respelt = _respelt(known, values)
    if not respelt:
        return None
    at = np.flatnonzero(values.isin(list(respelt)).to_numpy()).astype(np.int64)
    first = next(iter(respelt))
    return Change(
        column=column.name,
        what="spelling",
        title=f"{len(at):,} {later.name} rows spell values of '{column.name}' otherwise than "
        f"training does: {first!r} for {respelt[first]!r}.",
        mend="write them alike:\n"
        f"{later.name}[{column.name!r}] = {later.name}[{column.name!r}].replace("
        f"{dict(list(respelt.items())[:MOST_SHOWN])!r})",
        evidence={
            "values spelt otherwise": dict(list(respelt.items())[:MOST_SHOWN]),
            "rows": len(at),
        },
        rows=at,
    )


def _respelt(known: pd.Series[int], values: pd.Series[Any]) -> dict[str, str]:
    """What each new level stands for, where training knows that one well under another spelling.

    Where training itself tells levels apart that are spelt alike ('gdata' and 'g.data'), or they
    are rare as titles are, others will be alike by nature: then only a rule that holds for many
    rows counts.
    """
    meant: dict[str, str] = {}
    for level in known.index:  # the most frequent first
        meant.setdefault(plain(level), level)
    new = set(pd.unique(values.dropna())) - set(known.index)
    respelt = {level: meant[plain(level)] for level in sorted(new) if plain(level) in meant}
    if not respelt or values.isin(list(respelt)).mean() >= MANY:
        return respelt
    if len(meant) < len(known):
        return {}
    return {new: old for new, old in respelt.items() if known[old] >= ROWS_PER_LEVEL}


def _other_codes(column: Column, view: View, later: Later) -> Change | None:
    """Few levels on either side and none in common."""
    if column.kind is not Kind.CATEGORICAL or column.role is not Role.FEATURE:
        return None
    ours, theirs = (part[column.name].dropna() for part in (view.train.features, later.features))
    levels = [pd.unique(each) for each in (ours, theirs)]
    is_few = all(
        FEWEST_LEVELS <= len(each) <= min(MOST_LEVELS, len(values) // ROWS_PER_LEVEL)
        for each, values in zip(levels, (ours, theirs), strict=True)
    )
    if not is_few or set(levels[0]) & set(levels[1]):
        return None
    shown = [sorted(map(str, each))[:MOST_SHOWN] for each in levels]
    return Change(
        column=column.name,
        what="coding",
        title=f"No value of '{column.name}' in the {later.name} rows is one that training knows.",
        mend=f"Is '{column.name}' coded otherwise there? Then code it alike. If rows were divided "
        f"by it:\ndata: {{roles: {{group: '{column.name}'}}}}",
        evidence={"values in training": shown[0], f"values in {later.name}": shown[1]},
    )
