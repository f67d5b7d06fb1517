"""Assay: train models you can trust.

The public names are attached lazily: importing assay imports no framework.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.ablation import Ablation, ablate
    from assay.checking import Evidence, check
    from assay.delivery import load, models, predict, register
    from assay.errors import AssayError
    from assay.estimates import Estimate
    from assay.evaluation.contrast import Comparison
    from assay.evaluation.result import Difference, Evaluation
    from assay.experiment import Experiment, load_experiment
    from assay.exporting.export import export
    from assay.findings import Finding, NotApplicable, Severity
    from assay.learners.protocol import FitContext, Learner, Model
    from assay.lifecycle import compare, evaluate, report, train
    from assay.logbook import note, runs, show
    from assay.predictions import Predictions
    from assay.promoting import promote
    from assay.reproduction.lock import lock
    from assay.reproduction.reproduce import reproduce
    from assay.run import Run
    from assay.searching.tune import tune
    from assay.serving_models import serve

_HOME = {
    "Ablation": "assay.ablation",
    "AssayError": "assay.errors",
    "Comparison": "assay.evaluation.contrast",
    "Difference": "assay.evaluation.result",
    "Estimate": "assay.estimates",
    "Evaluation": "assay.evaluation.result",
    "Evidence": "assay.checking",
    "Experiment": "assay.experiment",
    "Finding": "assay.findings",
    "FitContext": "assay.learners.protocol",
    "Learner": "assay.learners.protocol",
    "Model": "assay.learners.protocol",
    "NotApplicable": "assay.findings",
    "Predictions": "assay.predictions",
    "Run": "assay.run",
    "Severity": "assay.findings",
    "ablate": "assay.ablation",
    "check": "assay.checking",
    "compare": "assay.lifecycle",
    "evaluate": "assay.lifecycle",
    "export": "assay.exporting.export",
    "load": "assay.delivery",
    "load_experiment": "assay.experiment",
    "lock": "assay.reproduction.lock",
    "models": "assay.delivery",
    "note": "assay.logbook",
    "predict": "assay.delivery",
    "promote": "assay.promoting",
    "register": "assay.delivery",
    "report": "assay.lifecycle",
    "reproduce": "assay.reproduction.reproduce",
    "rollback": "assay.releasing",
    "runs": "assay.logbook",
    "serve": "assay.serving_models",
    "show": "assay.logbook",
    "train": "assay.lifecycle",
    "tune": "assay.searching.tune",
}

__all__ = [  # noqa: RUF022 - the order of a first reading
    "train",
    "evaluate",
    "compare",
    "ablate",
    "tune",
    "register",
    "predict",
    "promote",
    "load",
    "serve",
    "export",
    "check",
    "report",
    "runs",
    "show",
    "note",
    "models",
    "rollback",
    "reproduce",
    "lock",
    "Run",
    "Experiment",
    "load_experiment",
    "Estimate",
    "Evaluation",
    "Difference",
    "Comparison",
    "Ablation",
    "Evidence",
    "Finding",
    "Severity",
    "NotApplicable",
    "Learner",
    "Model",
    "FitContext",
    "Predictions",
    "AssayError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'assay' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
