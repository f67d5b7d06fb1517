"""Encoding: whatever a table holds becomes complete numbers, by what training rows show alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import LearnerError
from assay.learners.encoding import GROUPS, Encoding, Target, fit_encoding
from assay.learners.trust import untrusted_types
from tests.tables import prepared

WORDS = ["sour", "sweet", "stale", "fresh", "cold", "warm"]


def rich(n: int = 120) -> Part:
    """Rows with a column of every kind."""
    random = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 500, n), unit="D")
    frame = pd.DataFrame(
        {
            "size": random.lognormal(size=n),
            "gaps": np.where(random.random(n) < 0.2, np.nan, random.normal(size=n)),
            "kind": random.choice(["red", "green", "blue"], n),
            "day": days,
            "said": [" ".join(random.choice(WORDS, 9)) + f" number {i}" for i in range(n)],
            "y": random.choice(["no", "yes"], n),
        }
    )
    settings = DataSettings(source="x", target="y", kinds={"said": "text", "gaps": "numeric"})
    return prepare(from_frame(frame), settings, "x").development


def test_every_kind_of_column_is_a_group_of_complete_numbers() -> None:
    part = rich()
    encoding = fit_encoding(part, 0)
    arrays = encoding.arrays(part.features)
    assert tuple(arrays) == GROUPS
    assert [arrays[group].dtype for group in GROUPS] == [np.float32, np.float32, np.int64]
    for group in GROUPS:
        assert arrays[group].shape == (len(part), encoding.widths[group])
        assert np.isfinite(arrays[group]).all()
    assert encoding.widths["numeric"] == 3  # two numbers and a day
    assert encoding.levels == (4,)


def test_numbers_are_about_standard_normal() -> None:
    part = prepared(Task.REGRESSION, 2000).development
    numbers = fit_encoding(part, 0).arrays(part.features)["numeric"]
    assert np.abs(np.median(numbers, axis=0)).max() < 0.1
    quartiles = np.quantile(numbers[:, 0], [0.25, 0.75])
    np.testing.assert_allclose(quartiles, [-0.674, 0.674], atol=0.05)


def test_a_missing_number_is_the_median_beside_an_indicator() -> None:
    part = rich()
    encoding = fit_encoding(part, 0)
    missing = part.features["gaps"].isna().to_numpy()
    arrays = encoding.arrays(part.features)
    np.testing.assert_array_equal(arrays["plain"][:, 0], missing)
    assert np.unique(arrays["numeric"][missing, 1]).size == 1
    assert abs(arrays["numeric"][missing, 1][0]) < 0.1


def test_missing_and_unknown_levels_are_code_zero_and_others_are_not() -> None:
    part = rich()
    features = part.features.head(3).assign(kind=["violet", np.nan, "red"])
    codes = fit_encoding(part, 0).arrays(features)["categories"][:, 0]
    assert codes[:2].tolist() == [0, 0]
    assert codes[2] > 0


def test_codes_stay_below_the_levels_also_where_training_rows_have_gaps() -> None:
    part = rich()
    kind = part.features["kind"].mask(np.arange(len(part)) % 7 == 0)
    given = Part(part.rows, part.features.assign(kind=kind), part.target, part.schema)
    encoding = fit_encoding(given, 0)
    codes = encoding.arrays(given.features)["categories"]
    assert encoding.levels == (codes.max() + 1,) == (4,)


def test_columns_that_are_missing_first_at_prediction_are_predicted() -> None:
    part = rich()
    encoding = fit_encoding(part, 0)
    features = part.features.assign(size=np.nan, day=np.nan, said="")
    assert all(np.isfinite(each).all() for each in encoding.arrays(features).values())


def test_a_row_is_encoded_the_same_alone_and_among_others() -> None:
    part = rich()
    encoding = fit_encoding(part, 0)
    together = encoding.arrays(part.features)
    alone = encoding.arrays(part.features.iloc[[5]])
    for group in GROUPS:
        np.testing.assert_allclose(alone[group][0], together[group][5], rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_bits() -> None:
    part = rich()
    with threadpool_limits(1):
        first, second = (fit_encoding(part, 3).arrays(part.features) for _ in range(2))
    for group in GROUPS:
        np.testing.assert_array_equal(first[group], second[group])


def test_only_training_rows_are_looked_at() -> None:
    part = rich()
    train = part.take(np.arange(60))
    encoding = fit_encoding(train, 0)
    far = part.features.iloc[60:].assign(size=1e6)
    assert (encoding.arrays(far)["numeric"][:, 0] < 6).all()  # no larger than the largest seen


def test_what_is_fitted_is_saved_without_pickle_and_comes_back_bit_for_bit(
    tmp_path: Path,
) -> None:
    part = rich()
    encoding = fit_encoding(part, 0)
    encoding.save(tmp_path)
    assert [untrusted_types(each) for each in tmp_path.glob("*.skops")] == [[]]
    again = Encoding.load(tmp_path)
    assert again.levels == encoding.levels
    for group in GROUPS:
        np.testing.assert_array_equal(
            again.arrays(part.features)[group], encoding.arrays(part.features)[group]
        )


@pytest.mark.parametrize("task", list(Task))
def test_what_is_known_of_the_target_goes_through_json(task: Task) -> None:
    target = Target.of(prepared(task).development)
    assert Target.from_dict(json.loads(json.dumps(target.as_dict()))) == target


def test_a_table_without_a_value_says_what_to_do() -> None:
    part = prepared(Task.BINARY).development
    empty = part.features.astype(object).mask(np.ones(part.features.shape, dtype=bool))
    empty = empty.astype(dict.fromkeys(("a", "b", "c", "whole"), float))
    with pytest.raises(LearnerError, match="No feature has a value") as raised:
        fit_encoding(Part(part.rows, empty, part.target, part.schema), 0)
    assert "data.kinds" in str(raised.value)


def test_values_are_standardised_and_come_back() -> None:
    part = prepared(Task.REGRESSION).development
    target = Target.of(part)
    encoded = target.encoded(part.known_target)
    assert encoded.dtype == np.float32
    assert abs(encoded.mean()) < 1e-5
    assert abs(encoded.std() - 1) < 1e-5
    given = target.predictions(encoded).values
    np.testing.assert_allclose(given, part.known_target, rtol=1e-4, atol=1e-4)


def test_weights_count_when_values_are_standardised() -> None:
    part = prepared(Task.REGRESSION).development
    first = (np.arange(len(part)) < 50).astype(float)
    target = Target.of(Part(part.rows, part.features, part.target, part.schema, first))
    assert target.center == pytest.approx(np.mean(part.known_target[:50]))


@pytest.mark.parametrize("values", [np.full(9, 7.0), np.full(9, 1e300)], ids=["seven", "huge"])
def test_a_constant_target_stays_what_it_is(values: np.ndarray[Any, Any]) -> None:
    part = prepared(Task.REGRESSION).development.take(np.arange(9))
    target = Target.of(Part(part.rows, part.features, values, part.schema))
    np.testing.assert_allclose(target.predictions(target.encoded(values)).values, values)


def test_a_class_that_training_rows_lack_has_probability_zero() -> None:
    part = prepared(Task.MULTICLASS).development
    seen = part.take(part.known_target != "high")
    target = Target.of(seen)
    assert target.n_outputs == 2
    assert set(target.encoded(seen.known_target)) == {0, 1}
    assert not target.known(part).all()
    given = target.predictions(np.array([[0.25, 0.75]])).probabilities
    assert given.tolist() == [[0.0, 0.25, 0.75]]


@pytest.mark.parametrize("kind", [list, tuple])
def test_probabilities_sum_to_one_in_double_precision(kind: Callable[[Any], Any]) -> None:
    target = Target(kind(["a", "b", "c"]), (0, 1, 2))
    given = np.random.default_rng(0).dirichlet(np.ones(3), 50).astype(np.float32)
    sums = target.predictions(given).probabilities.sum(axis=1)
    np.testing.assert_allclose(sums, 1, rtol=1e-15)
