"""The `prediction` block of the experiment file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PredictionSettings(BaseModel):
    """What the model does about rows that are not like those it learnt from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing_column: Literal["error", "impute"] = Field(
        "error", description="A feature is not there: error, or impute: all its values are missing."
    )
    wrong_type: Literal["error", "impute"] = Field(
        "error", description="A cell cannot be read as its kind: error, or impute: it is missing."
    )
    unexpected_null: Literal["error", "warn", "impute"] = Field(
        "warn", description="A value is missing where none was: error, warn, or impute silently."
    )
    unseen_category: Literal["error", "warn", "impute"] = Field(
        "warn", description="A level that no row had: error, warn, or impute: it is missing."
    )
    out_of_range: Literal["error", "warn", "clip", "impute"] = Field(
        "warn",
        description="A number or date far beyond those that were seen (half their range): error, "
        "warn, clip: the nearest one that was, or impute: it is missing.",
    )
