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
from assay.checks.as211_test_too_small import TestTooSmall
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.as303_mixed_types import MixedTypes
from assay.checks.as304_unit_mix_up import UnitMixUp
from assay.checks.as305_label_noise import LabelNoise
from assay.checks.as306_high_cardinality import HighCardinality
from assay.checks.as307_imbalance import Imbalance
from assay.checks.as308_missing_values import MissingValues
from assay.checks.as309_placeholder_value import PlaceholderValue
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
    TestTooSmall(),
    ConstantColumn(),
    IdLikeColumn(),
    MixedTypes(),
    UnitMixUp(),
    LabelNoise(),
    HighCardinality(),
    Imbalance(),
    MissingValues(),
    PlaceholderValue(),
)
CODES: tuple[str, ...] = tuple(check.code for check in CHECKS)
