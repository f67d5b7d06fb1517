"""The checks that Assay runs, in an explicit list."""

from __future__ import annotations

from assay.checks.as101_single_feature_leak import SingleFeatureLeak
from assay.checks.as102_target_copy import TargetCopy
from assay.checks.as103_text_gives_target import TextGivesTarget
from assay.checks.as104_missing_tells_target import MissingTellsTarget
from assay.checks.as105_encoded_on_all_rows import EncodedOnAllRows
from assay.checks.as106_order_tells_target import OrderTellsTarget
from assay.checks.as107_joint_leak import JointLeak
from assay.checks.as108_future_feature import FutureFeature
from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.as202_undeclared_groups import UndeclaredGroups
from assay.checks.as203_undeclared_time_order import UndeclaredTimeOrder
from assay.checks.as204_declared_role_across_parts import DeclaredRoleAcrossParts
from assay.checks.as205_repeated_texts import RepeatedTexts
from assay.checks.as206_near_duplicates_across_parts import NearDuplicatesAcrossParts
from assay.checks.as207_oversampled_before_split import OversampledBeforeSplit
from assay.checks.as208_conflicting_labels import ConflictingLabels
from assay.checks.as209_fitted_on_all_rows import FittedOnAllRows
from assay.checks.as210_selected_on_all_rows import SelectedOnAllRows
from assay.checks.as211_test_too_small import TestTooSmall
from assay.checks.as212_evaluated_on_training_rows import EvaluatedOnTrainingRows
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.as303_mixed_types import MixedTypes
from assay.checks.as304_unit_mix_up import UnitMixUp
from assay.checks.as305_label_noise import LabelNoise
from assay.checks.as306_high_cardinality import HighCardinality
from assay.checks.as307_imbalance import Imbalance
from assay.checks.as308_missing_values import MissingValues
from assay.checks.as309_placeholder_value import PlaceholderValue
from assay.checks.as311_schema_change import SchemaChange
from assay.checks.as312_new_categories import NewCategories
from assay.checks.as313_covariate_drift import CovariateDrift
from assay.checks.as314_concept_drift import ConceptDrift
from assay.checks.as601_test_used_for_tuning import TuningByTest
from assay.checks.as602_stale_test_set import StaleTestSet
from assay.checks.as603_single_seed_claim import SingleSeedClaim
from assay.checks.as604_gain_inside_noise import GainInsideNoise
from assay.checks.as605_metric_direction import MetricDirection
from assay.checks.as606_accuracy_of_rare_class import AccuracyOfRareClass
from assay.checks.as607_miscalibrated import Miscalibrated
from assay.checks.as608_weak_segment_of_predictions import WeakSegmentOfPredictions
from assay.checks.as609_no_baseline import NoBaseline
from assay.checks.as610_training_rows_reported import TrainingRowsReported
from assay.checks.as611_unwatched_training import UnwatchedTraining
from assay.checks.as612_absolute_path import AbsolutePath
from assay.checks.as613_single_metric import SingleMetric
from assay.checks.base import Check

CHECKS: tuple[Check, ...] = (
    SingleFeatureLeak(),
    TargetCopy(),
    TextGivesTarget(),
    MissingTellsTarget(),
    EncodedOnAllRows(),
    OrderTellsTarget(),
    JointLeak(),
    FutureFeature(),
    DuplicatesAcrossParts(),
    UndeclaredGroups(),
    UndeclaredTimeOrder(),
    DeclaredRoleAcrossParts(),
    RepeatedTexts(),
    NearDuplicatesAcrossParts(),
    OversampledBeforeSplit(),
    ConflictingLabels(),
    FittedOnAllRows(),
    SelectedOnAllRows(),
    TestTooSmall(),
    EvaluatedOnTrainingRows(),
    ConstantColumn(),
    IdLikeColumn(),
    MixedTypes(),
    UnitMixUp(),
    LabelNoise(),
    HighCardinality(),
    Imbalance(),
    MissingValues(),
    PlaceholderValue(),
    SchemaChange(),
    NewCategories(),
    CovariateDrift(),
    ConceptDrift(),
    TuningByTest(),
    StaleTestSet(),
    SingleSeedClaim(),
    GainInsideNoise(),
    MetricDirection(),
    AccuracyOfRareClass(),
    Miscalibrated(),
    WeakSegmentOfPredictions(),
    NoBaseline(),
    TrainingRowsReported(),
    UnwatchedTraining(),
    AbsolutePath(),
    SingleMetric(),
)
CODES: tuple[str, ...] = tuple(check.code for check in CHECKS)
