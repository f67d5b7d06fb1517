"""Looking: the rows of a run that people look at, beside what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.checks.opposite_labels import opposite_labels
from assay.evaluation.assessment import Assessment
from assay.reports.sample import predictions_sample
from assay.reports.worst import side_by_side, worst_mistakes
from assay.run import Run
from assay.steps import Ready


def sample(ready: Ready, judged: Assessment) -> pa.Table:
    """Some of the predictions to look at, with the texts and pictures they were made from."""
    outcome = judged.judged.outcome
    return predictions_sample(outcome, **_held(ready), seed=ready.plan.seed)


def looked_at(run: Run, ready: Ready, judged: Assessment) -> Run:
    """The run with its worst mistakes, and with rows that are alike but for their label."""
    data = ready.data
    held = {
        **_held(ready),
        "importance": run.importance,
        "images": data.development.images,
    }
    alike = opposite_labels(data.development, data.raw_development)
    return replace(
        run,
        mistakes=worst_mistakes(judged.judged.outcome, **held),
        opposites=side_by_side(alike, **held) if alike is not None else None,
    )


def _held(ready: Ready) -> dict[str, Any]:
    """The development rows as they are stored, and what there is to know of them."""
    data, source = ready.data, Path(ready.asked.loaded.source)
    return {
        "table": data.raw_development,
        "rows": data.development.rows,
        "schema": data.schema,
        "folder": source if source.is_dir() else source.parent,
    }
