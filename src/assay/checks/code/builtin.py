"""The checks of code that Assay runs, in an explicit list."""

from __future__ import annotations

from assay.checks.code.as701_fit_outside_split import FitOutsideSplit
from assay.checks.code.as702_sampling_before_split import SamplingBeforeSplit
from assay.checks.code.as703_selection_on_all_rows import SelectionOnAllRows
from assay.checks.code.as704_statistics_of_all_rows import StatisticsOfAllRows
from assay.checks.code.as705_target_encoding_on_all_rows import TargetEncodingOnAllRows
from assay.checks.code.as706_evaluation_mode import EvaluationMode
from assay.checks.code.as707_gradients_kept import GradientsKept
from assay.checks.code.as708_scheduler_step import SchedulerStep
from assay.checks.code.as709_epoch_not_set import EpochNotSet
from assay.checks.code.as710_checkpoint_incomplete import CheckpointIncomplete
from assay.checks.code.as711_no_seed import NoSeed
from assay.checks.code.as712_shuffled_time import ShuffledTime
from assay.checks.code.as713_absolute_path import AbsolutePath
from assay.checks.code.as714_scaler_per_epoch import ScalerPerEpoch
from assay.checks.code.as715_evaluation_on_training_rows import EvaluationOnTrainingRows
from assay.checks.code.as716_test_stops_training import TestStopsTraining
from assay.checks.code.as717_chosen_on_test import ChosenOnTest
from assay.checks.code.base import CodeCheck

CODE_CHECKS: tuple[CodeCheck, ...] = (
    FitOutsideSplit(),
    SamplingBeforeSplit(),
    SelectionOnAllRows(),
    StatisticsOfAllRows(),
    TargetEncodingOnAllRows(),
    EvaluationMode(),
    GradientsKept(),
    SchedulerStep(),
    EpochNotSet(),
    CheckpointIncomplete(),
    NoSeed(),
    ShuffledTime(),
    AbsolutePath(),
    ScalerPerEpoch(),
    EvaluationOnTrainingRows(),
    TestStopsTraining(),
    ChosenOnTest(),
)
CODES: tuple[str, ...] = ("AS700", *(check.code for check in CODE_CHECKS))
