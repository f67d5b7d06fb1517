"""The `training` block of the experiment file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """How the learner is fitted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: Literal["auto"] | Annotated[int, Field(ge=1, le=100)] = Field(
        "auto",
        description="auto or a number: repeats with other folds and model seeds; auto is 3 up to "
        "two million cells (rows x columns x classes), 1 above.",
    )
    deterministic: bool = Field(
        True,
        description="Whether torch must add in the same order each time: deterministic algorithms, "
        "no benchmarking by cuDNN.",
    )
