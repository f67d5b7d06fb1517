"""The `model` block of the experiment file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ModelSettings(BaseModel):
    """Which learner, with which options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learner: str = Field(
        description="linear | forest | boosting, or 'package.module:factory' for one of your own."
    )
    options: dict[str, Any] = Field({}, description="What to set otherwise than by default.")
