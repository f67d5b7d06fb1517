"""Curves and tables that a report draws, computed once from an outcome."""

from __future__ import annotations

from dataclasses import dataclass

from assay.predictions import Floats


@dataclass(frozen=True)
class RocCurve:
    """False and true positive rates at falling thresholds, from (0, 0) to (1, 1)."""

    false_positive_rate: Floats
    true_positive_rate: Floats


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision at rising recall, and the share of positives as the line of no skill."""

    recall: Floats
    precision: Floats
    prevalence: float


@dataclass(frozen=True)
class Reliability:
    """Observed frequency against predicted probability in bins of equal count.

    For a multiclass task the top class's probability against how often it was right.
    `low` and `high` are exact (Clopper-Pearson) intervals of the observed frequency; of weighted
    or related rows with their effective number (Korn and Graubard).
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    n: Floats


@dataclass(frozen=True)
class Residuals:
    """Predicted values and residuals (true minus predicted) of at most 2,000 rows."""

    predicted: Floats
    residual: Floats


@dataclass(frozen=True)
class Curves:
    """The curves that fit the task; the others are None."""

    roc: RocCurve | None = None
    precision_recall: PrecisionRecallCurve | None = None
    reliability: Reliability | None = None
    residuals: Residuals | None = None
