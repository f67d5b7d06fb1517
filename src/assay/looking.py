"""Looking: the rows of a run that people look at, beside what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.evaluation.assessment import Assessment
from assay.reports.sample import predictions_sample
from assay.reports.worst import worst_mistakes
from assay.run import Run
from assay.steps import Ready


def sample(ready: Ready, judged: Assessment) -> pa.Table:
    """Some of the predictions to look at, with the texts and pictures they were made from."""
    outcome = judged.judged.outcome
    return predictions_sample(outcome, **_held(ready), seed=ready.plan.seed)


def looked_at(run: Run, ready: Ready, judged: Assessment) -> Run:
    """The run with its worst mistakes."""
    held = {
        **_held(ready),
        "importance": run.importance,
        "images": ready.data.development.images,
    }
    return replace(run, mistakes=worst_mistakes(judged.judged.outcome, **held))


def _held(ready: Ready) -> dict[str, Any]:
    """The development rows as they are stored, and what there is to know of them."""
    data, source = ready.data, Path(ready.asked.loaded.source)
    return {
        "table": data.raw_development,
        "rows": data.development.rows,
        "schema": data.schema,
        "folder": source if source.is_dir() else source.parent,
    }
