"""Columns of answers: labels, numbers and probabilities as written, or refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import rankdata

from assay.errors import DataError
from assay.evaluation.outcome import Codes
from assay.predictions import Floats, Rows

WHERE = "the table of predictions"
MOST_NAMED = 8
_SUM_OFF = 0.01


def named(table: pa.Table, names: Sequence[str]) -> str | None:
    """The first column of one of these names, in any case."""
    have = {each.lower(): each for each in reversed(table.column_names)}
    return next((have[name] for name in names if name in have), None)


def text(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.array([str(each) for each in column.to_pylist()])


def numbers(column: pa.ChunkedArray, name: str) -> Floats:
    try:
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise DataError(
            f"Column {name!r} of the predictions is to hold a number in every row, and does not.",
            where=WHERE,
            mend=f"give finite numbers in {name!r}, or leave these rows out",
        )
    return np.asarray(numbers, np.float64)


def shares(column: pa.ChunkedArray, name: str) -> Floats:
    said = numbers(column, name)
    if said.min() < 0 or said.max() > 1:
        raise DataError(
            f"Column {name!r} holds values from {said.min():.4g} to {said.max():.4g}, which are no "
            "probabilities.",
            where=WHERE,
            mend=f"give probabilities from 0 to 1, or call {name!r} 'score' if it only ranks",
        )
    return said


def summing_to_one(said: Floats, names: Sequence[str]) -> Floats:
    sums = said.sum(axis=1)
    off = np.abs(sums - 1)
    if off.max() > _SUM_OFF:
        raise DataError(
            f"The probabilities of row {int(off.argmax())} add up to {sums[off.argmax()]:.4g}.",
            where=f"{WHERE}: {', '.join(names)}",
            mend="give a probability for every class, which make 1 together in each row",
        )
    return said / sums[:, None]


def both(said: Floats, code: int) -> Floats:
    """Probabilities of two classes from those of one."""
    return np.column_stack([said, 1 - said] if code == 0 else [1 - said, said])


def codes(column: pa.ChunkedArray, classes: Sequence[Any], name: str) -> Codes:
    """The position of each label among the classes, shape (n,).

    Labels may be typed otherwise than in the table, and of two classes be 0 and 1.
    """
    encoded = pc.dictionary_encode(column, null_encoding="encode").combine_chunks()
    found = encoded.dictionary.to_pylist()
    places = [_place(each, classes) for each in found]
    if None in places and len(classes) == 2:
        # As scikit-learn numbers labels: in their order, whichever of them is the positive one.
        in_order = sorted(range(2), key=lambda code: str(classes[code]))
        numbered = dict(
            zip(("0", "false", "1", "true"), np.repeat(in_order, 2).tolist(), strict=True)
        )
        places = [numbered.get(_plain(each)) for each in found]
    if None in places:
        raise DataError(
            f"Column {name!r} of the predictions holds {found[places.index(None)]!r}, which is no "
            "class.",
            where=f"classes: {', '.join(map(str, classes[:MOST_NAMED]))}",
            mend="name the classes as the training table does, and leave rows without one out",
        )
    return np.array(places, np.int64)[encoded.indices.to_numpy()]


def _place(label: Any, classes: Sequence[Any]) -> int | None:
    alike = [n for n, each in enumerate(classes) if _plain(each) == _plain(label)]
    return alike[0] if alike and label is not None else None


def _plain(label: Any) -> str:
    """A label as text, in which 1, 1.0 and '1' are the same."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label).strip().lower() if isinstance(label, bool) else str(label).strip()


def place_in_seed(seeds: Codes) -> Rows:
    """How many answers of the same seed come before each, shape (n,)."""
    order = np.argsort(seeds, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(seeds))[:-1]])
    places = np.empty(len(seeds), np.int64)
    places[order] = np.arange(len(seeds)) - starts[seeds[order]]
    return places


def ranked(said: Floats, truth: Codes) -> float:
    """Standard errors of chance that ROC-AUC lies above one half (Mann and Whitney 1947)."""
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if min(n_positive, n_negative) == 0:
        return 0.0
    above = rankdata(said)[truth == 1].sum() - n_positive * (n_positive + 1) / 2
    apart = above - n_positive * n_negative / 2
    return float(apart / (n_positive * n_negative * (len(truth) + 1) / 12) ** 0.5)
