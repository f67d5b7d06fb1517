"""Steps fitted on all rows are told from those fitted on training rows, by their statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assay.checks.as209_fitted_on_all_rows import FittedOnAllRows
from assay.checks.as210_selected_on_all_rows import SelectedOnAllRows
from assay.data.schema import Task
from assay.findings import Severity
from tests.checks.preparing import (
    NUMBERS,
    Fit,
    by_quartiles,
    components,
    fill_mean,
    fill_median,
    noise,
    prepared_by,
    standardise,
    to_range,
)
from tests.contracts.handed import look_at, view_of_handed
from tests.tables import table

CHECK = FittedOnAllRows()


@pytest.mark.parametrize("fit", [standardise, by_quartiles, components])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_way_of_scaling_is_found_with_its_columns(fit: Fit, seed: int) -> None:
    [finding] = look_at(CHECK, prepared_by(fit, Task.BINARY, on_all=True, seed=seed))
    assert finding.severity is Severity.WARN
    assert set(finding.columns) == set(NUMBERS)
    assert finding.evidence["probability of that by chance"] <= 1e-4
    assert look_at(CHECK, prepared_by(fit, Task.BINARY, on_all=False, seed=seed)) == []


def test_ends_of_a_range_are_found_where_a_test_row_is_at_one() -> None:
    found = 0
    for seed in range(12):
        handed = prepared_by(to_range, Task.BINARY, on_all=True, seed=seed)
        is_short = (handed.train[NUMBERS].min() > 0) | (handed.train[NUMBERS].max() < 1)
        findings = look_at(CHECK, handed)
        assert bool(findings) == bool(is_short.any())
        found += len(findings)
        for finding in findings:
            assert finding.columns == tuple(NUMBERS)
        assert look_at(CHECK, prepared_by(to_range, Task.BINARY, on_all=False, seed=seed)) == []
    assert found >= 8


def test_rounding_after_scaling_hides_nothing() -> None:
    handed = prepared_by(standardise, Task.BINARY, on_all=True, n=2000)
    rounded = replace(handed, train=handed.train.round(3), test=handed.test.round(3))
    [finding] = look_at(CHECK, rounded)
    assert set(finding.columns) == set(NUMBERS)
    honest = prepared_by(standardise, Task.BINARY, on_all=False, n=2000)
    assert look_at(CHECK, replace(honest, train=honest.train.round(3))) == []


def test_single_precision_hides_nothing() -> None:
    handed = prepared_by(standardise, Task.BINARY, on_all=True)
    types = dict.fromkeys(NUMBERS, "float32")
    [finding] = look_at(CHECK, replace(handed, train=handed.train.astype(types)))
    assert set(finding.columns) == set(NUMBERS)


def test_test_rows_scaled_by_themselves_are_found() -> None:
    handed = prepared_by(standardise, Task.BINARY, on_all=False)
    own = handed.test.copy()
    own[NUMBERS] = standardise(own[NUMBERS])(own[NUMBERS])
    [finding] = look_at(CHECK, replace(handed, test=own))
    assert finding.severity is Severity.WARN
    assert "test rows by themselves" in finding.title
    assert set(finding.columns) == set(NUMBERS)


def test_a_balanced_plan_is_no_scaling() -> None:
    random = np.random.default_rng(0)
    plan = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 0, 1) for c in (-1, 1)] * 50)
    frame = pd.DataFrame(random.permutation(plan), columns=["p", "q", "r"])
    frame["y"] = np.where(random.random(len(frame)) < 0.5, "yes", "no")
    handed = prepared_by(standardise, Task.BINARY, on_all=False)
    planned = replace(handed, train=frame.iloc[:420], test=frame.iloc[420:].reset_index(drop=True))
    assert look_at(CHECK, planned) == []


def test_fillings_are_found_without_and_with_the_rows_before() -> None:
    for fit, what in ((fill_mean, "mean"), (fill_median, "median")):
        handed = prepared_by(fit, Task.BINARY, on_all=True, n=2400)
        before = table(Task.BINARY, n=2400)
        [finding] = look_at(CHECK, replace(handed, given={"before": before}))
        assert finding.columns == ("b",)
        assert what in finding.title
        [alone] = look_at(CHECK, handed)
        assert alone.columns == ("b",)
        assert alone.severity is (Severity.WARN if fit is fill_mean else Severity.ASK)
        honest = prepared_by(fit, Task.BINARY, on_all=False, n=2400)
        assert look_at(CHECK, honest) == []
        assert look_at(CHECK, replace(honest, given={"before": before})) == []


def test_the_commonest_category_is_found_where_training_has_another() -> None:
    frame = table(Task.BINARY, n=600).drop(columns=["b"])
    frame["kind"] = ["red"] * 200 + ["blue"] * 190 + ["red"] * 20 + ["blue"] * 10 + ["blue"] * 180
    frame.loc[::12, "kind"] = None
    filled = frame.fillna({"kind": frame["kind"].mode()[0]})
    assert frame["kind"].mode()[0] == "blue"
    assert frame["kind"].iloc[:420].mode()[0] == "red"
    handed = prepared_by(standardise, Task.BINARY, on_all=False)
    parts = filled.iloc[:420], filled.iloc[420:].reset_index(drop=True)
    both = replace(handed, train=parts[0], test=parts[1], given={"before": frame})
    [finding] = look_at(CHECK, both)
    assert finding.columns == ("kind",)
    assert "commonest value" in finding.title


def test_of_a_table_that_came_undivided_it_is_a_note() -> None:
    view = view_of_handed(prepared_by(standardise, Task.BINARY, on_all=True))
    assert view.test is not None
    ours = replace(view, given=None, test=replace(view.test, target=None))
    [finding] = CHECK(ours, {})
    assert finding.severity is Severity.NOTE


def test_selection_says_what_it_cost() -> None:
    [finding] = look_at(SelectedOnAllRows(), noise(Task.BINARY, on_all=True))
    assert finding.severity is Severity.WARN
    assert len(finding.columns) == 12
    assert finding.evidence["share of them among the best by all rows"] == 1
    assert finding.evidence["among the best by training rows"] < 1
    assert "ridge regression" in str(finding.effect)
