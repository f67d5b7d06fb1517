"""Scaled: columns that were standardised, scaled robustly or to a range, or turned by a PCA.

Each way leaves exact statistics on the rows that it was fitted on (`exact`). A way is reported with
all columns that it left them on, if by chance that is out of the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assay.checks.exact import (
    ERRORS,
    FEWEST_DISTINCT,
    FLOAT_ERROR,
    Exact,
    Sides,
    exact_moments,
    independent_columns,
    rounding,
)
from assay.predictions import Floats

RANGES = ((0.0, 1.0), (-1.0, 1.0), (-5.199337582605575, 5.19933758270342))
"""Of MinMaxScaler and of QuantileTransformer, whose normal scores end there."""
MOST_AT_END = 3
RANGE_ERROR = 1e-7
LEAST_COMPONENTS = 3


@dataclass(frozen=True)
class Step:
    """One step of preparation that was fitted on more than training rows.

    Attributes:
        way: What it did, in words.
        columns: What it did it to.
        chance: Probability that nothing of the sort was done.
        off: The farthest that a statistic is off over the training rows, in standard deviations.
        apart: Whether test rows were fitted on by themselves.
    """

    way: str
    columns: tuple[str, ...]
    chance: float
    off: float
    apart: bool = False


def scaling_steps(
    columns: Mapping[str, Sides], ranges: Mapping[str, tuple[float, float]] | None = None
) -> list[Step]:
    """Steps of scaling and rotation that show, the least likely by chance first.

    Args:
        columns: Numeric features by name.
        ranges: From where to where columns went before they were prepared, where that is known.
    """
    found = [
        *_standardised(columns),
        *_robust(columns),
        *_to_range(columns, ranges or {}),
        *_rotated(columns),
    ]
    return sorted(found, key=lambda each: each.chance)


def _standardised(columns: Mapping[str, Sides]) -> list[Step]:
    exact = {name: exact_moments(sides) for name, sides in columns.items()}
    steps = []
    for apart in (False, True):
        held = {
            name: [each for each in found if each.apart is apart] for name, found in exact.items()
        }
        held = {name: found for name, found in held.items() if found}
        whole = {name for name, found in held.items() if len(found) == 2}
        ways = (("standardised", whole), ("centred or scaled", set(held) - whole))
        for way, names in ways:
            step = _step(way, {name: held[name] for name in sorted(names)}, columns, apart=apart)
            if step is not None:
                steps.append(step)
    return steps


def _step(
    way: str, held: Mapping[str, list[Exact]], columns: Mapping[str, Sides], *, apart: bool
) -> Step | None:
    """The step that made the statistics exact; related columns count as fewer."""
    free = [name for name in held if _is_free(columns[name])]
    if not free:
        return None
    logs = np.array([sum(np.log(max(each.chance, 1e-300)) for each in held[name]) for name in free])
    full = [
        np.nan_to_num(np.concatenate([columns[name].train, columns[name].test])) for name in free
    ]
    worth = independent_columns(full) / len(free)
    off = max(each.off for name in free for each in held[name])
    return Step(way, tuple(held), float(np.exp(max(logs.sum() * worth, -600))), off, apart)


def _is_free(column: Sides) -> bool:
    """Whether it takes so many values that no plan of an experiment balanced them."""
    return len(np.unique(np.concatenate(column.known))) >= FEWEST_DISTINCT


def _robust(columns: Mapping[str, Sides]) -> list[Step]:
    """Median 0 and quartiles 1 apart."""
    held = {}
    for name, column in columns.items():
        train, test = column.known
        n, k = len(train), len(test)
        both = np.concatenate([train, test])
        if min(n, k) < FEWEST_DISTINCT or abs(int((both > 0).sum()) - int((both < 0).sum())) > 1:
            continue
        low, middle, high = np.percentile(both, [25, 50, 75])
        error = rounding(both) + FLOAT_ERROR
        trained = np.percentile(train, [25, 50, 75])
        off = max(abs(trained[1]), abs(trained[2] - trained[0] - 1))
        if abs(middle) > error or abs(high - low - 1) > error or off <= 3 * error:
            continue
        # Order statistics move by 1.25 to 1.6 times what a mean of that spread does.
        moves = 1.25 * (high - low) / 1.349 * np.sqrt(k / (n * (n + k)))
        chance = min(1.0, 2 * error / (np.sqrt(2 * np.pi) * moves))
        held[name] = [Exact("median 0", off, chance), Exact("quartiles 1 apart", off, chance)]
    step = _step("scaled by median and quartiles", held, columns, apart=False)
    return [] if step is None else [step]


def _to_range(
    columns: Mapping[str, Sides], ranges: Mapping[str, tuple[float, float]]
) -> list[Step]:
    """Ends of a range that few rows reach, in some columns none of them training rows.

    A quantity that ends there by nature does so in many rows, or is rounded. Of one column the
    rest may be that its values are shares of something (we grant nature one in a hundred), unless
    they went elsewhere before they were prepared.
    """
    steps = []
    for low, high in RANGES:
        ends = {name: _ends(sides, low, high) for name, sides in columns.items()}
        reached = {name: each for name, each in ends.items() if each is not None}
        off = max((missed for _, missed in reached.values()), default=0.0)
        if off <= RANGE_ERROR:
            continue
        sharp = [name for name, (is_sharp, _) in reached.items() if is_sharp]
        moved = [name for name in sharp if name in ranges and not _same(ranges[name], (low, high))]
        chance = 0.01 ** (len(sharp) + 2 * len(moved))
        way = f"scaled to the range from {low:.4g} to {high:.4g}"
        steps.append(Step(way, tuple(reached), chance, off))
    return steps


def _ends(column: Sides, low: float, high: float) -> tuple[bool, float] | None:
    """Whether few rows reach the ends, and how far short training rows fall; None if none do.

    Only few rows of a column with all its digits can fall short of anything.
    """
    train, test = column.known
    if min(len(train), len(test)) < FEWEST_DISTINCT:
        return None
    both = np.concatenate([train, test])
    if not _same((both.min(), both.max()), (low, high)):
        return None
    most = max(int((np.abs(both - end) <= RANGE_ERROR).sum()) for end in (low, high))
    if rounding(both) > 0 or not _is_free(column) or most > MOST_AT_END:
        return False, 0.0
    return True, float(max(train.min() - low, high - train.max())) / float(both.std())


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= RANGE_ERROR for a, b in zip(one, other, strict=True))


def _rotated(columns: Mapping[str, Sides]) -> list[Step]:
    """Columns that are orthogonal to each other over all rows, as components are."""
    whole = {
        name: sides
        for name, sides in columns.items()
        if np.isfinite(sides.train).all() and np.isfinite(sides.test).all() and _is_free(sides)
    }
    if len(whole) < LEAST_COMPONENTS:
        return []
    names = list(whole)
    train = np.stack([whole[name].train for name in names])
    test = np.stack([whole[name].test for name in names])
    both = np.concatenate([train, test], axis=1)
    (n, k), angles, trained = (train.shape[1], test.shape[1]), _cosines(both), _cosines(train)
    steps = np.array([rounding(each) for each in both]) / np.sqrt((both**2).mean(axis=1))
    error = FLOAT_ERROR + ERRORS * np.hypot(steps[:, None], steps[None]) / np.sqrt(12 * (n + k))
    exact = (np.abs(angles) <= error) & (np.abs(trained) > 3 * error * np.sqrt((n + k) / n))
    np.fill_diagonal(exact, False)
    # A component is orthogonal to nearly all others; what stands beside them is not.
    kept = exact.sum(axis=1) >= max(LEAST_COMPONENTS - 1, exact.sum(axis=1).max(initial=0) * 0.7)
    exact &= kept[:, None] & kept[None]
    pairs = np.argwhere(np.triu(exact))
    if len(pairs) < LEAST_COMPONENTS:
        return []
    moves = np.sqrt(k / (n * (n + k)))
    chances = np.minimum(1.0, 2 * error[*pairs.T] / (np.sqrt(2 * np.pi) * moves))
    chance = float(np.exp(max(np.log(chances).sum(), -600)))
    off = float(np.abs(trained[*pairs.T]).max())
    return [Step("turned into components", tuple(np.array(names)[kept]), chance, off)]


def _cosines(rows: Floats) -> Floats:
    lengths = np.sqrt((rows**2).sum(axis=1))
    lengths[lengths == 0] = 1.0
    return rows @ rows.T / np.outer(lengths, lengths)
