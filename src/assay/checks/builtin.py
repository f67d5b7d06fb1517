"""The checks that Assay runs, in an explicit list."""

from __future__ import annotations

from assay.checks.as101_single_feature_leak import SingleFeatureLeak
from assay.checks.as102_target_copy import TargetCopy
from assay.checks.as103_text_gives_target import TextGivesTarget
from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.as202_undeclared_groups import UndeclaredGroups
from assay.checks.as203_undeclared_time_order import UndeclaredTimeOrder
from assay.checks.as204_declared_role_across_parts import DeclaredRoleAcrossParts
from assay.checks.as205_repeated_texts import RepeatedTexts
from assay.checks.as206_near_duplicates_across_parts import NearDuplicatesAcrossParts
from assay.checks.as207_oversampled_before_split import OversampledBeforeSplit
from assay.checks.as208_conflicting_labels import ConflictingLabels
from assay.checks.as212_evaluated_on_training_rows import EvaluatedOnTrainingRows
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.base import Check

CHECKS: tuple[Check, ...] = (
    SingleFeatureLeak(),
    TargetCopy(),
    TextGivesTarget(),
    DuplicatesAcrossParts(),
    UndeclaredGroups(),
    UndeclaredTimeOrder(),
    DeclaredRoleAcrossParts(),
    RepeatedTexts(),
    NearDuplicatesAcrossParts(),
    OversampledBeforeSplit(),
    ConflictingLabels(),
    EvaluatedOnTrainingRows(),
    ConstantColumn(),
    IdLikeColumn(),
)
CODES: tuple[str, ...] = tuple(check.code for check in CHECKS)
