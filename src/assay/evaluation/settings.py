"""The `evaluation` block of the experiment file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.evaluation.goals import DEFAULT, ThresholdSetting

Resamples = Literal["auto"] | Annotated[int, Field(ge=200, le=100_000)]
RESAMPLES, MANY, RESAMPLES_OF_MANY = 1_000, 100_000, 300


class EvaluationSettings(BaseModel):
    """What is measured and how a decision is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    primary: str | None = Field(
        None,
        description="Metric to decide by: roc_auc (binary), log_loss (multiclass, multilabel) or "
        "r2 if absent.",
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Level of the intervals.")
    resamples: Resamples = Field(
        "auto",
        description=f"Bootstrap resamples, 200 to 100,000; auto: {RESAMPLES:,}, or "
        f"{RESAMPLES_OF_MANY} of {MANY:,} rows or groups and more, whose metrics vary little.",
    )
    class_counts: Literal["chance", "fixed"] = Field(
        "chance",
        description="fixed: so many rows of each class were drawn by design (case-control), so "
        "that intervals leave out how their shares vary; chance: rows are as they came.",
    )
    calibration: Literal["auto", "none", "sigmoid", "beta", "isotonic", "temperature"] = Field(
        "auto",
        description="auto: calibrate when that lowers the log loss by more than noise; beta is for "
        "two classes.",
    )
    threshold: ThresholdSetting = Field(
        DEFAULT,
        description="What a decision is best for: f1, balanced_accuracy, a probability where it is "
        "taken, or a block with a goal, as {goal: f_beta, beta: 2}.",
    )
