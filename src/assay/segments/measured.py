"""A model by segment: declared ones measured, weak ones looked for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from assay.data.schema import Column, Kind
from assay.evaluation.outcome import Outcome
from assay.segments.bins import Binned, binned, levels
from assay.segments.declared import MOST_LEVELS, QUARTERS, declared
from assay.segments.discovery import discovered, measure_of
from assay.segments.measuring import divisions, metric_of
from assay.segments.result import Segments
from assay.segments.slices import BINS, LEAST_SHARE


def by_segment(
    outcome: Outcome,
    features: pd.DataFrame,
    marked: pd.DataFrame,
    columns: Sequence[Column],
    *,
    primary: str,
    level: float,
) -> Segments:
    """Judge a model by segment.

    Args:
        outcome: Predictions of rows that were not learnt from.
        features: What learners saw of these rows, as `feature_frame` reads it.
        marked: The columns of these rows that are declared as segments, likewise.
        columns: What all of these are.
        primary: The metric to decide by.
        level: Level of the intervals.
    """
    kinds = {each.name: each.kind for each in columns}
    found = discovered(_sliced(features, kinds) + _sliced(marked, kinds), outcome, level)
    return Segments(
        metric=metric_of(primary),
        n=len(outcome),
        level=level,
        divisions=divisions(
            outcome, declared(_divided(marked, kinds)), primary=primary, level=level
        ),
        measure=measure_of(outcome.task),
        weak=found.weak,
        tried=found.tried,
        reason=found.reason,
    )


def _sliced(frame: pd.DataFrame, kinds: dict[str, Kind]) -> list[Binned]:
    fewest = max(1, int(LEAST_SHARE * len(frame) / 2))
    cut = [
        binned(name, frame[name], kinds[name], most=BINS, fewest=fewest) for name in frame.columns
    ]
    return [each for each in cut if each is not None]


def _divided(frame: pd.DataFrame, kinds: dict[str, Kind]) -> list[Binned]:
    """Declared columns: by their levels where these are few, else numbers and days in quarters."""
    cut = []
    for name in frame.columns:
        values, kind = frame[name], kinds[name]
        if kind in (Kind.NUMERIC, Kind.DATETIME):
            cut.append(binned(name, values, kind, most=QUARTERS, fewest=1, exact=MOST_LEVELS))
        else:
            cut.append(levels(name, values, most=MOST_LEVELS, fewest=1))
    return [each for each in cut if each is not None]
