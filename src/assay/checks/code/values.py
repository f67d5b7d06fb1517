"""What is known of a value while code is read: its rows, and what was learnt from which rows.

The law behind the checks on leaks: what a value carries may have been learnt from training rows
only, once it is divided into parts. `Rows` says which rows, `Learning` what was learnt where.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

NOTHING: frozenset[Any] = frozenset()


class Part(StrEnum):
    """Which part of a table."""

    ALL = "all"
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    SOME = "some"


@dataclass(frozen=True)
class Rows:
    """Rows of a table.

    Attributes:
        source: Number of the table.
        part: Which of its rows.
        within: The rows that were divided to get them; None if they were given so.
        split: Number of the division; 0 if only a name or a file says that they are a part.
        folds: Whether the division is one of cross-validation.
    """

    source: int
    part: Part = Part.ALL
    within: Rows | None = None
    split: int = 0
    folds: bool = False

    @property
    def divided(self) -> Iterator[Rows]:
        """The rows that these were taken from, nearest first."""
        above = self.within
        while above is not None:
            yield above
            above = above.within


class Learnt(StrEnum):
    """What is learnt from rows besides a model."""

    PREPARATION = "preparation"
    SAMPLING = "sampling"
    SELECTION = "selection"
    STATISTIC = "statistic"
    ENCODING = "encoding"


@dataclass(frozen=True)
class Learning:
    """Something that was learnt from rows.

    Attributes:
        kind: What.
        what: As a message names it: 'StandardScaler', 'mean'.
        node: Where.
        rows: From which rows.
        firm: Whether it is certain that something is learnt.
        grouped: Whether it is a statistic of each group, of little weight unless it fills gaps.
    """

    kind: Learnt
    what: str
    node: ast.AST
    rows: frozenset[Rows]
    firm: bool = True
    grouped: bool = False


@dataclass(eq=False)
class Model:
    """An estimator of any kind; it changes when it is fitted.

    Attributes:
        name: Of its class.
        kinds: What its steps learn; empty if nothing that could leak.
        predictor: Whether it predicts.
        searches: Whether its fit divides the rows by itself, as grid search does.
        firm: Whether its class is known.
        fitted: The rows it was fitted on; empty before.
        learnt: What its fit learnt.
    """

    name: str
    kinds: frozenset[Learnt] = NOTHING
    predictor: bool = False
    searches: bool = False
    firm: bool = True
    fitted: frozenset[Rows] = NOTHING
    learnt: frozenset[Learning] = NOTHING

    def afresh(self) -> Model:
        return replace(self, fitted=NOTHING, learnt=NOTHING)


@dataclass(frozen=True)
class Score:
    """A measurement of a model.

    Attributes:
        node: Where.
        rows: On which rows.
        model: Of which model; None if unknown.
        fitted: The rows that the model had been fitted on.
        loops: The loops around it.
        folds: Whether it is one of cross-validation.
        curve: Whether it is a curve over thresholds.
    """

    node: ast.AST
    rows: frozenset[Rows]
    model: Model | None
    fitted: frozenset[Rows]
    loops: tuple[ast.AST, ...]
    folds: bool = False
    curve: bool = False


@dataclass(frozen=True)
class Value:
    """What is known of a value.

    Attributes:
        rows: Which rows it holds; empty if it holds none.
        learnt: What was learnt and went into it.
        statistic: What it is itself, learnt from rows: a mean, a list of the best columns.
        items: Its elements in order, where they are known.
        entries: Its entries by key, likewise.
        model: The estimator it is.
        function: The definition it is.
        scope: The names that the definition sees.
        made_by: Full name of the callable that made it.
        options: Keyword arguments it was made with.
        constant: A number, a string, a truth value.
        index: Part and number of the division whose row numbers it holds.
        folds: Whether that division is one of cross-validation.
        subset: Whether it was just cut out of a table.
        cut: Whether it holds rows cut out of a table, under whatever name.
        parted: Whether it is a mapping from the names of parts to rows.
        target: Whether it holds targets or predictions, not inputs.
        predicted_by: The model whose predictions it holds.
        times: What says that its rows are in order of time: 'sorted', 'indexed', 'lagged'.
        scores: The scores that went into it.
        chosen: Scores of which it is the best, or the position of the best.
        thresholds: Whether it holds the thresholds of a curve.
        grouped: 'groups' or 'windows' if its statistics are of those and not of all rows.
        column: Name of the one column it holds.
    """

    rows: frozenset[Rows] = NOTHING
    learnt: frozenset[Learning] = NOTHING
    statistic: frozenset[Learning] = NOTHING
    items: tuple[Value, ...] | None = None
    entries: Mapping[str, Value] | None = None
    model: Model | None = None
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None = None
    scope: Any = None
    made_by: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)
    constant: Any = None
    index: tuple[Part, int] | None = None
    folds: bool = False
    subset: bool = False
    cut: bool = False
    parted: bool = False
    target: bool = False
    predicted_by: Model | None = None
    times: frozenset[str] = NOTHING
    scores: frozenset[Score] = NOTHING
    chosen: frozenset[Score] = NOTHING
    thresholds: bool = False
    grouped: str = ""
    column: str | None = None

    @property
    def parts(self) -> set[Part]:
        return {rows.part for rows in self.rows}

    def flat(self) -> Iterator[Value]:
        """The value and all its known elements, at every depth."""
        yield self
        for item in self.items or ():
            yield from item.flat()
        for entry in (self.entries or {}).values():
            yield from entry.flat()


UNKNOWN = Value()


def together(*values: Value) -> Value:
    """What is known of a value that several went into.

    Args:
        values: Elements of known sequences count too.
    """
    every = [each for value in values for each in value.flat()]
    return Value(
        rows=_union(each.rows for each in every),
        learnt=_union(each.learnt for each in every),
        statistic=_union(each.statistic for each in every),
        times=_union(each.times for each in every),
        scores=_union(each.scores for each in every),
        chosen=_union(each.chosen for each in every),
        target=any(each.target for each in every)
        and all(each.target for each in every if each.rows),
        predicted_by=next((each.predicted_by for each in every if each.predicted_by), None),
        index=next((each.index for each in every if each.index), None),
        folds=any(each.folds for each in every),
    )


def either(one: Value, other: Value) -> Value:
    """What is known of a value that is one or the other."""
    if one is other:
        return one
    both = together(one, other)
    return replace(
        both,
        model=one.model or other.model,
        function=one.function or other.function,
        scope=one.scope or other.scope,
        made_by=one.made_by or other.made_by,
        options={**other.options, **one.options},
        items=one.items if one.items is not None else other.items,
        entries=one.entries if one.entries is not None else other.entries,
        parted=one.parted or other.parted,
        column=one.column or other.column,
    )


def _union(sets: Iterator[frozenset[Any]]) -> frozenset[Any]:
    found: set[Any] = set()
    for each in sets:
        found |= each
    return frozenset(found)
