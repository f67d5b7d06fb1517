"""Pictures of findings: what is known of the target at each value, and one column in two parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.findings import Picture
from assay.predictions import Floats

BINS = 12
FEWEST_IN_BIN = 5
_CENTRAL = (0.005, 0.995)


def target_by_value(part: Part, name: str, target: str) -> Picture | None:
    """The target along a numeric feature, in bins of about as many rows each.

    None for features of other kinds and for more than two classes, where there is no one height.

    Args:
        part: Rows with their targets.
        name: The feature.
        target: What is predicted, as messages name it.
    """
    task = part.schema.task
    if name not in part.schema.named(Kind.NUMERIC) or task is Task.MULTICLASS:
        return None
    values = part.features[name].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    heights = (
        part.known_target.astype(np.float64)
        if task is Task.REGRESSION
        else part.schema.codes(part.known_target).astype(np.float64)
    )
    x, y = _in_bins(values[known], heights[known])
    if len(x) < 2:
        return None
    is_class = task is not Task.REGRESSION
    what = f"share of {part.schema.positive}" if is_class else f"mean of {target}"
    return Picture(
        title=f"{target} along '{name}'",
        reading=f"From {y.min():.3g} to {y.max():.3g} over {len(x)} bins of about as many rows "
        f"each; {heights.mean():.3g} over all.",
        x_label=name,
        y_label=what,
        x=tuple(x.tolist()),
        lines={what: tuple(y.tolist())},
    )


def two_parts(name: str, train: Floats, later: Floats, called: str) -> Picture | None:
    """How a numeric column is spread in training and in later rows; None if it has one value."""
    ours, theirs = train[np.isfinite(train)], later[np.isfinite(later)]
    if len(ours) == 0 or len(theirs) == 0:
        return None
    low, high = np.quantile(np.concatenate([ours, theirs]), _CENTRAL)
    if low >= high:
        return None
    edges = np.linspace(low, high, BINS + 1)
    shares = {
        "training": np.histogram(ours, edges)[0] / len(ours),
        called: np.histogram(theirs, edges)[0] / len(theirs),
    }
    middles = (edges[:-1] + edges[1:]) / 2
    return Picture(
        title=f"'{name}' in training and in the {called} rows",
        reading=f"Median {np.median(ours):.4g} in training, {np.median(theirs):.4g} there.",
        x_label=name,
        y_label="share of rows",
        x=tuple(middles.tolist()),
        lines={part: tuple(share.tolist()) for part, share in shares.items()},
    )


def _in_bins(values: Floats, heights: Floats) -> tuple[Floats, Floats]:
    """Median value and mean height of each bin that has enough rows, in rising order."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins: NDArray[np.int64] = np.searchsorted(edges, values, side="right")
    places = [np.flatnonzero(bins == number) for number in range(len(edges) + 1)]
    kept = [each for each in places if len(each) >= FEWEST_IN_BIN]
    x = np.array([np.median(values[each]) for each in kept])
    return x, np.array([heights[each].mean() for each in kept])
