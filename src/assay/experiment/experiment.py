"""The experiment: everything that a run is asked to do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from assay.checks.settings import ChecksSettings
from assay.data.settings import DataSettings
from assay.evaluation.settings import EvaluationSettings
from assay.fitting.settings import TrainingSettings
from assay.inference.settings import PredictionSettings
from assay.learners.settings import ModelSettings
from assay.registry.settings import RegistrySettings
from assay.tracking.settings import TrackingSettings
from assay.tuning.settings import TuningSettings


class Experiment(BaseModel):
    """From a table to a model: the data, the learner, and how both are judged and kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(None, min_length=1, description="Name; that of the file when absent.")
    data: DataSettings = Field(description="The table and what is predicted from it.")
    model: ModelSettings = Field(description="The learner.")
    training: TrainingSettings = Field(TrainingSettings(), description="How it is fitted.")
    tuning: TuningSettings = Field(TuningSettings(), description="What `assay tune` searches.")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="How it is judged.")
    prediction: PredictionSettings = Field(
        PredictionSettings(), description="What is done about odd rows when it predicts."
    )
    checks: ChecksSettings = Field(ChecksSettings(), description="Findings that are accepted.")
    tracking: TrackingSettings = Field(TrackingSettings(), description="Where runs are kept.")
    registry: RegistrySettings = Field(
        RegistrySettings(), description="How models are named, and what promotes them."
    )
