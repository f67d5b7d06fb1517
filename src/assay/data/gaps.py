"""Gaps: which features miss together, and whether that they miss tells something of the target.

What chance alone would give is exact for class shares (hypergeometric) and by ranks for numbers,
so that few rows, rare classes and skewed targets raise no false alarm, as t tests of the mean do;
the level is corrected for all that is compared (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.kinds import label_values
from assay.data.labels import indicator
from assay.data.profile import Gap
from assay.data.schema import Kind, Role, Schema, Task
from assay.predictions import Floats

ALIKE = 0.95
"""Share in common from which two columns miss together: of the rows that either of them misses, and
of those that either of them has."""
LEVEL = 0.95

Bits = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def find_gaps(table: pa.Table, schema: Schema) -> tuple[tuple[Gap, ...], int]:
    """The gaps of the features, and the number of rows in which no feature is missing.

    Columns without any value are no gap: they have nothing to be set against.

    Returns:
        The gaps, those that tell something first, the widest difference before the others; and
        the number of complete rows.
    """
    missing = {
        column.name: np.packbits(_is_missing(table[column.name]))
        for column in schema.columns
        if column.role is Role.FEATURE
        and column.kind is not Kind.EMPTY
        and table[column.name].null_count
    }
    together = _together(missing, table.num_rows)
    if not together:
        return (), table.num_rows
    compare = _by_class if schema.task.is_classification else _by_rank
    gaps = compare(table[schema.target], together, missing, schema)
    incomplete = _n(np.bitwise_or.reduce(list(missing.values())))
    ranked = sorted(gaps, key=lambda gap: (not gap.tells, -abs(gap.difference)))
    return tuple(ranked), table.num_rows - incomplete


def _together(missing: Mapping[str, Bits], n: int) -> list[tuple[str, ...]]:
    """Columns that miss in nearly the same of `n` rows, each set led by the one with most."""
    m = {name: _n(bits) for name, bits in missing.items()}
    sets: dict[str, list[str]] = {}
    for name in sorted(missing, key=lambda name: -m[name]):
        near = (
            each
            for each in sets
            if m[name] >= ALIKE * m[each] and n - m[each] >= ALIKE * (n - m[name])
        )
        leader = next((each for each in near if _alike(missing[each], missing[name], n)), name)
        sets.setdefault(leader, []).append(name)
    return [tuple(names) for names in sets.values()]


def _alike(first: Bits, second: Bits, n: int) -> bool:
    both, either = _n(first & second), _n(first | second)
    return both >= ALIKE * either and n - either >= ALIKE * (n - both)


def _by_class(
    target: pa.ChunkedArray,
    together: list[tuple[str, ...]],
    missing: Mapping[str, Bits],
    schema: Schema,
) -> list[Gap]:
    """Set the shares of classes, or labels, of rows with and without values against each other."""
    codes = _codes(target, schema)
    names = [str(each) for each in schema.classes]
    total = _rows_of_each(codes, len(names))
    shown = [1] if schema.task is Task.BINARY else list(range(len(names)))
    tail = (1 - LEVEL) / 2 / (len(together) * len(shown))
    gaps = []
    for columns in together:
        mask = _unpacked(missing[columns[0]], len(codes))
        inside = _rows_of_each(codes[mask], len(names))
        n, m = len(codes), int(mask.sum())
        apart = inside / m - (total - inside) / (n - m)
        surprise = apart / np.sqrt(np.maximum(total * (n - total), 1))
        at = max(shown, key=lambda code: abs(surprise[code]))
        gaps.append(
            Gap(
                columns=columns,
                missing=m,
                together=_all_miss(columns, missing),
                label=names[at],
                when_missing=float(inside[at] / m),
                when_present=float((total[at] - inside[at]) / (n - m)),
                difference=float(apart[at]),
                chance=_chance_of_share(n, int(total[at]), m, tail),
            )
        )
    return gaps


def _by_rank(
    target: pa.ChunkedArray,
    together: list[tuple[str, ...]],
    missing: Mapping[str, Bits],
    schema: Schema,  # noqa: ARG001
) -> list[Gap]:
    """Set where rows with and without values stand in the order of the target apart."""
    from scipy.special import ndtri

    values = target.to_numpy().astype(np.float64)
    places = _places(values)
    spread = float(places.std(ddof=1))
    reach = -float(ndtri((1 - LEVEL) / 2 / len(together))) * spread
    gaps = []
    for columns in together:
        mask = _unpacked(missing[columns[0]], len(values))
        n, m = len(values), int(mask.sum())
        chance = reach * float(np.sqrt(n / (m * (n - m))))
        gaps.append(
            Gap(
                columns=columns,
                missing=m,
                together=_all_miss(columns, missing),
                label="",
                when_missing=float(values[mask].mean()),
                when_present=float(values[~mask].mean()),
                difference=float(places[mask].mean() - places[~mask].mean()),
                chance=(-chance, chance),
            )
        )
    return gaps


def _chance_of_share(n: int, of_class: int, m: int, tail: float) -> tuple[float, float]:
    """The differences of shares that rows drawn blindly would give, all but `tail` on each side.

    Args:
        n: Rows.
        of_class: How many of them are of the class.
        m: How many of them are drawn.
        tail: Probability of more, and that of less.
    """
    from scipy.stats import hypergeom

    drawn = hypergeom(n, of_class, m)
    low, high = (
        x / m - (of_class - x) / (n - m) for x in (float(drawn.ppf(tail)), float(drawn.isf(tail)))
    )
    return low, high


def _places(values: Floats) -> Floats:
    """Where each row stands in the order of the values, 0 to 1; equal values stand at one place."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    places: Floats = ((ends - sizes / 2) / len(values))[group]
    return places


def _codes(target: pa.ChunkedArray, schema: Schema) -> NDArray[np.int64]:
    """Position of each row's class in the schema, shape (n,); of labels 0 and 1, shape (n, k)."""
    if schema.task is Task.MULTILABEL:
        return indicator(target, schema.classes)
    encoded = target.combine_chunks().dictionary_encode()
    labels = label_values(pa.chunked_array([encoded.dictionary]))
    codes: NDArray[np.int64] = np.array([schema.classes.index(each) for each in labels])
    return codes[encoded.indices.to_numpy()]


def _rows_of_each(codes: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """How many rows are of each class or have each label, shape (k,)."""
    return codes.sum(axis=0) if codes.ndim == 2 else np.bincount(codes, minlength=k)


def _all_miss(columns: tuple[str, ...], missing: Mapping[str, Bits]) -> int:
    return _n(np.bitwise_and.reduce([missing[each] for each in columns]))


def _is_missing(values: pa.ChunkedArray) -> Mask:
    missing: Mask = values.is_null().to_numpy()
    return missing


def _unpacked(bits: Bits, n: int) -> Mask:
    return np.unpackbits(bits, count=n).view(np.bool_)


def _n(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum())
