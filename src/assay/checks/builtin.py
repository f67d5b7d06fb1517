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
from assay.checks.as209_fitted_on_all_rows import FittedOnAllRows
from assay.checks.as210_selected_on_all_rows import SelectedOnAllRows
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.as311_schema_change import SchemaChange
from assay.checks.as312_new_categories import NewCategories
from assay.checks.as313_covariate_drift import CovariateDrift
from assay.checks.as314_concept_drift import ConceptDrift
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
    FittedOnAllRows(),
    SelectedOnAllRows(),
    ConstantColumn(),
    IdLikeColumn(),
    SchemaChange(),
    NewCategories(),
    CovariateDrift(),
    ConceptDrift(),
)
CODES: tuple[str, ...] = tuple(check.code for check in CHECKS)
