"""Hourly counts: traffic as it is held against training, by hour and bin; no row is kept.

Samples are read a day at a time, so that a month of them takes no more memory than a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assay.checks.counted_shifts import Counts
from assay.data.features import feature_frame
from assay.data.schema import Schema
from assay.inference.loading import as_frame
from assay.inference.reference import FEATURE, SCORE, Reference, ReferenceColumn, lengths, scores
from assay.predictions import Floats
from assay.serving.monitoring.files import SampleFile, sample_files
from assay.serving.monitoring.refusals import REFUSED, Refusals

Watched = tuple[str, str]
"""A column by its name and role."""
Key = tuple[str, int]
"""A row by its request and its place in it."""
_HOURS_A_DAY = 24


@dataclass(frozen=True)
class Hourly:
    """What came in each hour.

    Attributes:
        first: The number of the first hour since 1970.
        kept: Rows in the sample, by hour, shape (h,).
        seen: Rows that were answered, by hour, shape (h,).
        counts: Of each column the rows by hour and bin, those without a value last, shape
            (h, b + 1).
        refusals: Requests by hour, those that were answered and those that were not.
    """

    first: int
    kept: Counts
    seen: Counts
    counts: Mapping[Watched, Counts]
    refusals: Sequence[Refusals] = field(default=())

    @property
    def n(self) -> int:
        """Hours."""
        return len(self.kept)


@dataclass(frozen=True)
class Answered:
    """Sampled rows of some hours with what was answered.

    Attributes:
        hours: The number of the hour of each, shape (n,).
        request_ids: Of their requests, shape (n,).
        places: Where in the request each was, shape (n,).
        features: As they were given, columns as the model knows them.
        labels: What was predicted, as it was answered: a label, a list of labels or a number.
        probabilities: In the order of the model's classes, shape (n, k); None for numbers.
    """

    hours: NDArray[np.int64]
    request_ids: NDArray[Any]
    places: NDArray[np.int64]
    features: pd.DataFrame
    labels: Sequence[Any]
    probabilities: Floats | None

    def among(self, known: Container[Key]) -> Answered:
        """Those of the rows that are known, without their features.

        Of a key that several rows have, none: which one it belongs to cannot be told.
        """
        keys = list(zip(self.request_ids, self.places.tolist(), strict=True))
        n = Counter(keys)
        mine = [row for row, key in enumerate(keys) if n[key] == 1 and key in known]
        at = np.array(mine, dtype=np.int64)
        return Answered(
            hours=self.hours[at],
            request_ids=self.request_ids[at],
            places=self.places[at],
            features=self.features.iloc[:0],
            labels=[self.labels[row] for row in at],
            probabilities=None if self.probabilities is None else self.probabilities[at],
        )

    @property
    def values(self) -> Floats | None:
        """Predicted numbers; None for classes."""
        if self.probabilities is not None:
            return None
        return np.array(self.labels, dtype=np.float64)


def hourly_of(
    folder: Path,
    version: str,
    reference: Reference,
    schema: Schema,
    known: Container[Key],
    *,
    since: int,
    until: int,
) -> tuple[Hourly, list[Answered]]:
    """Count the samples of a version.

    Args:
        folder: With the samples of the model.
        version: NAME/VERSION.
        reference: How columns are divided into bins.
        schema: Of the model.
        known: Rows whose outcome is known.
        since: The first hour.
        until: The hour after the last.

    Returns:
        The counts, from the first hour in which there is a sample; and what was answered to rows
        whose outcome is known, by day.
    """
    files = [each for each in sample_files(folder, version, since) if each.hour < until]
    first = files[0].hour if files else until
    n = until - first
    kept, seen = np.zeros(n), np.zeros(n)
    counts = {
        (each.name, each.role): np.zeros((n, len(each.counts) + 1)) for each in reference.columns
    }
    answered = []
    refusals = [Refusals() for _ in range(n)]
    for each in _last(files):
        seen[each.hour - first] += each.n_seen
        so_far = refusals[each.hour - first]
        refusals[each.hour - first] = Refusals.total([so_far, each.refusals])
    requests = np.array([[each.answered, each.refused] for each in refusals], dtype=np.float64)
    counts[REFUSED.name, REFUSED.role] = requests.reshape(n, 2)
    for _, of_day in groupby(files, key=lambda each: each.hour // _HOURS_A_DAY):
        day = _read(list(of_day), reference, schema)
        if len(day.hours) == 0:
            continue
        places = day.hours - first
        kept += np.bincount(places, minlength=n)
        for column in reference.columns:
            bins = _bins(column, day, schema)
            if bins is not None:
                np.add.at(counts[column.name, column.role], (places, bins), 1)
        answered.append(day.among(known))
    return Hourly(first, kept, seen, counts, refusals), answered


def _last(files: Sequence[SampleFile]) -> list[SampleFile]:
    """The last file of each process in each hour, which counts what all of them do."""
    return list({(each.hour, each.token): each for each in files}.values())


def _read(files: Sequence[SampleFile], reference: Reference, schema: Schema) -> Answered:
    """The rows of some files, those only that every file of their hour would have kept."""
    limits: dict[int, float] = {}
    for each in files:
        limits[each.hour] = min(each.limit, limits.get(each.hour, 1.0))
    tables = [(each, pq.read_table(each.path)) for each in files]
    tables = [
        (each, table.filter(pc.less(table["rank"], limits[each.hour]))) for each, table in tables
    ]
    kinds = {
        each.name: schema.reading[each.name] for each in reference.columns if each.role == FEATURE
    }
    whole = [table for _, table in tables]
    probabilities = None
    if schema.classes:
        probabilities = np.concatenate([_probabilities(each, schema) for each in whole])
    return Answered(
        hours=np.concatenate([np.full(len(table), each.hour) for each, table in tables]),
        request_ids=np.concatenate([np.array(each["request_id"].to_pylist(), dtype=object)
                                    for each in whole]),
        places=np.concatenate([each["row"].to_numpy() for each in whole]).astype(np.int64),
        features=_features(whole, kinds),
        labels=[label for each in whole for label in each["prediction"].to_pylist()],
        probabilities=probabilities,
    )  # fmt: skip


def _features(tables: Sequence[pa.Table], kinds: Mapping[str, str]) -> pd.DataFrame:
    """The features that are watched, as the model reads them, nothing mended."""
    frames = [
        as_frame(pa.Table.from_struct_array(each["features"].combine_chunks()))
        if "features" in each.column_names
        else pd.DataFrame(index=range(len(each)))
        for each in tables
    ]
    frame = pd.concat([each.astype(object) for each in frames], ignore_index=True)
    frame = frame.reindex(columns=list(kinds))
    return pd.DataFrame({name: _as_read(frame[name], kinds[name]) for name in kinds})


def _as_read(cells: pd.Series[Any], read_as: str) -> pd.Series[Any]:
    """The cells of a feature as the model reads them, missing where they cannot be read."""
    name = str(cells.name)
    try:
        return feature_frame(cells.to_frame(name), {name: read_as})[name]
    except ValueError:  # only numbers can be unreadable, among what is watched
        truths = {"true": 1.0, "false": 0.0}
        plain = cells.map(lambda cell: truths.get(str(cell).lower(), cell))
        numbers = pd.to_numeric(plain, errors="coerce").to_frame(name)
        return feature_frame(numbers, {name: read_as})[name]


def _probabilities(table: pa.Table, schema: Schema) -> Floats:
    """In the order of the classes, shape (n, k); NaN where one was not answered."""
    found = np.full((len(table), len(schema.classes)), np.nan)
    if "probabilities" in table.column_names:
        by_label = pa.Table.from_struct_array(table["probabilities"].combine_chunks())
        for place, label in enumerate(map(str, schema.classes)):
            if label in by_label.column_names:
                found[:, place] = by_label[label].to_numpy().astype(np.float64)
    return found


def _bins(column: ReferenceColumn, day: Answered, schema: Schema) -> NDArray[np.int64] | None:
    """The bin of each row; None of the loss, which needs outcomes."""
    if column.role == FEATURE:
        values = day.features[column.name]
        return column.bins_of(lengths(values) if column.kind == "text" else values)
    if column.role == SCORE:
        if column.has_levels:
            return column.bins_of([str(each) for each in day.labels])
        said = scores(schema.task, schema.classes, day.probabilities, day.values)
        return column.bins_of(said[column.name])
    return None
