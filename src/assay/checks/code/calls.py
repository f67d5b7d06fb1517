"""What a call returns, as far as it is known."""

from __future__ import annotations

import ast
from dataclasses import replace

from assay.checks.code import dividing, estimators, scoring, tables
from assay.checks.code.binding import element, put_into
from assay.checks.code.scopes import Site
from assay.checks.code.values import UNKNOWN, Value, together

_PLAIN = frozenset({"len", "int", "range", "str", "isinstance", "print", "type", "hasattr", "id",
                    "bool", "getattr", "open", "repr", "hash", "callable", "vars"})  # fmt: skip
_PASSED = frozenset({"list", "tuple", "iter", "reversed", "tqdm", "trange", "set"})


def called(site: Site, function: Value) -> Value:
    """What a call returns, as far as it is known."""
    if function.function is not None:
        scoring.called(site)
        return site.run(function, site.arguments, site.options)
    if site.receiver is None and site.name in _PLAIN:
        return UNKNOWN
    if site.receiver is None and site.name in _PASSED | {"next", "enumerate", "zip"}:
        return _iterated(site)
    for read in (dividing.called, estimators.called, scoring.called, tables.called):
        found = read(site)
        if found is not None:
            return _in_place(site, found)
    return _in_place(site, _other(site))


def _iterated(site: Site) -> Value:
    if site.name == "next":
        return element(site.first)
    if site.name == "enumerate":
        items = site.first.items
        if items is None:
            return Value(items=(Value(items=(UNKNOWN, element(site.first))),))
        return Value(items=tuple(Value(items=(UNKNOWN, each)) for each in items))
    if site.name == "zip":
        return Value(items=(Value(items=tuple(element(each) for each in site.arguments)),))
    return site.first


def _in_place(site: Site, result: Value) -> Value:
    """The result; what the call changes in place is kept under its name."""
    if site.option("inplace") is True and isinstance(site.node.func, ast.Attribute):
        put_into(site.node.func.value, result, site.scope)
    grows = site.name in ("append", "extend", "add", "update", "insert") and site.arguments
    old = site.receiver
    if grows and site.receiver_name and old is not None and not old.rows:
        grown = together(old, *site.arguments)
        site.scope.names[site.receiver_name] = replace(grown, model=None)
    return result


def _other(site: Site) -> Value:
    """A call that nothing special is known of: what goes in comes out."""
    receiver = site.receiver or UNKNOWN
    lambdas = [each for each in site.arguments if isinstance(each.function, ast.Lambda)]
    if site.name in ("apply", "pipe", "transform") and lambdas and receiver.rows:
        by_row = site.option("axis") in (1, "columns") or receiver.grouped
        return receiver if by_row else site.run(lambdas[0], (receiver,), {})
    whole = together(receiver, *site.arguments, *site.options.values())
    data = bool(receiver.rows)
    return replace(
        whole,
        times=receiver.times if data else whole.times,
        parted=receiver.parted,
        grouped=receiver.grouped if site.name not in ("reset_index", "sum", "count") else "",
        column=receiver.column,
        subset=receiver.subset,
        target=receiver.target if data else whole.target,
        made_by=receiver.made_by if data or receiver.parted else site.full,
        options=site.options if not data else receiver.options,
        statistic=whole.statistic,
        model=receiver.model,
    )
