"""Reads the statements of a module in order, and follows its functions where they are called."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assay.checks.code.binding import bind, element, put_into
from assay.checks.code.expressions import evaluate
from assay.checks.code.names import imported, is_answer, is_target, part_of, words
from assay.checks.code.scopes import GIVEN, Choice, Scope, Trace
from assay.checks.code.values import UNKNOWN, Part, Rows, Score, Value, either, together

DEEPEST_CALLS = 4
MOST_STEPS = 60_000
MOST_ITEMS = 6
_BEST = {"best", "max", "min", "optimal", "top"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def follow(tree: ast.Module) -> Trace:
    """What was seen when a module was read from top to bottom.

    Functions are followed where they are called; those that nothing calls, and methods, by
    themselves, with what their parameters' names say.
    """
    trace = Trace(imported(tree), _targets(tree), run_call)
    scope = Scope(trace)
    run(tree.body, scope)
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    functions = [value for value in scope.names.values() if isinstance(value.function, _Function)]
    for first in (False, True):
        for value in functions:
            node = value.function
            if (
                isinstance(node, _Function)
                and (node.name in called) is first
                and node not in trace.ran
            ):
                run_call(value, (), {}, scope)
    return trace


def _targets(tree: ast.Module) -> frozenset[str]:
    """The names of columns that the module predicts, as far as it says so plainly."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if is_target(node.targets[0].id):
                found |= _column(node.value, direct=True)
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Tuple)
        ):
            for target, value in zip(node.targets[0].elts, node.value.elts, strict=False):
                if isinstance(target, ast.Name) and is_target(target.id):
                    found |= _column(value)
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name == "pop" and len(node.args) == 1:
                found |= _column(node.args[0], direct=True)
            elif name in ("fit", "fit_transform", "train_test_split") and len(node.args) > 1:
                found |= _column(node.args[1])
    return frozenset(found)


def _column(node: ast.expr, *, direct: bool = False) -> set[str]:
    if direct and isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    for each in ast.walk(node):
        key = each.slice if isinstance(each, ast.Subscript) else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return {key.value}
    if isinstance(node, ast.Attribute) and node.attr not in ("target", "values", "iloc", "T"):
        return {node.attr}
    return set()


def run(body: Sequence[ast.stmt], scope: Scope) -> bool:
    """Read statements in order.

    Returns:
        Whether what follows them is reached.
    """
    for statement in body:
        if scope.trace.steps > MOST_STEPS:
            return True
        if not _run(statement, scope):
            return False
    return True


def _run(node: ast.stmt, scope: Scope) -> bool:
    match node:
        case ast.Assign():
            value = evaluate(node.value, scope)
            for target in node.targets:
                bind(target, value, scope)
        case ast.AnnAssign() if node.value is not None:
            bind(node.target, evaluate(node.value, scope), scope)
        case ast.AugAssign():
            _augmented(node, scope)
        case ast.Expr():
            evaluate(node.value, scope)
        case ast.Return():
            scope.returned.append(evaluate(node.value, scope))
            return False
        case ast.Raise() | ast.Continue() | ast.Break():
            return False
        case ast.Assert():
            evaluate(node.test, scope)
        case _:
            return _run_block(node, scope)
    return True


