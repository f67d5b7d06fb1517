"""Calls on tables and arrays: reading, statistics, joining, order of time."""

from __future__ import annotations

import ast
from dataclasses import replace

from assay.checks.code.names import part_of, says_date
from assay.checks.code.scopes import GIVEN, Site
from assay.checks.code.values import NOTHING, Learning, Learnt, Part, Rows, Value, together
from assay.checks.code.vocabulary import (
    GROUPS,
    JOINS,
    SCORES_FEATURES,
    STATISTICS,
    SUBSETS,
    TRANSFORMS,
)

_READS = ("read_", "load_", "fetch_", "make_", "genfromtxt", "loadtxt", "from_csv", "scan_")
_JOINED = frozenset({"concat", "vstack", "concatenate", "hstack", "append", "r_", "cat"})
_NUMERIC = ("numpy", "torch", "jax", "cupy", "tensorflow", "scipy")


def called(site: Site) -> Value | None:
    """What a call on a table returns; None if it is of another sort."""
    if site.receiver is None or not site.receiver.rows:
        found = _function(site)
        if found is not None:
            return found
    if site.receiver is not None:
        return _method(site, site.receiver)
    return None


def _function(site: Site) -> Value | None:
    opened = site.name == "load" and site.full.startswith(("numpy", "torch", "joblib", "pickle"))
    if opened or (site.name.startswith(_READS) and not site.name.startswith("load_state")):
        return _read(site)
    if isinstance(site.option("train"), bool) and site.name[:1].isupper():
        part = Part.TRAIN if site.option("train") else Part.TEST
        return Value(rows=frozenset({Rows(GIVEN, part)}), made_by=site.full)
    if site.name in STATISTICS and site.full.startswith(_NUMERIC) and site.arguments:
        second = site.arguments[1] if len(site.arguments) > 1 else None
        if second is not None and not isinstance(second.constant, (int, float)):
            return None if second.items is None else _statistic(site, site.first)
        return _statistic(site, site.first)
    if site.name in SCORES_FEATURES:
        return _association(site, together(*site.arguments, *site.options.values()))
    if site.name in _JOINED:
        return _joined(site)
    if site.name == "repeat" and site.first.rows:
        return repeated(site.first, site.node)
    if (site.name == "resample" and "sklearn" in site.full) or site.full == "resample":
        return _resampled(site)
    if site.name in ("where", "nan_to_num", "clip", "subtract", "divide", "true_divide"):
        return _put_in(site, together(*site.arguments))
    return None


def _read(site: Site) -> Value | None:
    if site.receiver is not None and site.receiver.model:
        return None
    named = next((each.constant for each in site.arguments if isinstance(each.constant, str)), "")
    told = site.option("split") or str(named).replace("\\", "/").rpartition("/")[2]
    part = part_of(str(told).partition("[")[0])
    rows = Rows(GIVEN, part) if part else Rows(site.trace.table())
    index = site.option("index_col")
    times = NOTHING
    parsed = says_date(index) or site.option("parse_dates") is True
    if "parse_dates" in site.options and index is not None and parsed:
        times = frozenset({"indexed"})
    parted = site.name == "load_dataset" and "split" not in site.options
    return Value(rows=frozenset({rows}), times=times, parted=parted, made_by=site.full)


def _by_row(site: Site) -> bool:
    axis = site.option("axis")
    axis = site.option("dim") if axis is None else axis
    return axis in (1, -1, "columns", "rows", 2, 3)


def _statistic(site: Site, whole: Value) -> Value:
    """A mean, a deviation, a quantile of a table's rows."""
    encodes = whole.grouped == "groups" and whole.target
    skipped = (whole.target and not encodes) or whole.grouped == "windows"
    if not whole.rows or skipped or _by_row(site):
        return replace(together(whole), grouped="")
    name = site.name
    learning = Learning(Learnt.STATISTIC, name, site.node, whole.rows)
    if whole.grouped == "groups":
        if encodes or (whole.column is not None and whole.column in site.trace.targets):
            what = f"{name} of {whole.column or 'the target'}"
            learning = replace(learning, kind=Learnt.ENCODING, what=what)
        else:
            learning = replace(learning, grouped=True)
        return Value(rows=whole.rows, learnt=whole.learnt, statistic=frozenset({learning}))
    return Value(statistic=frozenset({learning}))


def _association(site: Site, whole: Value) -> Value | None:
    if not whole.rows or whole.predicted_by or whole.target:
        return None
    learning = Learning(Learnt.SELECTION, site.name, site.node, whole.rows)
    return Value(statistic=frozenset({learning}))


def _joined(site: Site) -> Value | None:
    """Rows under rows, with a note if some of them are there more than once."""
    parts = site.first.items
    if site.name == "append" and site.receiver is not None:
        return None
    if parts is None or _by_row(site):
        return None
    whole = together(*parts)
    if _repeats(site, parts):
        learning = Learning(Learnt.SAMPLING, "copied rows", site.node, whole.rows)
        whole = replace(whole, learnt=whole.learnt | {learning})
    return site.trace.settle(whole, site.node)


