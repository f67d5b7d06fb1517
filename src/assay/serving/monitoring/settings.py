"""What a server keeps of its traffic: the block `sampling` of its settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SamplingSettings(BaseModel):
    """How much of what is asked and answered is kept, for `assay monitor`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    share: float = Field(
        0.0, ge=0, le=1, description="Share of the rows that is kept at most; 0: nothing is kept."
    )
    rows_per_hour: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="Most rows of a version that an hour keeps, in each process; at least half as "
        "many where more came.",
    )
    write_s: float = Field(
        30,
        gt=0,
        le=60,
        description="Seconds after which rows are written; a crash loses those of the last ones.",
    )
    days: int = Field(35, ge=1, description="Days after which rows are forgotten.")
    mib: int = Field(
        512,
        ge=1,
        description="Room for the rows of a model, in MiB; then the oldest are forgotten.",
    )
