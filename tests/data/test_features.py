"""Features: any way to say a value gives the same cell, in training and where the model serves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.data.features import feature_frame

KINDS = {"n": "numeric", "d": "datetime", "c": "categorical"}


def test_a_value_reads_the_same_whatever_its_type() -> None:
    as_text = pd.DataFrame({"n": ["1", "2.5"], "d": ["1970-01-02", "1970-01-11"], "c": ["1", "x"]})
    typed = pd.DataFrame({"n": [1, 2.5], "d": pd.to_datetime(as_text["d"]), "c": [1.0, "x"]})
    pd.testing.assert_frame_equal(feature_frame(as_text, KINDS), feature_frame(typed, KINDS))
    assert feature_frame(typed, KINDS)["d"].tolist() == [1.0, 10.0]


def test_gaps_of_every_kind_are_nan() -> None:
    frame = pd.DataFrame({"n": [None, 1], "d": [None, "2026-01-01"], "c": ["", None]})
    features = feature_frame(frame, KINDS)
    assert features.isna().to_numpy().tolist() == [[True, True, True], [False, False, True]]


def test_columns_come_in_the_order_of_the_model() -> None:
    frame = pd.DataFrame({"c": ["x"], "extra": [0], "n": [1], "d": ["2026-01-01"]}, index=[7])
    features = feature_frame(frame, KINDS)
    assert list(features.columns) == list(KINDS)
    assert features.index.tolist() == [0]


def test_truth_values_are_numbers_or_words() -> None:
    frame = pd.DataFrame({"a": [True, False]})
    assert feature_frame(frame, {"a": "numeric"})["a"].tolist() == [1.0, 0.0]
    assert feature_frame(frame, {"a": "categorical"})["a"].tolist() == ["true", "false"]


def test_times_with_zones_are_instants() -> None:
    frame = pd.DataFrame({"d": pd.to_datetime(["1970-01-02T01:00+01:00"])})
    assert feature_frame(frame, {"d": "datetime"})["d"].tolist() == [1.0]


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="columns are missing: d, c"):
        feature_frame(pd.DataFrame({"n": [1]}), KINDS)
    with pytest.raises(ValueError, match="column 'n' is numeric, but"):
        feature_frame(pd.DataFrame({"n": ["many"]}), {"n": "numeric"})


@pytest.mark.parametrize(
    "values", [pd.to_datetime(["2026-01-01"]), pd.to_timedelta(["1s"]), np.array([1 + 2j])]
)
def test_what_only_looks_like_a_number_is_none(values: object) -> None:
    with pytest.raises(ValueError, match="column 'n' is numeric, but its values are of type"):
        feature_frame(pd.DataFrame({"n": values}), {"n": "numeric"})
    empty = pd.DataFrame({"n": pd.Series([pd.NaT], dtype="datetime64[ns]")})
    assert feature_frame(empty, {"n": "numeric"})["n"].isna().all()


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y"])
def test_dates_that_are_whole_numbers_may_miss(form: str) -> None:
    days = pd.date_range("2026-01-01", periods=3, freq="YS")
    numbers = days.strftime(form).astype(int)
    whole = feature_frame(pd.DataFrame({"d": numbers}), {"d": f"datetime {form}"})["d"]
    gap = pd.DataFrame({"d": [*numbers.astype(float), np.nan]})
    read = feature_frame(gap, {"d": f"datetime {form}"})["d"]
    assert read[:3].tolist() == whole.tolist() == [20454.0, 20819.0, 21184.0]
    assert np.isnan(read[3])


def test_nothing_is_a_frame_too() -> None:
    assert feature_frame(pd.DataFrame({"n": []}), {"n": "numeric"}).shape == (0, 1)
    assert np.isnan(feature_frame(pd.DataFrame({"n": [None]}), {"n": "numeric"})["n"][0])
