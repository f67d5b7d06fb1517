"""Profiling: every column of the development rows is looked at once, in Arrow and NumPy.

Nothing is learnt from what is found here; it is recorded with the run and shown in the report.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.data.gaps import find_gaps
from assay.data.histogram import histogram
from assay.data.kinds import label_values
from assay.data.labels import indicator, labels_of
from assay.data.profile import QUANTILES, ColumnProfile, Numbers, Profile, TargetProfile
from assay.data.schema import Column, Kind, Schema, Task
from assay.data.together import together
from assay.predictions import Floats

MOST_LEVELS = 8

_LONGEST_LABEL = 80
_DAY_US = 86_400e6
_TARGET_BINS = 40


def profile(table: pa.Table, schema: Schema) -> Profile:
    """Look at every column of a settled table of development rows, all of which have a target."""
    gaps, complete = find_gaps(table, schema)
    return Profile(
        n=table.num_rows,
        complete=complete,
        columns=tuple(_column(column, table[column.name]) for column in schema.columns),
        target=_target(table[schema.target], schema),
        gaps=gaps,
    )


def _column(column: Column, values: pa.ChunkedArray) -> ColumnProfile:
    present = values.drop_null()
    about = ColumnProfile(column.name, len(present), values.null_count, column.n_distinct)
    if len(present) == 0 or column.kind in (Kind.EMPTY, Kind.IMAGE):
        return about
    if column.kind is Kind.LABELS:
        return replace(about, levels=_labels(present))
    if column.kind is Kind.TEXT:
        return replace(about, mean_length=_mean_length(present))
    if column.kind is Kind.CATEGORICAL or not _is_measured(values.type):
        return replace(about, levels=_levels(present))
    numbers = _as_numbers(present)
    finite = numbers[np.isfinite(numbers)]
    return replace(
        about,
        infinite=len(numbers) - len(finite),
        numbers=_numbers(finite) if len(finite) else None,
    )


def _target(values: pa.ChunkedArray, schema: Schema) -> TargetProfile:
    if schema.task is Task.MULTILABEL:
        held, names = indicator(values, schema.classes), tuple(map(str, schema.classes))
        return TargetProfile(
            dict(zip(names, held.sum(axis=0).tolist(), strict=True)),
            per_row=tuple(np.bincount(held.sum(axis=1)).tolist()),
            together=together(held, names),
        )
    if schema.task.is_classification:
        encoded = values.drop_null().combine_chunks().dictionary_encode()
        rows = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary))
        labels = label_values(pa.chunked_array([encoded.dictionary]))
        counts = dict(zip(labels, rows.tolist(), strict=True))
        return TargetProfile({str(each): counts.get(each, 0) for each in schema.classes})
    numbers = _as_numbers(values.drop_null())
    finite = numbers[np.isfinite(numbers)]
    if len(finite) == 0:
        return TargetProfile({})
    return TargetProfile(
        {}, _numbers(finite, _TARGET_BINS), float(finite.mean()), skewness_of(finite)
    )


def skewness_of(values: Floats) -> float | None:
    """The third standardised moment; None for values that are all the same.

    >>> round(skewness_of(np.array([0.0, 0.0, 0.0, 4.0])), 3), skewness_of(np.array([0.1, 0.1]))
    (1.155, None)
    """
    if values.min() == values.max():
        return None
    with np.errstate(all="ignore"):
        apart = values - values.mean()
        spread = np.sqrt((apart**2).mean())
        skewness = float(((apart / spread) ** 3).mean())
    return skewness if np.isfinite(skewness) else None


def _numbers(finite: Floats, bins: int = 24) -> Numbers:
    quantiles = np.quantile(finite, QUANTILES, method="inverted_cdf")
    within = (quantiles[1], quantiles[-2])
    return Numbers(tuple(quantiles.tolist()), histogram(finite, within, bins))


def _levels(present: pa.ChunkedArray) -> tuple[tuple[str, int], ...]:
    counted = pc.value_counts(present)
    rows = counted.field("counts").to_numpy()
    first = np.argsort(-rows, kind="stable")[:MOST_LEVELS]
    labels = label_values(pa.chunked_array([counted.field("values").take(first)]))
    return tuple(zip(map(_shortened, labels), rows[first].tolist(), strict=True))


def _labels(present: pa.ChunkedArray) -> tuple[tuple[str, int], ...]:
    """The most frequent labels, with how many rows have each."""
    names = labels_of(present)
    rows = indicator(present, names).sum(axis=0)
    first = np.argsort(-rows, kind="stable")[:MOST_LEVELS]
    return tuple((_shortened(names[at]), int(rows[at])) for at in first)


def _shortened(label: Any) -> str:
    text = str(label).lower() if isinstance(label, bool) else str(label)
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}…"


def _mean_length(present: pa.ChunkedArray) -> float:
    return float(pc.mean(pc.utf8_length(present)).as_py())


def _is_measured(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_timestamp(kind)


def _as_numbers(present: pa.ChunkedArray) -> Floats:
    """Numbers as they are, dates as days since 1970; float64, shape (n,)."""
    if pa.types.is_timestamp(present.type):
        microseconds = present.cast(pa.timestamp("us")).cast(pa.int64())
        return microseconds.to_numpy().astype(np.float64) / _DAY_US
    numbers: Floats = present.to_numpy().astype(np.float64)
    return numbers