def _run_block(node: ast.stmt, scope: Scope) -> bool:
    """Read a statement that has statements inside."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            scope.names[node.name] = Value(function=node, scope=scope)
        case ast.ClassDef():
            _run_class(node, scope)
        case ast.If():
            return _run_if(node, scope)
        case ast.For() | ast.AsyncFor():
            _run_for(node, scope)
        case ast.While():
            evaluate(node.test, scope)
            scope.trace.loops.append(node)
            run(node.body, scope)
            scope.trace.loops.pop()
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                value = evaluate(item.context_expr, scope)
                if item.optional_vars is not None:
                    bind(item.optional_vars, value, scope)
            return run(node.body, scope)
        case ast.Try() | ast.TryStar():
            return _run_try(node, scope)
        case ast.Match():
            evaluate(node.subject, scope)
            for case in node.cases:
                run(case.body, scope)
    return True


def _augmented(node: ast.AugAssign, scope: Scope) -> None:
    made = evaluate(ast.copy_location(ast.BinOp(node.target, node.op, node.value), node), scope)
    if isinstance(node.target, ast.Subscript):
        put_into(node.target.value, made, scope)
    else:
        bind(node.target, made, scope)


def _run_if(node: ast.If, scope: Scope) -> bool:
    test = evaluate(node.test, scope)
    if test.scores and _keeps_best(node, _BEST):
        scope.trace.choices.append(Choice(node.test, test.scores))
    elif test.parts == {Part.TEST} and scope.trace.loops and _keeps_best(node, {"best"}):
        counted = Score(node.test, test.rows, None, frozenset(), tuple(scope.trace.loops))
        scope.trace.choices.append(Choice(node.test, frozenset({counted})))
    before = dict(scope.names)
    reached = run(node.body, scope)
    after = scope.names
    scope.names = before
    reached_other = run(node.orelse, scope)
    if not reached:
        return reached_other
    if not reached_other:
        scope.names = after
        return True
    other = scope.names
    scope.names = {
        name: either(after.get(name, UNKNOWN), other.get(name, UNKNOWN))
        if name in after and name in other
        else after.get(name) or other[name]
        for name in {**after, **other}
    }
    return True


def _keeps_best(node: ast.If, called: set[str]) -> bool:
    """Whether a comparison decides what is called the best."""
    stored = [
        each.id
        for statement in node.body
        for each in ast.walk(statement)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ]
    return any(called & set(words(name)) for name in stored)


def _run_for(node: ast.For | ast.AsyncFor, scope: Scope) -> None:
    source = evaluate(node.iter, scope)
    items = source.items
    several = (
        items is not None and 1 < len(items) <= MOST_ITEMS and any(each.rows for each in items)
    )
    scope.trace.loops.append(node)
    for item in items if several and items else [element(source)]:
        bind(node.target, item, scope)
        run(node.body, scope)
    scope.trace.loops.pop()
    run(node.orelse, scope)


def _run_try(node: ast.Try | ast.TryStar, scope: Scope) -> bool:
    reached = run(node.body, scope)
    for handler in node.handlers:
        reached = run(handler.body, scope) or reached
    reached = run(node.orelse, scope) and reached
    return run(node.finalbody, scope) and reached


def _run_class(node: ast.ClassDef, scope: Scope) -> None:
    """Read the methods one by one; they share what `__init__` binds."""
    methods = [each for each in node.body if isinstance(each, _Function)]
    shared: dict[str, Value] = {}
    for method in sorted(methods, key=lambda each: each.name != "__init__"):
        inner = Scope(scope.trace, scope, dict(shared))
        own = method.args.args[0].arg if method.args.args else "self"
        run_call(Value(function=method, scope=inner), (UNKNOWN,), {}, scope, within=inner)
        if method.name == "__init__":
            kept = inner.names
            shared = {name: value for name, value in kept.items() if name.startswith(f"{own}.")}


def run_call(
    function: Value,
    arguments: tuple[Value, ...],
    options: Mapping[str, Value],
    scope: Scope,
    *,
    within: Scope | None = None,
) -> Value:
    """What a function of the module returns; its body is read with these arguments.

    Args:
        function: It, with the names it sees.
        arguments: By position; parameters without one are what their names say.
        options: By name.
        scope: Where it is called.
        within: The names its body binds, if they are wanted.
    """
    node, trace = function.function, scope.trace
    if node is None or node in trace.running or len(trace.running) >= DEEPEST_CALLS:
        return together(*arguments, *options.values())
    if trace.steps > MOST_STEPS:
        return together(*arguments, *options.values())
    inner = within or Scope(trace, function.scope)
    _bind_parameters(node, arguments, options, inner)
    trace.running.append(node)
    trace.ran.add(node)
    try:
        if isinstance(node, ast.Lambda):
            return evaluate(node.body, inner)
        run(node.body, inner)
    finally:
        trace.running.pop()
    returned = inner.returned
    if not returned:
        return UNKNOWN
    result = returned[0]
    for each in returned[1:]:
        result = either(result, each)
    return result


def _bind_parameters(
    node: _Function | ast.Lambda,
    arguments: tuple[Value, ...],
    options: Mapping[str, Value],
    inner: Scope,
) -> None:
    parameters = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(
        zip(
            [each.arg for each in parameters[len(parameters) - len(node.args.defaults) :]],
            node.args.defaults,
            strict=True,
        )
    )
    for position, parameter in enumerate([*parameters, *node.args.kwonlyargs]):
        name = parameter.arg
        if name in options:
            value = options[name]
        elif position < len(arguments) and position < len(parameters):
            value = arguments[position]
        else:
            value = _unsaid(name, defaults.get(name), inner)
        said = bool(value.rows) and is_answer(name)
        inner.names[name] = replace(value, subset=False, target=value.target or said)


def _unsaid(name: str, default: ast.expr | None, inner: Scope) -> Value:
    """A parameter that no call gives a value."""
    if isinstance(default, ast.Constant) and default.value is not None:
        return Value(constant=default.value)
    part = part_of(name)
    if part is not None:
        return Value(rows=frozenset({Rows(GIVEN, part)}), target=is_target(name))
    holds = {"x", "df", "data", "features", "frame", "dataset", "inputs"} & set(words(name))
    rows = frozenset({Rows(inner.trace.table())}) if holds or is_target(name) else frozenset()
    return Value(rows=rows, target=is_target(name))
