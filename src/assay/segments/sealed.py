"""Sealed: the segments that training declared or found, judged on rows that it never saw.

None is looked for here: sealed rows that propose a segment could not confirm one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from assay.data.dates import are_written
from assay.data.features import feature_frame
from assay.data.schema import Column, Kind
from assay.evaluation.outcome import Outcome
from assay.segments.criteria import Criterion
from assay.segments.declared import Declared
from assay.segments.discovery import losses_of, tested
from assay.segments.measuring import divisions
from assay.segments.meeting import Mask, rows_meeting
from assay.segments.result import Division, Segments


def on_sealed_rows(
    found: Segments,
    outcome: Outcome,
    table: pa.Table,
    columns: Sequence[Column],
    *,
    primary: str,
    level: float,
) -> Segments | None:
    """The segments of training on sealed rows; None where it was not recorded what they meet.

    Args:
        found: What training declared and found.
        outcome: Predictions of the sealed rows.
        table: These rows as stored, in this order.
        columns: What its columns are.
        primary: The metric to decide by.
        level: Level at which the intervals of declared segments hold together, and those of the
            weak ones.
    """
    if not all(found.criteria):
        return None
    rows = _Rows.of(found, table, columns)
    each = 1 - (1 - level) / max(1, len(found.weak))
    losses, every = losses_of(outcome), np.ones(len(outcome), dtype=bool)
    weak = tuple(
        tested(one, rows.meeting(one.criteria), outcome, losses, every, each) for one in found.weak
    )
    parted = [rows.divided(division) for division in found.divisions]
    return Segments(
        metric=found.metric,
        n=len(outcome),
        level=level,
        divisions=divisions(outcome, parted, primary=primary, level=level),
        measure=found.measure,
        weak=weak,
        tried=len(weak),
    )


class _Rows:
    """Rows by the columns that tell segments apart."""

    def __init__(self, frame: pd.DataFrame, kinds: dict[str, Kind]) -> None:
        self._frame = frame
        self._kinds = kinds

    @classmethod
    def of(cls, found: Segments, table: pa.Table, columns: Sequence[Column]) -> _Rows:
        """As `feature_frame` reads them.

        The name of a group may be no date such as training had. It still says which rows belong
        together, so it stays in the table, but as a date it is missing.
        """
        asked = {each.column for criteria in found.criteria for each in criteria}
        known = [each for each in columns if each.name in asked]
        raw = table.select([each.name for each in known]).to_pandas()
        for column in known:
            if column.kind is Kind.DATETIME and column.format:
                cells = raw[column.name]
                raw[column.name] = cells.where(are_written(cells, column.format), None)
        frame = feature_frame(raw, {each.name: each.read_as for each in known})
        by_level = {
            each.column
            for criteria in found.criteria
            for each in criteria
            if each.test in ("level", "others")
        }
        frame = frame.astype(dict.fromkeys(by_level, "category"))  # once, for all that ask it
        return cls(frame, {each.name: each.kind for each in known})

    def meeting(self, criteria: Sequence[Criterion]) -> Mask:
        """Those that meet all of these, shape (n,)."""
        return np.logical_and.reduce(
            [
                rows_meeting(each, self._frame[each.column], self._kinds[each.column])
                for each in criteria
            ]
        )

    def divided(self, division: Division) -> Declared:
        """By the segments of a division that have any."""
        parts = {one.definition: self.meeting(one.criteria) for one in division.segments}
        left_out = ~np.logical_or.reduce([*parts.values()])
        return Declared(
            division.columns,
            {name: rows for name, rows in parts.items() if rows.any()},
            int(left_out.sum()),
            {one.definition: one.criteria for one in division.segments},
        )
