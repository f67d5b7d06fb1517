"""What is known of the value of an expression."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from assay.checks.code import estimators, tables
from assay.checks.code.binding import SUBSETTERS, bind, element
from assay.checks.code.calls import called
from assay.checks.code.names import dotted, full_name, part_of
from assay.checks.code.scopes import GIVEN, Choice, Scope, Site, divided
from assay.checks.code.values import (
    NOTHING,
    UNKNOWN,
    Learning,
    Learnt,
    Part,
    Rows,
    Value,
    together,
)
from assay.checks.code.vocabulary import METADATA, TOLD_BY_FIT


def evaluate(node: ast.expr | None, scope: Scope) -> Value:
    """What is known of an expression's value.

    Args:
        node: The expression; None has no value.
        scope: The names it sees; what it does is noted in its trace.
    """
    if node is None:
        return UNKNOWN
    scope.trace.steps += 1
    read = _READERS.get(type(node))
    if read is not None:
        found: Value = read(node, scope)
        return found
    inner = [
        evaluate(each, scope) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)
    ]
    return together(*inner) if inner else UNKNOWN


def _constant(node: ast.Constant, scope: Scope) -> Value:  # noqa: ARG001
    return Value(constant=node.value) if node.value is not None else UNKNOWN


def _name(node: ast.Name, scope: Scope) -> Value:
    found = scope.find(node.id)
    if found is not None:
        return found
    if node.id in scope.trace.aliases:
        return Value(made_by=scope.trace.aliases[node.id])
    return _unbound(node.id)


def _unbound(name: str) -> Value:
    """A name that is bound elsewhere: only what it says is known."""
    part = part_of(name.rpartition(".")[2])
    return Value(rows=frozenset({Rows(GIVEN, part)})) if part else UNKNOWN


def _attribute(node: ast.Attribute, scope: Scope) -> Value:
    path = dotted(node)
    if path is not None:
        found = scope.find(path)
        if found is not None:
            return found
        full = full_name(node, scope.trace.aliases)
        if full is not None and scope.find(path.partition(".")[0]) is None:
            return Value(made_by=full)
    base = evaluate(node.value, scope)
    if node.attr in TOLD_BY_FIT:
        return estimators.told(base.model, node) if base.model else UNKNOWN
    if node.attr in METADATA:
        return Value(statistic=_selections(base))
    if base.made_by == "corr" and node.attr not in SUBSETTERS:
        return base.options["of"]
    if not base.rows and not base.model and not base.scores and not base.statistic:
        return _unbound(node.attr) if path and path.startswith("self.") else Value(
            made_by=f"{base.made_by}.{node.attr}" if base.made_by else "")  # fmt: skip
    return replace(base, column=node.attr if base.rows else None, model=None, items=None)


def _selections(base: Value) -> frozenset[Learning]:
    if base.rows:
        return NOTHING
    return frozenset(each for each in base.statistic if each.kind is Learnt.SELECTION)


def _subscript(node: ast.Subscript, scope: Scope) -> Value:
    base = evaluate(node.value, scope)
    key = node.slice
    if isinstance(key, ast.Tuple) and key.elts and base.items is None:
        cut = _cut(base, key.elts[0], scope)
        columns = together(*(evaluate(each, scope) for each in key.elts[1:]))
        return _selected(cut, columns, node, scope)
    if isinstance(key, ast.Slice) or base.items is not None:
        return _cut(base, key, scope)
    index = evaluate(key, scope)
    if isinstance(index.constant, str):
        return _entry(base, index.constant)
    if base.thresholds and index.chosen:
        scope.trace.choices.append(Choice(node, frozenset(s for s in index.chosen if s.curve)))
    if index.index is not None:
        return _indexed(base, index, node, scope)
    if isinstance(key, ast.Call) and _last_name(key.func) == "repeat" and base.rows:
        return tables.repeated(base, node)
    by_name = dotted(key)
    part = part_of(by_name) if by_name and base.rows and not index.statistic else None
    if part is not None and index.constant is None and not index.items:
        return scope.trace.settle(divided(base, part, scope.trace.by_name()), node)
    return _selected(replace(base, subset=_masks(key, base)), index, node, scope)


def _last_name(node: ast.expr) -> str:
    """The last name of an attribute, whatever stands before it."""
    return node.attr if isinstance(node, ast.Attribute) else ""


def _masks(key: ast.expr, base: Value) -> bool:
    """Whether an index is a condition on the rows."""
    conditions = (ast.Compare, ast.BoolOp, ast.UnaryOp)
    found = any(isinstance(each, conditions) for each in ast.walk(key))
    return base.subset or (found and bool(base.rows))


def _cut(base: Value, key: ast.expr, scope: Scope) -> Value:
    """Elements of a known sequence, or a run of rows."""
    if isinstance(key, ast.Slice):
        everything = key.lower is None and key.upper is None
        if base.items is not None:
            return replace(base, items=_sliced(base.items, key))
        return base if everything or not base.rows else _some(base, scope)
    index = evaluate(key, scope)
    if base.items is not None:
        position = index.constant
        if isinstance(position, int) and -len(base.items) <= position < len(base.items):
            return base.items[position]
        return replace(together(base), model=None)
    if index.index is not None:
        return _indexed(base, index, key, scope)
    if base.made_by == "corr" and isinstance(index.constant, str):
        return base.options["of"]
    return replace(base, subset=True) if base.rows and index is not UNKNOWN else base


def _some(base: Value, scope: Scope) -> Value:  # noqa: ARG001
    """A run of rows: not all of them, and not yet a part by name."""
    rows = frozenset(
        each if each.part is Part.SOME else replace(each, part=Part.SOME, within=each)
        for each in base.rows
    )
    return replace(base, rows=rows, subset=True, items=None)


def _sliced(items: tuple[Value, ...], key: ast.Slice) -> tuple[Value, ...]:
    lower, upper = (
        each.value if isinstance(each, ast.Constant) and isinstance(each.value, int) else None
        for each in (key.lower, key.upper)
    )
    return items[lower:upper]


def _indexed(base: Value, index: Value, node: ast.AST, scope: Scope) -> Value:
    if index.index is None or not base.rows:
        return base
    part, split = index.index
    return scope.trace.settle(divided(base, part, split, folds=index.folds), node)


def _entry(base: Value, key: str) -> Value:
    if base.entries is not None:
        return base.entries.get(key, replace(together(base), model=None))
    if base.made_by == "corr":
        return base.options["of"]
    part = part_of(key)
    if base.parted and part is not None:
        rows = frozenset({Rows(GIVEN, part)})
        return replace(base, rows=rows, parted=False)
    if base.rows and not base.grouped:
        return replace(base, column=key, items=None)
    return replace(base, column=key)


def _selected(base: Value, index: Value, node: ast.AST, scope: Scope) -> Value:
    """A table cut to rows or columns that an index names."""
    chosen = {each for each in index.statistic if each.kind is Learnt.SELECTION}
    if base.rows:
        taken = replace(base, learnt=base.learnt | chosen, items=None, column=index.constant
                        if isinstance(index.constant, str) else base.column)  # fmt: skip
        return scope.trace.settle(taken, node) if chosen else taken
    scores = base.scores | index.scores
    return replace(base, statistic=base.statistic | chosen, scores=scores, model=None)


def _sequence(node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Value:
    return Value(items=tuple(evaluate(each, scope) for each in node.elts))


def _mapping(node: ast.Dict, scope: Scope) -> Value:
    entries = {}
    for position, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        name = key.value if isinstance(key, ast.Constant) else None
        entries[name if isinstance(name, str) else f"#{position}"] = evaluate(value, scope)
    return Value(entries=entries)


def _operation(node: ast.BinOp, scope: Scope) -> Value:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    if isinstance(node.op, ast.Add) and left.items is not None and right.items is not None:
        return Value(items=(*left.items, *right.items))
    if isinstance(node.op, ast.Mult) and (left.items or right.items):
        return left if left.items else right
    both = together(left, right)
    target = left.target or right.target
    if not both.rows:
        return replace(both, thresholds=False)
    put_in = NOTHING
    if isinstance(node.op, (ast.Sub, ast.Div)) and not target:
        put_in = frozenset(
            each
            for each in both.statistic
            if each.kind is Learnt.ENCODING or (each.kind is Learnt.STATISTIC and not each.grouped)
        )
    changed = replace(both, learnt=both.learnt | put_in, statistic=NOTHING, target=target)
    return scope.trace.settle(changed, node) if put_in else changed


def _comparison(node: ast.Compare, scope: Scope) -> Value:
    both = together(*(evaluate(each, scope) for each in (node.left, *node.comparators)))
    kept = frozenset(each for each in both.statistic if each.kind is Learnt.SELECTION)
    return Value(statistic=kept, scores=both.scores, rows=both.rows, target=both.target,
                 predicted_by=both.predicted_by)  # fmt: skip


def _text(node: ast.JoinedStr, scope: Scope) -> Value:
    for each in node.values:
        if isinstance(each, ast.FormattedValue):
            evaluate(each.value, scope)
    return UNKNOWN


def _lambda(node: ast.Lambda, scope: Scope) -> Value:
    return Value(function=node, scope=scope)


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
) -> Value:
    inner = Scope(scope.trace, scope)
    conditions: list[Value] = []
    scope.trace.loops.append(node)
    for generator in node.generators:
        source = evaluate(generator.iter, inner)
        bind(generator.target, element(source), inner)
        conditions += [Value(statistic=_selections(source))]
        conditions += [evaluate(each, inner) for each in generator.ifs]
    if isinstance(node, ast.DictComp):
        made = together(evaluate(node.key, inner), evaluate(node.value, inner))
    else:
        made = evaluate(node.elt, inner)
    scope.trace.loops.pop()
    chosen = {each for value in conditions for each in value.statistic}
    return replace(together(made), statistic=together(made).statistic | chosen)


def _call(node: ast.Call, scope: Scope) -> Value:
    receiver, receiver_name = None, None
    name = dotted(node.func) or ""
    full = full_name(node.func, scope.trace.aliases)
    shadowed = scope.find(name.partition(".")[0]) is not None
    if isinstance(node.func, ast.Attribute):
        if full is None or shadowed:
            receiver = evaluate(node.func.value, scope)
            receiver_name = dotted(node.func.value)
        last = node.func.attr
    else:
        last = name or ""
    function = evaluate(node.func, scope) if name and receiver is None else UNKNOWN
    arguments = tuple(item for each in node.args for item in _arguments(each, scope))
    options = {each.arg or "**": evaluate(each.value, scope) for each in node.keywords}
    if full is not None and not shadowed:
        last = full.rpartition(".")[2]
    site = Site(node, last, full if full and not shadowed else name or last, receiver,
                receiver_name, arguments, options, scope)  # fmt: skip
    return called(site, function)


def _arguments(node: ast.expr, scope: Scope) -> tuple[Value, ...]:
    if isinstance(node, ast.Starred):
        value = evaluate(node.value, scope)
        return value.items if value.items is not None else (value,)
    return (evaluate(node, scope),)


_READERS: dict[type[ast.expr], Any] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _mapping,
    ast.BinOp: _operation,
    ast.Compare: _comparison,
    ast.JoinedStr: _text,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Call: _call,
}
