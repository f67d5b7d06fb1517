"""Calls that measure predictions, and those that take the best of several measurements."""

from __future__ import annotations

import ast

from assay.checks.code.estimators import measures
from assay.checks.code.names import part_of, words
from assay.checks.code.scopes import Choice, Site
from assay.checks.code.values import Part, Value, together
from assay.checks.code.vocabulary import CURVES, METRICS

_BEST = frozenset(
    """argmax argmin nanargmax nanargmin idxmax idxmin max min nanmax nanmin sorted nlargest
    nsmallest amax amin""".split()
)
_SEARCHING = frozenset({"optimize", "fmin", "minimize", "minimize_scalar", "gp_minimize"})


def called(site: Site) -> Value | None:
    """What a call that measures or chooses returns; None if it does neither."""
    if site.name in METRICS and (site.receiver is None or not site.receiver.rows):
        return _metric(site)
    if site.name in _BEST:
        return _best(site)
    if site.name in _SEARCHING:
        return _searched(site)
    if site.receiver is None and measures(site.name):
        return _own_measure(site)
    return None


def _metric(site: Site) -> Value | None:
    whole = together(*site.arguments[:2], *site.options.values())
    if not whole.rows and not whole.predicted_by:
        return None
    curve = site.name in CURVES
    score = site.trace.measured(site.node, whole.rows, whole.predicted_by, curve=curve)
    scores = frozenset({score})
    if curve:
        points = Value(scores=scores)
        return Value(items=(points, points, Value(scores=scores, thresholds=True)))
    return Value(scores=scores)


def _best(site: Site) -> Value | None:
    among = together(*([site.receiver] if site.receiver else []), *site.arguments[:1])
    keyed = site.options.get("key")
    scores = among.scores | (keyed.scores if keyed else frozenset())
    if not scores or (keyed is not None and _by_cross_validation(keyed)):
        return None
    listed = frozenset(score for score in scores if not score.curve)
    if listed and len(site.arguments) < 2:
        site.trace.choices.append(Choice(site.node, listed))
    return Value(scores=scores, chosen=scores, rows=among.rows)


def _by_cross_validation(key: Value) -> bool:
    """Whether a key to compare by says that it is no score of the test: `lambda r: r['cv']`."""
    if key.function is None:
        return False
    said = [
        each.value
        for each in ast.walk(key.function)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return any(
        part_of(each) in (Part.TRAIN, Part.VALIDATION) or {"cv", "oof", "folds"} & set(words(each))
        for each in said
    )


def _searched(site: Site) -> Value | None:
    """`study.optimize(objective)`: what the function measures is what is chosen by."""
    for argument in site.arguments[:1]:
        if argument.function is not None:
            loops = site.trace.loops
            loops.append(site.node)
            result = site.run(argument, (Value(),), {})
            loops.pop()
            if together(result).scores:
                site.trace.choices.append(Choice(site.node, together(result).scores))
            return Value()
    return None


def _own_measure(site: Site) -> Value | None:
    """A function whose name says that it measures, on rows of one part."""
    whole = together(*site.arguments)
    if not whole.rows or len(whole.parts) > 1:
        return None
    model = next((each.model for each in site.arguments if each.model), None)
    score = site.trace.measured(site.node, whole.rows, model)
    return Value(scores=frozenset({score}))
