"""Curves and tables that a report draws, computed once from an outcome."""

from __future__ import annotations

from dataclasses import dataclass

from assay.evaluation.design import Design
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
class Bias:
    """Residuals that depend on the prediction.

    Attributes:
        statistic: Of the test, chi-squared.
        p: How often chance alone shows as much, corrected for all that was looked at.
        explained: Share of the residuals' variance that a smooth curve explains.
        means: Mean residual by fifths of the predictions, the lowest first.
        predicted: Where the curve is known, shape (points,).
        residual: What it says there, shape (points,).
    """

    statistic: float
    p: float
    explained: float
    means: tuple[float, ...]
    predicted: Floats
    residual: Floats


@dataclass(frozen=True)
class Heteroscedasticity:
    """Residuals that are larger for some predictions than for others.

    Attributes:
        statistic: Of the test, chi-squared.
        p: As of `Bias`.
        deviations: Standard deviation around the smooth curve by fifths of the predictions.
    """

    statistic: float
    p: float
    deviations: tuple[float, ...]


@dataclass(frozen=True)
class Tails:
    """Residuals of which a few are very large.

    Attributes:
        statistic: Of the test, normal.
        p: As of `Bias`.
        kurtosis: Excess kurtosis, on the scale that residuals have where the prediction is such.
        n: Number of the rows that are furthest off: one in a hundred, rounded up.
        of: Number of all rows.
        share: What the former make of the sum of squared errors.
        normal: What as many of normal errors make of it on average.
        above: Share of them whose truth lies above the prediction.
    """

    statistic: float
    p: float
    kurtosis: float
    n: int
    of: int
    share: float
    normal: float
    above: float


@dataclass(frozen=True)
class Autocorrelation:
    """Residuals of rows that follow each other and err alike.

    Attributes:
        statistic: Of the test, chi-squared.
        p: As of `Bias`.
        correlations: Of rows one apart, two apart, and so on.
        n: Number of rows.
        by_time: Whether rows are in time order; else as they stand in the source.
        design: How the rows came about: of rows in time, intervals allow for neighbours.
    """

    statistic: float
    p: float
    correlations: tuple[float, ...]
    n: int
    by_time: bool
    design: Design = Design.CHANCE


@dataclass(frozen=True)
class ResidualPatterns:
    """The patterns of a regression's residuals; None where chance explains them, or they are small.

    `looked_at` is the number of patterns that were looked at.
    """

    looked_at: int
    bias: Bias | None = None
    spread: Heteroscedasticity | None = None
    tails: Tails | None = None
    order: Autocorrelation | None = None


@dataclass(frozen=True)
class Curves:
    """The curves that fit the task; the others are None.

    `patterns` is None also where rows are too few to tell.
    """

    roc: RocCurve | None = None
    precision_recall: PrecisionRecallCurve | None = None
    reliability: Reliability | None = None
    residuals: Residuals | None = None
    patterns: ResidualPatterns | None = None
