"""Segmenting: a run's held-out predictions beside the columns that divide its rows."""

from __future__ import annotations

from assay.checks.run import CheckResults, broken
from assay.data.features import feature_frame
from assay.data.schema import Column, Kind, Role
from assay.evaluation.outcome import Outcome
from assay.segments import measured, telling
from assay.segments.declared import MOST_LEVELS
from assay.segments.result import Segments
from assay.steps import Ready, heard
from assay.threads import one_numerical_thread
from assay.tracking.recorder import Recorder


def by_segment(
    ready: Ready, outcome: Outcome, found: CheckResults, recorder: Recorder
) -> tuple[Segments | None, CheckResults]:
    """The model by segment, and what the checks and segments found.

    As with a check, what breaks here is our fault and must lose no run: it becomes a finding, and
    there are no segments.

    Args:
        ready: The run's data and settings.
        outcome: Predictions of development rows that were not learnt from.
        found: What the checks found.
        recorder: Told of what is found.
    """
    segments: Segments | None = None
    try:
        segments = _measured(ready, outcome)
        new = telling.findings(segments)
    except Exception as error:
        segments, new = None, [broken(telling.FOUND, "Judging the model by segment", error)]
    return segments, heard(ready, found, new, recorder)


def _measured(ready: Ready, outcome: Outcome) -> Segments:
    data = ready.data
    at = data.development.rows.searchsorted(outcome.rows)
    columns = [each for each in data.schema.columns if _divides(each)]
    names = [each.name for each in columns]
    raw = data.raw_development.select(names).take(at).to_pandas()
    with one_numerical_thread():
        return measured.by_segment(
            outcome,
            data.development.take(at).features,
            feature_frame(raw, {each.name: each.read_as for each in columns}),
            data.schema.columns,
            primary=ready.primary,
            level=ready.asked.loaded.experiment.evaluation.confidence,
        )


def _divides(column: Column) -> bool:
    """Whether rows are told apart by it: a declared segment, or one of a few groups."""
    if column.kind in (Kind.EMPTY, Kind.IMAGE):
        return False
    few = column.role is Role.GROUP and 2 <= column.n_distinct <= MOST_LEVELS
    return column.role is Role.SEGMENT or few
