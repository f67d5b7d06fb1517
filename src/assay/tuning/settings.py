"""The `tuning` block of the experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DEFAULT_TRIALS = 50


class RangeSettings(BaseModel):
    """A dimension of numbers: whole ones where both ends are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float = Field(description="The least value.")
    high: int | float = Field(description="The greatest value, included.")
    log: bool = Field(False, description="Whether orders of magnitude are searched alike.")
    step: Annotated[int | float, Field(gt=0)] | None = Field(
        None, description="Distance between values; whole numbers go by one."
    )
    when: dict[str, Any] = Field({}, description="Settings under which it is searched at all.")


class ChoiceSettings(BaseModel):
    """A dimension of values without order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: tuple[Any, ...] = Field(min_length=1, description="The values.")
    when: dict[str, Any] = Field({}, description="Settings under which it is searched at all.")


def _as_mapping(given: Any) -> Any:
    """A plain list is one of choices."""
    return {"choices": given} if isinstance(given, list | tuple) else given


DimensionSettings = Annotated[
    RangeSettings | ChoiceSettings,
    BeforeValidator(_as_mapping, json_schema_input_type=RangeSettings | ChoiceSettings | list[Any]),
]


class TuningSettings(BaseModel):
    """What `assay tune` searches, how, and for how long; it ends by whichever comes first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trials: Annotated[int, Field(ge=1)] | None = Field(
        None, description=f"Sets of settings to try; {DEFAULT_TRIALS} if there is no other limit."
    )
    seconds: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Seconds to search for; the last fit on all rows comes after them."
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Trials in a row without a better one, after which it stops."
    )
    space: Mapping[str, DimensionSettings] = Field(
        {},
        description="What to vary: options.NAME, training.NAME or learner, each as {low, high, "
        "log, step}, as {choices: [...]} or as a list; when: {KEY: VALUE} makes it conditional. "
        "What suggests itself for the learner when absent.",
    )
    sampler: Literal["tpe", "random", "cma-es", "quasi-random"] = Field(
        "tpe", description="How the next settings are chosen."
    )
    pruner: Literal["median", "hyperband", "wilcoxon", "none"] = Field(
        "median",
        description="What ends trials that fall behind: median, of the others at the same epoch, "
        "and over folds the distance from the best; hyperband; wilcoxon, a test over folds.",
    )
    objectives: tuple[str, ...] = Field(
        (),
        description="What is searched for: metrics, latency_ms, size_mib; the primary metric when "
        "absent. Of several the trials that no other beats in all are shown, and the best by the "
        "first one is fitted.",
    )
    latency_ms: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Of auto: what the prediction of one row may take; members go until it does.",
    )
    storage: str | None = Field(
        None,
        description="Where the study is kept: postgresql://... for several machines; a file in "
        "the workspace when absent.",
    )
    seeds: int = Field(3, ge=1, le=100, description="Seeds of the winner's last cross-fitting.")

    @property
    def most_trials(self) -> int | None:
        """How many to try; None where time or patience alone decide."""
        if self.trials is None and self.seconds is None and self.patience is None:
            return DEFAULT_TRIALS
        return self.trials
