"""The `tracking` block of the experiment file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from assay.tracking.notes import problem_of_tag


def _tag(word: str) -> str:
    problem = problem_of_tag(word)
    if problem:
        raise PydanticCustomError("tag", "{problem}", {"problem": problem})
    return word


def _as_list(tags: Any) -> Any:
    return (tags,) if isinstance(tags, str) else tags


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
    tags: Tags = Field(
        (), description="Words that every run gets: baseline, ablation, final, debugging, or any."
    )
