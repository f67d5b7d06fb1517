"""Looking: the rows of a run that people look at, beside what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.run import broken
from assay.evaluation.assessment import Assessment
from assay.opposite_labels import opposite_labels
from assay.reports.mistakes import Opposites
from assay.reports.sample import predictions_sample
from assay.reports.worst import side_by_side, worst_mistakes
from assay.run import Run
from assay.steps import Ready
from assay.tracking.recorder import Recorder


def sample(ready: Ready, judged: Assessment) -> pa.Table:
    """Some of the predictions to look at, with the texts and pictures they were made from."""
    outcome = judged.judged.outcome
    return predictions_sample(outcome, **_held(ready), seed=ready.plan.seed)


def looked_at(run: Run, ready: Ready, judged: Assessment, recorder: Recorder) -> Run:
    """The run with its worst mistakes, and with rows that are alike but for their label.

    As with a check, what breaks while looking for the latter is our fault and must lose no run: it
    becomes a finding, under the code of the check that looks for copies.

    Args:
        run: The run, summed up.
        ready: Its data and settings.
        judged: Predictions of development rows that were not learnt from.
        recorder: Told of what broke.
    """
    data = ready.data
    held = {
        **_held(ready),
        "importance": run.importance,
        "images": data.development.images,
    }
    opposites: Opposites | None = None
    checks = run.checks
    try:
        alike = opposite_labels(data.development, data.raw_development)
        opposites = side_by_side(alike, **held) if alike is not None else None
    except Exception as error:
        what = "Looking for rows that are alike but for their label"
        lost = broken(DuplicatesAcrossParts.code, what, error)
        recorder.finding(lost, "alike")
        checks = checks.joined_by([lost], {})
    mistakes = worst_mistakes(judged.judged.outcome, **held)
    return replace(run, checks=checks, mistakes=mistakes, opposites=opposites)


def _held(ready: Ready) -> dict[str, Any]:
    """The development rows as they are stored, and what there is to know of them."""
    data, source = ready.data, Path(ready.asked.loaded.source)
    return {
        "table": data.raw_development,
        "rows": data.development.rows,
        "schema": data.schema,
        "folder": source if source.is_dir() else source.parent,
    }
