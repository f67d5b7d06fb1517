"""Plots as geometry: SVG paths, which a template writes and a style sheet colours.

Text stays text and keeps its size; colours are classes, so that a plot follows light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.predictions import Floats
from assay.reports.axis import Scale

WIDTH, HEIGHT = 360, 288
LEFT, RIGHT, TOP, BOTTOM = 48, 350, 10, 242


@dataclass(frozen=True)
class Mark:
    """A path in SVG units with the class that says how it looks."""

    look: str
    path: str


@dataclass(frozen=True)
class Note:
    """A word beside a mark; `anchor` as in SVG: start, middle or end."""

    text: str
    x: float
    y: float
    anchor: str = "start"


@dataclass(frozen=True)
class Plot:
    """One plot with everything that is said about it.

    Attributes:
        key: Unique on the page; ids are made from it.
        title: What it is, in a few words.
        description: What can be seen, for those who cannot see it.
        reading: One sentence on the number that matters.
        x: Scale across.
        y: Scale upwards.
        x_label: What lies across.
        y_label: What lies upwards.
        marks: Drawn in this order.
        notes: Words within the plot.
        more: Further sentences under the reading.
    """

    key: str
    title: str
    description: str
    reading: str
    x: Scale
    y: Scale
    x_label: str
    y_label: str
    marks: Sequence[Mark]
    notes: Sequence[Note] = ()
    more: Sequence[str] = ()


def across(low: float, high: float) -> Scale:
    """The scale of the x axis."""
    return Scale(low, high, LEFT, RIGHT)


def upwards(low: float, high: float) -> Scale:
    """The scale of the y axis; SVG counts downwards."""
    return Scale(low, high, BOTTOM, TOP)


def line(look: str, x: Floats, y: Floats, *, step: bool = False) -> Mark:
    """A line through points in SVG units, thinned to what a screen can show.

    Args:
        look: Class of the path.
        x: Positions across, shape (n,).
        y: Positions downwards, shape (n,).
        step: Whether each value holds from the point before it up to its own.
    """
    first, *rest = _distinct(np.column_stack([x, y])).tolist()
    towards = "V{1:g}H{0:g}" if step else "L{0:g} {1:g}"
    return Mark(look, _start(first) + "".join(towards.format(*point) for point in rest))


def dots(look: str, x: Floats, y: Floats) -> Mark:
    """Dots: strokes of no length with round ends."""
    points = np.column_stack([x, y]).round(1).tolist()
    return Mark(look, "".join(f"{_start(point)}h0" for point in points))


def uprights(look: str, x: Floats, low: Floats, high: Floats) -> Mark:
    """Vertical intervals."""
    ends = np.column_stack([x, low, high]).round(1).tolist()
    return Mark(look, "".join(f"M{a:g} {b:g}V{c:g}" for a, b, c in ends))


def band(look: str, x: Floats, low: Floats, high: Floats) -> Mark:
    """What lies between two step lines: each value holds from the point before it up to its own."""
    across = np.repeat(x, 2)[:-1]
    upper, lower = (np.column_stack([across, np.repeat(each, 2)[1:]]) for each in (high, low))
    first, *rest = _distinct(np.concatenate([upper, lower[::-1]])).tolist()
    return Mark(look, _start(first) + "".join(f"L{a:g} {b:g}" for a, b in rest) + "Z")


def bars(look: str, edges: Floats, tops: Floats, *, gap: float = 1.0) -> Mark:
    """Bars between neighbouring edges, shape (n + 1,), up to tops, shape (n,)."""
    corners = np.column_stack([edges[:-1] + gap / 2, edges[1:] - gap / 2, tops]).round(1).tolist()
    return Mark(look, "".join(f"M{a:g} {BOTTOM}V{t:g}H{b:g}V{BOTTOM}Z" for a, b, t in corners))


def _distinct(points: NDArray[Any]) -> NDArray[Any]:
    """Points on a grid of half a unit, runs of the same one kept once, the last one always."""
    grid = np.round(points * 2) / 2
    moved = np.ones(len(grid), dtype=bool)
    moved[1:] = (grid[1:] != grid[:-1]).any(axis=1)
    return grid[moved]


def _start(point: Sequence[float]) -> str:
    return f"M{point[0]:g} {point[1]:g}"
