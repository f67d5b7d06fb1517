"""Checks of preparation and drift keep the contract of evidence that is handed over."""

from __future__ import annotations

from dataclasses import replace

from assay.checks.as209_fitted_on_all_rows import FittedOnAllRows
from assay.checks.as210_selected_on_all_rows import SelectedOnAllRows
from assay.checks.as311_schema_change import SchemaChange
from assay.checks.as312_new_categories import NewCategories
from assay.checks.as313_covariate_drift import CovariateDrift
from assay.checks.as314_concept_drift import ConceptDrift
from assay.data.schema import Task
from tests.checks.preparing import noise, prepared_by, standardise, turned
from tests.contracts.handed import Handed, HandedContract, parted
from tests.tables import table


class TestFittedOnAllRows(HandedContract):
    check = FittedOnAllRows()

    def honest(self, task: Task) -> Handed:
        return prepared_by(standardise, task, on_all=False)

    def planted(self, task: Task) -> Handed:
        return prepared_by(standardise, task, on_all=True)


class TestSelectedOnAllRows(HandedContract):
    check = SelectedOnAllRows()

    def honest(self, task: Task) -> Handed:
        return noise(task, on_all=False)

    def planted(self, task: Task) -> Handed:
        return noise(task, on_all=True)


class TestSchemaChange(HandedContract):
    check = SchemaChange()

    def planted(self, task: Task) -> Handed:
        whole = parted(table(task, n=600))
        return replace(whole, test=whole.test.rename(columns={"a": "A"}))


class TestNewCategories(HandedContract):
    check = NewCategories()

    def planted(self, task: Task) -> Handed:
        whole = parted(table(task, n=600))
        test = whole.test.copy()
        test.loc[:19, "kind"] = "violet"
        return replace(whole, test=test)


class TestCovariateDrift(HandedContract):
    check = CovariateDrift()

    def planted(self, task: Task) -> Handed:
        whole = parted(table(task, n=1200))
        return replace(whole, test=whole.test.assign(c=whole.test["c"] + 0.5))


class TestConceptDrift(HandedContract):
    check = ConceptDrift()

    def planted(self, task: Task) -> Handed:
        return turned(task)