def _repeats(site: Site, parts: tuple[Value, ...]) -> bool:
    listed = site.node.args[0] if site.node.args else None
    if isinstance(listed, ast.BinOp):
        return any(
            isinstance(each, ast.BinOp) and isinstance(each.op, ast.Mult)
            for each in ast.walk(listed)
        ) and bool(together(*parts).rows)
    if isinstance(listed, (ast.List, ast.Tuple)):
        told = [ast.dump(each) for each in listed.elts]
        repeated = len(set(told)) < len(told)
        pairs = list(zip(listed.elts, parts, strict=False))
        cut = [part for element, part in pairs if _is_cut(element, part)]
        whole = [part for part in parts if part.rows and not any(part is each for each in cut)]
        again = any(one.rows == other.rows for one in whole for other in cut)
        return (repeated or again) and all(each.rows for each in parts)
    return False


def _is_cut(node: ast.expr, part: Value) -> bool:
    """Whether a part of a list of tables is made of some rows of a table."""
    by_number = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name)
    return bool(part.rows) and (part.subset or part.cut or by_number)


def repeated(table: Value, node: ast.AST) -> Value:
    """A table of which rows are there several times."""
    learning = Learning(Learnt.SAMPLING, "repeated rows", node, table.rows)
    return replace(table, learnt=table.learnt | {learning}, items=None)


def _resampled(site: Site) -> Value | None:
    if not any(each.rows for each in site.arguments) or site.option("replace") is False:
        return None
    rows = together(*site.arguments).rows
    learning = Learning(Learnt.SAMPLING, "resample", site.node, rows)
    drawn = tuple(
        replace(each, learnt=each.learnt | {learning}, items=None, subset=False)
        for each in site.arguments
    )
    return drawn[0] if len(drawn) == 1 else Value(items=drawn)


def _method(site: Site, table: Value) -> Value | None:
    name = site.name
    if name in STATISTICS and (table.rows or table.grouped):
        return _statistic(site, table)
    if name in ("agg", "aggregate", "transform") and table.grouped == "groups":
        return _statistic(site, table)
    if name in GROUPS and table.rows:
        kind = "groups" if name in ("groupby", "group_by") else "windows"
        times = table.times | ({"indexed"} if name == "resample" else NOTHING)
        return replace(table, grouped=kind, times=times if kind == "windows" else table.times)
    if name == "corrwith" or (name == "corr" and site.arguments and site.first.rows):
        return _association(site, replace(table, target=False))
    if name == "corr" and table.rows:
        return Value(made_by="corr", options={"of": _association(site, table) or Value()})
    if table.made_by == "corr" and name in ("abs", "round", "copy"):
        return table
    if name == "sample" and table.rows and site.option("replace") is True:
        learning = Learning(Learnt.SAMPLING, "sample(replace=True)", site.node, table.rows)
        return replace(table, learnt=table.learnt | {learning}, subset=False)
    if name in TRANSFORMS | JOINS and table.rows:
        return _put_in(site, table)
    if name == "drop" and table.rows:
        return _dropped(site, table)
    return _ordered(site, table)


def _put_in(site: Site, table: Value) -> Value:
    """The table after statistics that a call is given went into it."""
    given = together(*site.arguments, *site.options.values())
    weighty = {
        each
        for each in given.statistic
        if site.name in TRANSFORMS or not each.grouped or each.kind is not Learnt.STATISTIC
    }
    if site.name in JOINS - {"replace"}:
        weighty = {each for each in weighty if each.kind is Learnt.ENCODING}
    changed = replace(
        table, learnt=table.learnt | given.learnt | weighty, statistic=NOTHING, items=None
    )
    return site.trace.settle(changed, site.node)


def _dropped(site: Site, table: Value) -> Value:
    given = together(*site.arguments, *site.options.values())
    chosen = {each for each in given.statistic if each.kind is Learnt.SELECTION}
    by_rows = any(isinstance(each, ast.Attribute) and each.attr == "index" for each in
                  [*site.node.args, *(k.value for k in site.node.keywords)])  # fmt: skip
    changed = replace(table, learnt=table.learnt | chosen, subset=by_rows or table.subset)
    return site.trace.settle(changed, site.node)


def _ordered(site: Site, table: Value) -> Value | None:
    """Order of time, cuts, and one column taken out."""
    name = site.name
    key = site.first.constant or site.option("by") or site.option("keys")
    if not isinstance(key, str) and site.first.items:
        key = site.first.items[-1].constant
    times = table.times
    if name in ("sort_values", "sort", "set_index") and says_date(key):
        times |= {"sorted" if name != "set_index" else "indexed"}
    elif name in ("shift", "diff", "pct_change") and table.rows and not table.grouped:
        times |= {"lagged"}
    elif name == "asfreq" and table.rows:
        times |= {"indexed"}
    elif name in ("drop_duplicates", "unique"):
        times = NOTHING
    elif name == "pop" and table.rows and isinstance(key, str):
        return replace(together(table), target=True, column=key, learnt=NOTHING)
    elif name in SUBSETS and table.rows:
        return replace(table, subset=site.option("frac") != 1, items=None)
    else:
        return None
    return replace(table, times=times, items=None)
