"""Greedy selection: weights that sum to one, and are never worse than the best alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.learners.selection import Errors, averaged, selected, selection
from assay.predictions import Predictions


def drawn(seed: int, m: int, n: int, *, of_classes: bool) -> Errors:
    random = np.random.default_rng(seed)
    spread = random.uniform(0.7, 1.5, size=(m, 1))
    values = random.normal(size=(m, n)) * spread + random.normal(size=n) / 3
    if of_classes:
        values = 1 / (1 + np.exp(-1 - values))
    return Errors(values, of_classes, random.uniform(0.5, 2, size=n))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.booleans(), st.integers(1, 4))
def test_weights_sum_to_one_and_beat_the_best_alone(
    seed: int, m: int, of_classes: bool, most: int
) -> None:
    errors = drawn(seed, m, 60, of_classes=of_classes)
    weights = selected(errors, most)
    assert weights.shape == (m,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    assert 1 <= (weights > 0).sum() <= most
    assert errors.losses(weights @ errors.values) <= errors.alone.min() + 1e-12


@pytest.mark.parametrize("of_classes", [True, False])
def test_candidates_that_were_never_touched_make_no_difference(of_classes: bool) -> None:
    errors = drawn(3, 30, 200, of_classes=of_classes)
    whole = selection(errors)
    assert 1 < whole.touched.sum() < 30
    fewer = Errors(errors.values[whole.touched], of_classes, errors.weights)
    np.testing.assert_array_equal(selected(fewer), whole.weights[whole.touched])


def test_squared_errors_by_products_are_those_of_the_average() -> None:
    errors = drawn(1, 4, 50, of_classes=False)
    weights = selected(errors, steps=2)
    pairs = [
        errors.losses((errors.values[first] + errors.values[second]) / 2)
        for first in range(4)
        for second in [int(np.argmin(errors.alone))]
    ]
    assert errors.losses(weights @ errors.values) == pytest.approx(min(*pairs, errors.alone.min()))


def test_the_average_by_hand() -> None:
    rows, classes = np.arange(2), np.array(["a", "b"])
    first = Predictions(rows, probabilities=np.array([[0.2, 0.8], [1, 0]]), classes=classes)
    second = Predictions(rows, probabilities=np.array([[0.6, 0.4], [0, 1]]), classes=classes)
    said = averaged([first, second], np.array([0.25, 0.75]))
    np.testing.assert_allclose(said.probabilities, [[0.5, 0.5], [0.25, 0.75]])
