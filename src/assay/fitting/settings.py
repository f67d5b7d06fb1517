"""The `training` block of the experiment file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import to_jsonable_python

from assay.training.settings import LoopSettings


class TrainingSettings(LoopSettings):
    """How the learner is fitted; what is no setting of every learner is for networks."""

    seeds: Literal["auto"] | Annotated[int, Field(ge=1, le=100)] = Field(
        "auto",
        description="auto or a number: repeats with other folds and model seeds; auto is 3 up to "
        "two million cells (rows x columns x classes), 1 above, and 1 of networks.",
    )
    deterministic: bool = Field(
        True,
        description="Whether torch must add in the same order each time: deterministic algorithms, "
        "no benchmarking by cuDNN.",
    )

    @property
    def of_the_loop(self) -> dict[str, Any]:
        """What is set of how networks are trained; what is not is up to the learner."""
        names = self.model_fields_set & set(LoopSettings.model_fields)
        return {name: getattr(self, name) for name in sorted(names)}

    @model_serializer(mode="wrap")
    def _without_what_is_up_to_the_learner(
        self, plain: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """The defaults of a loop are none of the learner's: they are told only where they are set.

        And then also where they are set to what is the default of most.
        """
        own = {k: v for k, v in plain(self).items() if k not in LoopSettings.model_fields}
        return {**own, **to_jsonable_python(self.of_the_loop)}
