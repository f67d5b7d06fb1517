"""The `tracking` block of the experiment file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from assay.tracking.notes import problem_of_tag


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_block(value: Any) -> Any:
    """True means all defaults, false none at all."""
    return ({} if value else None) if isinstance(value, bool) else value


Mirrors = Annotated[
    tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...])
]


class WandbSettings(BaseModel):
    """Which runs of Weights & Biases mirror ours; the key comes from WANDB_API_KEY alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str | None = Field(None, description="Project; the experiment's name when absent.")
    entity: str | None = Field(None, description="User or team; whose the key is when absent.")
    mode: Literal["offline", "online"] = Field(
        "offline", description="Offline keeps files in the workspace, for `wandb sync`."
    )
    group: str | None = Field(None, description="Group that the runs are shown in.")


Wandb = Annotated[
    WandbSettings | None,
    BeforeValidator(_as_block, json_schema_input_type=bool | WandbSettings | None),
]


def _tag(word: str) -> str:
    problem = problem_of_tag(word)
    if problem:
        raise PydanticCustomError("tag", "{problem}", {"problem": problem})
    return word


Tags = Annotated[
    tuple[Annotated[str, AfterValidator(_tag)], ...],
    BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...]),
]


class TrackingSettings(BaseModel):
    """Where runs are kept, and what they are found by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str | None = Field(
        None, description="MLflow tracking URI; SQLite in the workspace when absent."
    )
    artifacts: str | None = Field(
        None,
        description="Where files and models go if runs are in a database: s3://bucket/folder, or "
        "whatever MLflow takes; a folder in the workspace when absent.",
    )
    tags: Tags = Field(
        (), description="Words that every run gets: baseline, ablation, final, debugging, or any."
    )
    snapshot_mib: float = Field(
        64,
        ge=0,
        description="Up to this size in memory a copy of the table is kept in the workspace, once; "
        "0: never.",
    )
    wandb: Wandb = Field(
        None, description="Mirror runs to Weights & Biases: true (offline), or its settings."
    )
    tensorboard: bool = Field(False, description="Mirror runs to TensorBoard's event files.")
    mirrors: Mirrors = Field(
        (), description="Other mirrors: 'package.module:factory', or a name that a package offers."
    )
    autolog: bool = Field(
        False, description="Take over what your own learner logs with MLflow, and mlflow.autolog."
    )
