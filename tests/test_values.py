"""The small values: estimates, findings, predictions, errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import DataError
from assay.estimates import Estimate, aligned, significant
from assay.findings import Finding, Severity
from assay.predictions import Predictions


def test_an_estimate_prints_its_interval_to_the_same_decimals() -> None:
    assert str(Estimate(0.92834, 0.9251, 0.93149, n=100)) == "0.928 (0.925 to 0.931)"
    assert str(Estimate(1520.34, 1490.2, 1551.9, n=9)) == "1520 (1490 to 1552)"
    reason = "class yes has only 3 rows"
    assert (
        str(Estimate.without_interval(0.5, n=9, reason=reason)) == f"0.500 (no interval: {reason})"
    )


@pytest.mark.parametrize(
    ("low", "high", "excludes"), [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False)]
)
def test_a_difference_is_more_than_noise_when_its_interval_leaves_out_zero(
    low: float, high: float, excludes: bool
) -> None:
    assert Estimate(0.0, low, high, n=1).excludes_zero is excludes


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_numbers_are_written_without_exponent(value: float) -> None:
    text = significant(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=0.01, abs=1e-9)


def test_numbers_that_belong_together_have_the_same_decimals() -> None:
    assert aligned(0.5, 0.05, float("nan")) == ["0.500", "0.050", "nan"]


def test_a_finding_blocks_unless_it_is_accepted() -> None:
    given = {"code": "AS1", "title": "T.", "evidence": {}, "mend": "m"}
    assert Finding(severity=Severity.BLOCK, **given).blocks
    assert not Finding(severity=Severity.BLOCK, accepted="why", **given).blocks
    assert not Finding(severity=Severity.WARN, **given).blocks
    ranks = [severity.rank for severity in Severity]
    assert ranks == sorted(ranks)


def test_predictions_of_folds_join_in_the_order_of_rows() -> None:
    def part(rows: list[int]) -> Predictions:
        values = np.array(rows, dtype=float) * 10
        return Predictions(np.array(rows), values=values)

    whole = Predictions.concatenate([part([4, 1]), part([2, 0, 3])])
    assert whole.rows.tolist() == [0, 1, 2, 3, 4]
    assert whole.values.tolist() == [0, 10, 20, 30, 40]
    assert whole.take(whole.rows > 2).values.tolist() == [30, 40]


def test_an_error_survives_the_way_from_a_worker() -> None:
    error = DataError("What.", where="there", mend="this")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DataError
    assert str(again) == str(error)
