"""What reading a module leaves behind (`Trace`), the names it binds (`Scope`), a call (`Site`)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from assay.checks.code.faults import Leak, leaks
from assay.checks.code.names import is_answer, part_of
from assay.checks.code.values import UNKNOWN, Model, Part, Rows, Score, Value

GIVEN = 0
"""Number of the table whose parts only names or files tell."""


@dataclass(frozen=True)
class Fit:
    """A fit of a model, with the rows that it is measured on meanwhile.

    Attributes:
        node: Where.
        rows: On which rows.
        watched: Rows on which it is measured while it is fitted.
        stops: Whether what it measures chooses when to stop or which state to keep.
    """

    node: ast.AST
    rows: frozenset[Rows]
    watched: frozenset[Rows]
    stops: bool


@dataclass(frozen=True)
class Shuffle:
    """A random division of rows that are in order of time.

    Attributes:
        node: Where.
        times: What says so.
        asked: Whether shuffling was asked for in so many words.
    """

    node: ast.AST
    times: frozenset[str]
    asked: bool


@dataclass(frozen=True)
class Choice:
    """The best of several scores was taken.

    Attributes:
        node: Where.
        scores: Which.
    """

    node: ast.AST
    scores: frozenset[Score]


Runner = Callable[[Value, tuple[Value, ...], Mapping[str, Value], "Scope"], Value]


@dataclass
class Trace:
    """What was seen while a module was read.

    Attributes:
        aliases: Full names behind imported ones.
        targets: Columns that the module predicts.
        run: Runs a function of the module, or a lambda, on arguments.
        leaks: What was learnt and met rows that it must not know.
        scores: Every measurement.
        fits: Fits that are measured meanwhile.
        shuffles: Random divisions of rows in order of time.
        choices: Where the best of several scores was taken.
        splits: The loops around each division, by its number.
        loops: The loops around what is read now.
        running: The functions that are being read.
        ran: Those that were read.
        steps: Expressions read so far.
        tables: Tables met so far.
    """

    aliases: Mapping[str, str]
    targets: frozenset[str]
    run: Runner
    leaks: list[Leak] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    shuffles: list[Shuffle] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    splits: dict[int, tuple[ast.AST, ...]] = field(default_factory=dict)
    loops: list[ast.AST] = field(default_factory=list)
    running: list[ast.AST] = field(default_factory=list)
    ran: set[ast.AST] = field(default_factory=set)
    steps: int = 0
    tables: int = 0

    def table(self) -> int:
        self.tables += 1
        return self.tables

    def split(self) -> int:
        number = len(self.splits) + 1
        self.splits[number] = tuple(self.loops)
        return number

    def by_name(self) -> int:
        """Number of the division of rows cut out under the names of parts: one for each place."""
        key = -1 - len(self.loops)
        self.splits.setdefault(key, tuple(self.loops))
        return key

    def settle(self, value: Value, node: ast.AST) -> Value:
        """The value, after what it must not know was noted."""
        if value.learnt and value.rows:
            self.leaks.extend(leaks(value, node))
        return value

    def measured(self, node: ast.AST, rows: frozenset[Rows], model: Model | None,
                 *, folds: bool = False, curve: bool = False) -> Score:  # fmt: skip
        score = Score(
            node,
            rows,
            model,
            model.fitted if model else frozenset(),
            tuple(self.loops),
            folds,
            curve,
        )
        self.scores.append(score)
        return score


@dataclass
class Scope:
    """The names of a module or of a function, and those around it."""

    trace: Trace
    above: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    returned: list[Value] = field(default_factory=list)

    def find(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.above
        return None

    def bind(self, name: str, value: Value, node: ast.AST) -> None:
        """Bind a name; what it says of the part is believed where the code says no more."""
        self.names[name] = self.trace.settle(named(name, value, self.trace), node)


def named(name: str, value: Value, trace: Trace) -> Value:
    """The value, with the part that its name says it is.

    Args:
        name: It may be dotted.
        value: A division's test rows under the name of validation are validation rows; rows cut
            out of a table under the name of a part are that part.
        trace: It numbers new divisions.
    """
    last = name.rpartition(".")[2]
    part = part_of(last)
    if value.rows and is_answer(last) and not value.target:
        value = replace(value, target=True)
    if part is None or value.model or value.function or value.index or value.scores:
        return replace(value, subset=False, cut=True) if value.subset else value
    if not value.rows:
        unknown = value.constant is None and value.items is None and not value.statistic
        held = frozenset({Rows(GIVEN, part)})
        return replace(value, rows=held) if unknown and value.entries is None else value
    if len(value.parts) > 1 and part in value.parts:
        return replace(value, rows=frozenset(r for r in value.rows if r.part is part), subset=False)
    if value.parts == {Part.TEST} and part is Part.VALIDATION:
        return replace(value, rows=frozenset(replace(r, part=part) for r in value.rows))
    if value.subset or value.parts == {Part.SOME}:
        return divided(replace(value, subset=False), part, trace.by_name())
    return value


def divided(value: Value, part: Part, split: int, *, folds: bool = False) -> Value:
    """A part of a value's rows.

    Args:
        value: What is divided.
        part: Which part.
        split: Number of the division.
        folds: Whether it is one of cross-validation.
    """
    rows = frozenset(_within(each, part, split, folds) for each in value.rows)
    return replace(value, rows=rows, items=None, subset=False, cut=False)


def _within(rows: Rows, part: Part, split: int, folds: bool) -> Rows:
    base = rows.within if rows.part is Part.SOME and rows.within else rows
    return Rows(base.source, part, base, split, folds)


@dataclass(frozen=True)
class Site:
    """A call, with what is known of everything in it.

    Attributes:
        node: The call.
        name: The last part of what is called.
        full: Its full name where its import is known; else the name.
        receiver: What a method is called on; None for a function.
        receiver_name: Its dotted name; None if it has none.
        arguments: Positional arguments.
        options: Keyword arguments.
        scope: Where.
    """

    node: ast.Call
    name: str
    full: str
    receiver: Value | None
    receiver_name: str | None
    arguments: tuple[Value, ...]
    options: Mapping[str, Value]
    scope: Scope

    @property
    def trace(self) -> Trace:
        return self.scope.trace

    def run(
        self, function: Value, arguments: tuple[Value, ...], options: Mapping[str, Value]
    ) -> Value:
        """What a function of the module, or a lambda, returns."""
        return self.trace.run(function, arguments, options, self.scope)

    def held(self, position: int) -> Value:
        """An argument that must hold rows; if nothing is known of them, they are a new table's."""
        if position >= len(self.arguments):
            return UNKNOWN
        value = self.arguments[position]
        if value.rows or value.constant is not None or value.items is not None:
            return value
        value = replace(value, rows=frozenset({Rows(self.trace.table())}))
        argument = self.node.args[position] if position < len(self.node.args) else None
        if isinstance(argument, ast.Name):
            self.scope.names[argument.id] = value
        return value

    @property
    def first(self) -> Value:
        """The first argument, or nothing known."""
        return self.arguments[0] if self.arguments else UNKNOWN

    def option(self, name: str) -> object:
        """The constant that a keyword is given; None if it has none."""
        return self.options[name].constant if name in self.options else None
