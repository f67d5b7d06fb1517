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
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
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
    ConstantColumn(),
    IdLikeColumn(),
)
CODES: tuple[str, ...] = tuple(check.code for check in CHECKS)
