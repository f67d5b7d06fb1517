"""The `registry` block of the experiment file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RegistrySettings(BaseModel):
    """Under which name models of this experiment are registered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(None, description="Name for `assay register`; --as overrides it.")
