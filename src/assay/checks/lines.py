"""Lines: rows that lie on a straight line with two others, as rows made by interpolation do.

SMOTE (Chawla et al. 2002) puts a new row between two rows of a class. In three or more columns of
numbers three rows drawn by themselves are never on one line, and scaling columns or turning them
keeps lines straight. Seen from a row, two others on a line with it lie in the same or in opposite
directions; so do they in any plane, and there directions can be sorted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.predictions import Floats

Whole = NDArray[np.int64]
FEWEST_COLUMNS = 3
MOST_NEAR = 1500
STEPS = (1, 2)
PLANE_ANGLE = 3e-4
SINE = 1e-3
NOTHING = 1e-9


def on_lines(rows: Floats, known: Floats, own: Whole | None = None) -> Whole:
    """Two known rows with which each row is on a line, shape (m, 2); -1 where there are none.

    Args:
        rows: Rows of numbers without gaps, shape (m, p), p at least three.
        known: Others, shape (n, p). Only the MOST_NEAR nearest to each row are looked at.
        own: Which known row each row is, shape (m,); None if they are none of them.
    """
    spread = known.std(axis=0)
    spread[spread == 0] = 1
    rows, known = rows / spread, known / spread
    plane = np.linalg.qr(np.random.default_rng(0).normal(size=(rows.shape[1], 2)))[0]
    found = np.full((len(rows), 2), -1, dtype=np.int64)
    for at, row in enumerate(rows):
        away = known - row
        squares = np.einsum("ij,ij->i", away, away)
        if own is not None:
            squares[own[at]] = np.inf
        near = np.flatnonzero(squares > NOTHING)
        if len(near) > MOST_NEAR:
            near = near[np.argpartition(squares[near], MOST_NEAR)[:MOST_NEAR]]
        near = near[np.isfinite(squares[near])]
        pair = _pair(away[near], np.sqrt(squares[near]), plane)
        if pair is not None:
            found[at] = near[list(pair)]
    return found


def _pair(away: Floats, length: Floats, plane: Floats) -> tuple[int, int] | None:
    """Two that lie in the same or in opposite directions, as positions.

    Args:
        away: Where they lie, shape (n, p).
        length: How far, shape (n,).
        plane: Two axes, shape (p, 2).
    """
    x, y = (away @ plane).T
    angle = np.arctan2(y, x) % np.pi
    order = np.argsort(angle)
    for step in STEPS:
        if len(order) <= step:
            continue
        one, other = order, np.roll(order, -step)
        gap = (angle[other] - angle[one]) % np.pi
        alike = np.flatnonzero(gap < PLANE_ANGLE)
        one, other = one[alike], other[alike]
        if len(one):
            sine = _sharpest(away[one], away[other], length[one], length[other])
            if sine.min() < SINE:
                best = int(sine.argmin())
                return int(one[best]), int(other[best])
    return None


def _sharpest(one: Floats, other: Floats, to_one: Floats, to_other: Floats) -> Floats:
    """How far triangles are from a line: height over the longest side / shortest side, shape (n,).

    Two rows close together are in nearly the same direction from anywhere, on a line with it or
    not: so the height is set against the shortest side, not against the distances.

    Args:
        one: First of two rows as seen from the third, shape (n, p).
        other: Second.
        to_one: How far the first is, shape (n,).
        to_other: How far the second is, shape (n,).
    """
    unit = one / to_one[:, None]
    across = other - np.einsum("ij,ij->i", other, unit)[:, None] * unit
    double_area = to_one * np.linalg.norm(across, axis=1)
    sides = np.stack([to_one, to_other, np.linalg.norm(one - other, axis=1)])
    shortest, longest = sides.min(axis=0), sides.max(axis=0)
    size = shortest * longest
    return np.where(size > NOTHING, double_area / np.maximum(size, NOTHING), 1.0)
