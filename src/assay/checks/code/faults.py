"""Where what was learnt meets rows that it must not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from assay.checks.code.values import Learning, Learnt, Part, Rows, Value

HELD_OUT = (Part.TEST, Part.VALIDATION)


@dataclass(frozen=True)
class Leak:
    """Something learnt from rows that it must not know.

    Attributes:
        learning: What, and where.
        node: Where it meets the part: the division, or the transformation.
        own: Whether the held-out rows were prepared by what they say themselves.
        firm: Whether the code shows it, rather than suggests it.
        nested: Whether only a division inside the training rows is at fault.
    """

    learning: Learning
    node: ast.AST
    own: bool = False
    firm: bool = True
    nested: bool = False


def leaks(value: Value, node: ast.AST) -> Iterator[Leak]:
    """What went into a value and was learnt from rows that are held out from it.

    Args:
        value: It may hold rows of several tables.
        node: Where it came to be.
    """
    for learning in sorted(value.learnt, key=_place):  # sets have no order; what is told has one
        for rows in sorted(value.rows, key=lambda each: (each.source, each.part, each.split)):
            found = _leak(learning, rows, node)
            if found is not None:
                yield found
                break


def _place(learning: Learning) -> tuple[int, int, str, int]:
    line, column = getattr(learning.node, "lineno", 0), getattr(learning.node, "col_offset", 0)
    return line, column, learning.what, len(learning.rows)


def _leak(learning: Learning, rows: Rows, node: ast.AST) -> Leak | None:
    if rows.part in HELD_OUT and learning.rows == {rows}:
        if learning.kind in (Learnt.SAMPLING, Learnt.SELECTION) or rows.folds:
            return None
        plain = rows.split != 0 or learning.kind is Learnt.PREPARATION
        return Leak(learning, node, own=True, firm=learning.firm and plain)
    if rows.part in (Part.ALL, Part.SOME):
        return None
    for above in rows.divided:
        if above in learning.rows:
            nested = above.part is Part.TRAIN and above.split != 0
            if not nested:
                return Leak(learning, node, firm=learning.firm)
            if learning.kind in (Learnt.SAMPLING, Learnt.SELECTION):
                return Leak(learning, node, firm=False, nested=True)
            return None
    if _both_sides(learning.rows, rows):
        return Leak(learning, node, firm=learning.firm and rows.split != 0)
    return None


def _both_sides(learnt_from: frozenset[Rows], rows: Rows) -> bool:
    """Whether training and test rows of the division that made these were thrown together."""
    parts = {
        each.part
        for each in learnt_from
        if each.split == rows.split and each.source == rows.source and not each.folds
    }
    return {Part.TRAIN, Part.TEST} <= parts and rows.part in (Part.TRAIN, Part.TEST)
