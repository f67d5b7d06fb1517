"""The portfolio: configurations that are tried before anything is searched, the best first.

Chosen for each kind of task on 28 public tables such that ensembles of the first few are good on
tables that had no part in the choice: `benchmarks/portfolio.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.data.dataset import Part
from assay.data.schema import Task
from assay.learners.candidates import Candidate


def _of(learner: Any, *, logarithm: bool = False, **options: Any) -> Candidate:
    return Candidate(learner=learner, options=options, logarithm=logarithm)


_LINEAR = _of("linear")
_SMALL_TREES = _of("boosting", max_leaves=6)
_LARGE_TREES = _of(
    "lightgbm", learning_rate=0.03, max_leaves=127, min_rows_leaf=3, l2=10.0, max_features=0.6
)
_MANY_LEAVES = _of("lightgbm", max_leaves=63, min_rows_leaf=5, max_features=0.5, max_rows=0.9)
_STEADY = _of("lightgbm", learning_rate=0.03, max_leaves=12, l2=5.0, max_features=0.5, max_rows=0.8)
_RANDOM_SPLITS = _of("lightgbm", random_splits=True, max_features=1.0)
_SETS_OF_LEVELS = _of("lightgbm", categories=True, learning_rate=0.04, max_features=0.4)
_WIDE = _of("perceptron", width=256, learning_rate=0.001, l2=0.03)
_DEEP_FOREST = _of("forest", min_rows_leaf=1, max_features=1.0)
_PORTFOLIOS: Mapping[Task, Sequence[Candidate]] = {
    Task.BINARY: (
        _of("boosting", learning_rate=0.06, max_leaves=63, l2=10.0, max_features=0.3),
        _LINEAR,
        _LARGE_TREES,
        _RANDOM_SPLITS,
        _MANY_LEAVES,
        _WIDE,
        _SETS_OF_LEVELS,
        _SMALL_TREES,
    ),
    Task.MULTICLASS: (
        _RANDOM_SPLITS,
        _LINEAR,
        _DEEP_FOREST,
        _of("lightgbm", learning_rate=0.1, max_leaves=6, min_rows_leaf=10),
        _WIDE,
        _of("boosting", learning_rate=0.05),
        _of("linear", C=0.03),
        _STEADY,
    ),
    Task.REGRESSION: (
        _SMALL_TREES,
        _LINEAR,
        _WIDE,
        _of("boosting", loss="gamma", learning_rate=0.05),
        _LARGE_TREES,
        _DEEP_FOREST,
        _MANY_LEAVES,
        _STEADY.model_copy(update={"logarithm": True}),
    ),
}


def portfolio(train: Part) -> list[Candidate]:
    """The configurations for some rows, the best first; those that can be fitted here.

    Where LightGBM is not installed, `boosting` takes its place.
    """
    listed = [_installed(each).within_memory(train) for each in _PORTFOLIOS[train.schema.task]]
    once = [each for number, each in enumerate(listed) if each not in listed[:number]]
    return [each for each in once if each.suits(train)]


def _installed(candidate: Candidate) -> Candidate:
    if candidate.is_available:
        return candidate
    known = {"learning_rate", "max_leaves", "min_rows_leaf", "l2", "max_features"}
    options = {name: value for name, value in candidate.options.items() if name in known}
    return Candidate(learner="boosting", options=options, logarithm=candidate.logarithm)
