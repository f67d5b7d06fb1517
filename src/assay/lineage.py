"""Lineage: what a registered version carries of its run, so that plain MLflow shows it.

The model itself, with its signature and its example, is the run's own logged model; these are tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from assay.evaluation.metrics import METRICS
from assay.registry.numbering import EVALUATION, SETTINGS, SIGNATURE, evaluation_tag
from assay.run import Run
from assay.tracking.runs import FINGERPRINT, ROWS, SPLIT

_ELSEWHERE = (
    "name", "data.source", "data.query", "data.sheet", "data.split.seed", "training.seeds",
    "checks.", "tracking.", "registry.",
)  # fmt: skip
"""Settings that make no other model: where rows come from and things are kept, and seeds."""


def carried(run: Run) -> dict[str, str]:
    """What a version carries of its run.

    Returns:
        Tags: the run's name and experiment, fingerprints of data and split, digest of the sealed
        rows, commit, learner, primary metric with its interval (of a search's winner corrected for
        the choice), codes of findings, and digests of signature and settings, of which the semantic
        version is made.
    """
    evaluation, git = run.evaluation, run.provenance.get("git") or {}
    metric = METRICS[evaluation.task][evaluation.primary]
    tags = {
        "assay.run": run.name,
        "assay.experiment": run.experiment,
        "assay.learner": run.learner,
        FINGERPRINT: run.fingerprint,
        SPLIT: str(run.provenance.get("split fingerprint", "")),
        "assay.test": run.test_digest,
        "assay.commit": str(git.get("commit", "")),
        "assay.uncommitted": str(bool(git.get("uncommitted"))).lower() if git else "",
        ROWS: evaluation.rows,
        EVALUATION: evaluation_tag(
            evaluation.primary,
            run.announced,
            evaluation.rows,
            greater_is_better=metric.greater_is_better,
        ),
        "assay.findings": " ".join(sorted({each.code for each in run.findings})),
        SIGNATURE: _digest({
            "inputs": run.schema.reading,
            "target": run.schema.target,
            "task": run.schema.task.value,
            "classes": list(run.schema.classes),
        }),
        SETTINGS: _digest({"learner": run.learner, "options": _telling(run.options)}),
        evaluation.primary: str(run.announced),
    }  # fmt: skip
    return {key: text for key, text in tags.items() if text}


def _telling(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that make another model."""
    return {
        key: value
        for key, value in options.items()
        if not any(key == each or (each.endswith(".") and key.startswith(each))
                   for each in _ELSEWHERE)
    }  # fmt: skip


def _digest(about: Mapping[str, Any]) -> str:
    return sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()
