"""The `model` block of the experiment file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ModelSettings(BaseModel):
    """Which learner, with which options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learner: str = Field(
        description="linear | forest | boosting | mlp | tabular-net | resnet | "
        "image | text, or 'package.module:factory' for one of your own, also a class of nn.Module."
    )
    options: dict[str, Any] = Field({}, description="What to set otherwise than by default.")
