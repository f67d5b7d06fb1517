"""Causes: why two runs of the same recipe differ, what is proved before what is only possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assay import steps
from assay.data.dataset import Part
from assay.experiment.asking import Asked
from assay.fitting.jobs import Fitted, Job, fit
from assay.fitting.pool import runner
from assay.reproduction.environment import Change

_FITTED_TWICE = "fold 1, fitted twice with the same seed in this process, gave"


def why(asked: Asked, found: Sequence[Change], scratch: Path) -> tuple[str, ...]:
    """Why the bits differ: proof that the learner is to blame first, then whatever changed.

    Args:
        asked: What was asked again.
        found: In what the environment differs.
        scratch: An empty folder.
    """
    matter = tuple(str(each) for each in found if each.matters)
    ready = steps.made_ready(asked)
    job, development = replace(ready.plan.first[0], shuffles=False), ready.data.development
    first = _numbers(fit(job, development))
    apart = _apart(first, _numbers(fit(job, development)))
    if apart:
        said = f"{_FITTED_TWICE} other predictions (largest difference {apart:.3g})"
        return f"learner: it is not deterministic: {said}", *matter
    if matter:
        return matter
    elsewhere = _fitted_elsewhere(job, development, scratch)
    apart = _apart(first, elsewhere) if elsewhere is not None else 0.0
    if apart:
        return (
            "learner: it is not deterministic from one process to the next: fold 1, fitted with "
            "the same seed in another one, gave other predictions (largest difference "
            f"{apart:.3g})",
        )
    return (
        f"unknown: nothing differs that should matter, and {_FITTED_TWICE} the same bits: the "
        "learner depends on something that is not recorded (the clock, a file, a service)",
    )


def _fitted_elsewhere(job: Job, development: Part, scratch: Path) -> np.ndarray[Any, Any] | None:
    """The predictions of the fold by a fit in a process of its own; None if that cannot be had."""
    try:
        with runner(development, 2, scratch) as run:
            [fitted] = run([job], lambda fitted: [])  # noqa: ARG005
    except Exception:  # a learner that lives in this process only
        return None
    return _numbers(fitted)


def _numbers(fitted: Fitted) -> np.ndarray[Any, Any]:
    assert fitted.predictions is not None
    given = fitted.predictions.probabilities
    return given if given is not None else np.asarray(fitted.predictions.values)


def _apart(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    """The largest difference; 0 if they are the same bit for bit."""
    if first.tobytes() == second.tobytes():
        return 0.0
    return float(np.nanmax(np.abs(first - second)))
