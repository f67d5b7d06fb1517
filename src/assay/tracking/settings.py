"""The `tracking` block of the experiment file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrackingSettings(BaseModel):
    """Where runs are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str | None = Field(
        None, description="MLflow tracking URI; SQLite in the workspace when absent."
    )
    artifacts: str | None = Field(
        None,
        description="Where files and models go if runs are in a database: s3://bucket/folder, or "
        "whatever MLflow takes; a folder in the workspace when absent.",
    )
