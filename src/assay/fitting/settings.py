"""The `training` block of the experiment file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """How the learner is fitted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: Literal["auto"] | int = Field(
        "auto",
        description="Repeats with other folds and model seeds; auto: 3 up to two million cells "
        "(rows x columns x classes), 1 above.",
    )
