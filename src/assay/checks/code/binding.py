"""Names and columns that are bound to a value."""

from __future__ import annotations

import ast
from dataclasses import replace

from assay.checks.code.names import dotted
from assay.checks.code.scopes import Scope
from assay.checks.code.values import UNKNOWN, Learnt, Value, together
from assay.checks.code.vocabulary import METADATA

SUBSETTERS = frozenset({"iloc", "loc", "at", "iat"})


def element(source: Value) -> Value:
    """What is known of any one element of a value."""
    if source.items is not None and len(source.items) == 1:
        return source.items[0]
    if source.items is not None or source.entries is not None:
        models = [each.model for each in source.flat() if each.model]
        return replace(together(source), model=models[0] if models else None)
    return replace(source, constant=None, model=None, subset=False)


def bind(target: ast.expr, value: Value, scope: Scope) -> None:
    """Bind the names of a target to a value."""
    if isinstance(target, (ast.Tuple, ast.List)):
        items = value.items
        if items is None and value.entries is not None and len(value.entries) == len(target.elts):
            items = tuple(value.entries.values())
        for position, each in enumerate(target.elts):
            if items is not None and len(items) == len(target.elts):
                bind(each, items[position], scope)
            else:  # a function of unknown content: its names say which part each is
                bind(each, replace(element(value), subset=True), scope)
    elif isinstance(target, ast.Starred):
        bind(target.value, value, scope)
    elif isinstance(target, (ast.Name, ast.Attribute)):
        name = dotted(target)
        if isinstance(target, ast.Attribute) and target.attr in METADATA:
            return
        if name is not None:
            scope.bind(name, value, target)
    elif isinstance(target, ast.Subscript):
        put_into(target.value, value, scope)


def put_into(base: ast.expr, value: Value, scope: Scope) -> None:
    """Note that a value became a column or an element of what a name holds."""
    while isinstance(base, (ast.Subscript, ast.Attribute)) and dotted(base) is None:
        base = base.value
    if isinstance(base, ast.Attribute) and base.attr in SUBSETTERS:
        base = base.value
    name = dotted(base)
    old = scope.find(name) if name else None
    if name is None or (old is None and not value.scores):
        return
    old, new = old or UNKNOWN, together(value)
    encoded = frozenset(
        each for each in new.statistic if each.kind is Learnt.ENCODING and not value.target
    )
    scope.names[name] = replace(
        old,
        learnt=old.learnt | new.learnt | encoded,
        times=old.times | new.times,
        scores=old.scores | new.scores,
        rows=old.rows if old.rows else new.rows,
    )
