"""The `registry` block of the experiment file, and what a policy may ask of all models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Margin = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class SegmentLimits(BaseModel):
    """What must hold in every declared segment; limits hold at the ends of the intervals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    worst: float | None = Field(
        None,
        description="What the metric of the segments must reach in the worst of them; of losses, "
        "what it must not exceed.",
    )
    gap: Annotated[float, Field(ge=0)] | None = Field(
        None, description="How far the worst and the best segment of a column may be apart."
    )


class FairnessLimits(BaseModel):
    """How alike a binary model must decide for the levels of declared columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    demographic_parity: Share | None = Field(
        None, description="Largest difference of selection rates, at the interval's upper end."
    )
    demographic_ratio: Share | None = Field(
        None, description="Least ratio of selection rates; 0.8 is the four-fifths rule."
    )
    equalised_odds: Share | None = Field(
        None,
        description="Largest difference of recall or of the false-positive rate, at the upper end.",
    )
    odds_ratio: Share | None = Field(
        None, description="Least ratio of recalls, or of false-positive rates."
    )


class LatencyLimits(BaseModel):
    """Milliseconds that a prediction may take, as measured when promoting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    p50_ms: Positive | None = Field(None, description="One row, half of the times.")
    p99_ms: Positive | None = Field(None, description="One row, 99 times of 100.")
    batch_p50_ms: Positive | None = Field(None, description="1,000 rows, half of the times.")
    batch_p99_ms: Positive | None = Field(None, description="1,000 rows, 99 times of 100.")


class StageGates(BaseModel):
    """What a version must show before it may be in a stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    findings: Literal["block", "warn", "ask", "none"] = Field(
        "block",
        description="No open finding as severe as this, or worse; none: whatever was found.",
    )
    baselines: Literal["all", "simplest", "none"] = Field(
        "simplest",
        description="simplest: better than the constant by more than noise, and worse than none; "
        "all: better than each by more than noise.",
    )
    champion: Literal["better", "not-worse", "none"] | Margin = Field(
        "not-worse",
        description="Beside the version in production, on rows that neither learnt from: better "
        "by more than noise; not-worse by more than a twentieth of what the champion is better "
        "than a constant by, or than a MARGIN in units of the primary metric; or none.",
    )
    metrics: dict[str, float] = Field(
        {},
        description="METRIC: what the lower end of its interval must reach; of losses, what the "
        "upper end must not exceed.",
    )
    segments: SegmentLimits | None = Field(None, description="What every segment must show.")
    fairness: FairnessLimits | None = Field(None, description="How alike segments are treated.")
    calibration: Share | None = Field(
        None, description="Largest calibration error, at the upper end of its interval."
    )
    latency: LatencyLimits | None = Field(None, description="How long predicting may take.")
    memory_mib: Positive | None = Field(
        None, description="Most memory of a process that predicts, in MiB."
    )
    size_mib: Positive | None = Field(None, description="Most that the model's files take, in MiB.")
    reproduced: bool = Field(
        False, description="Whether `assay reproduce` must have come to the same."
    )
    data_days: Positive | None = Field(None, description="Days that the data may be old.")
    card: bool = Field(False, description="Whether people must have filled in the model card.")
    others: dict[str, Any] = Field(
        {}, description="Gates that installed packages offer, by name: what each is told."
    )


class GatesSettings(BaseModel):
    """Gates of each stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    staging: StageGates = Field(StageGates(), description="What it takes to be tried out.")
    production: StageGates = Field(StageGates(), description="What it takes to be relied upon.")


class RegistrySettings(BaseModel):
    """Under which name models of this experiment are registered, and what promotes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(None, description="Name for `assay register`; --as overrides it.")
    gates: GatesSettings = Field(GatesSettings(), description="What `assay promote` asks for.")
    policy: str | None = Field(
        None,
        description="A policy file, relative to this one, whose gates hold besides: see "
        "Register and promote.",
    )


class PolicySettings(BaseModel):
    """A policy file: gates that hold for all models, whatever their experiments ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gates: GatesSettings = Field(GatesSettings(), description="What is asked for, by stage.")
