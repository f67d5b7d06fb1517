"""The `tracking` block of the experiment file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrackingSettings(BaseModel):
    """Where runs are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str | None = Field(
        None, description="MLflow tracking URI; SQLite in the workspace when absent."
    )
    snapshot_mib: float = Field(
        64,
        ge=0,
        description="Up to this size in memory a copy of the table is kept in the workspace, once; "
        "0: never.",
    )
