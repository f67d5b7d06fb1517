"""The `checks` block of the experiment file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ChecksSettings(BaseModel):
    """Findings that you have looked at and can live with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="Code of the finding: why it is no mistake here. Recorded with the run."
    )
