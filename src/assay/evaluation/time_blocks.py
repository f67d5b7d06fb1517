"""Time blocks: which rows are drawn together where they follow each other in time.

What makes a model err on one row often makes it err on the next. So stretches of neighbouring rows
are drawn, like groups, without overlap (Carlstein 1986). They must be so long that rows of
different ones are next to unrelated, and so many that they tell how much stretches vary: as many as
the root of the rows, so that length and number both grow with these, and no fewer than 40. (As long
as the cube root, which makes the error of the variance least where relations are short, they would
tear apart what is related for longer.) What still reaches over their edges, `spread.py` allows for:
it looks at blocks that are left out by themselves, so there are no more than that.
"""

from __future__ import annotations

import numpy as np

from assay.data.dataset import Part
from assay.data.drawing import blocks
from assay.evaluation.design import Design
from assay.evaluation.outcome import Codes
from assay.evaluation.sampling import MOST_LEFT_OUT
from assay.predictions import Floats

FEWEST_BLOCKS = 40
"""Blocks that up to 1,600 rows are parted into."""


def clusters_of(part: Part, design: Design) -> Codes | None:
    """Which rows of a part are drawn together, shape (n,); None where each stands for itself."""
    if design is not Design.TIME:
        return part.groups
    assert part.times is not None, "rows that are ordered have times"
    return time_blocks(part.times)


def time_blocks(times: Floats) -> Codes:
    """Which block of consecutive rows each row is in, from the earliest on, int64, shape (n,).

    Rows of one time stay together where there are 40 times. Where most rows are of few of these,
    blocks are of as many times each, not of as many rows.

    Args:
        times: When each row was, shape (n,).
    """
    n_blocks = min(MOST_LEFT_OUT, max(FEWEST_BLOCKS, round(len(times) ** 0.5)))
    whole = blocks(times, n_blocks)
    if whole.max(initial=0) + 1 >= FEWEST_BLOCKS:
        return whole
    known, place = np.unique(times, return_inverse=True)
    if len(known) >= FEWEST_BLOCKS:
        return np.asarray(place * FEWEST_BLOCKS // len(known), dtype=np.int64)
    place = np.argsort(np.argsort(times, kind="stable"), kind="stable")
    return blocks(place.astype(np.float64), n_blocks)
