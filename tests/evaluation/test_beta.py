"""Beta calibration: the regression that was published, in scikit-learn's parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from assay.evaluation.beta import fit_beta
from assay.evaluation.replay import recalibrated, replayed

LABELS = np.array(["no", "yes"])


def fitted(positive: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None):
    stand_in = replayed(LABELS, np.column_stack([1 - positive, positive]), None)
    return fit_beta(stand_in, LABELS[truth], weights)


def said(calibrator, positive: np.ndarray) -> np.ndarray:
    both = np.column_stack([1 - positive, positive])
    return recalibrated(calibrator, LABELS, both, None)[:, 1]


def drawn(n: int, a: float, b: float, c: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and a truth to which this beta calibration leads."""
    random = np.random.default_rng(seed)
    positive = random.beta(0.8, 1.2, size=n).clip(1e-4, 1 - 1e-4)
    true = 1 / (1 + np.exp(-(a * np.log(positive) - b * np.log1p(-positive) + c)))
    return positive, (random.random(n) < true).astype(int)


def best(positive: np.ndarray, truth: np.ndarray, least: float | None) -> np.ndarray:
    """What maximises the likelihood, with both slopes at least this."""
    parts = np.column_stack([np.log(positive), -np.log1p(-positive), np.ones(len(positive))])

    def loss(slopes: np.ndarray) -> float:
        return float(np.logaddexp(0, np.where(truth == 1, -1, 1) * (parts @ slopes)).mean())

    bounds = [(least, None), (least, None), (None, None)]
    found = minimize(loss, [1.0, 1.0, 0.0], bounds=bounds, method="L-BFGS-B", tol=1e-12)
    return 1 / (1 + np.exp(-(parts @ found.x)))


@pytest.mark.parametrize("law", [(1.0, 1.0, 0.0), (0.4, 2.0, 0.5), (2.0, 0.3, -1.0)])
def test_it_is_the_likeliest_beta_calibration(law: tuple[float, float, float]) -> None:
    positive, truth = drawn(3000, *law)
    calibrated = said(fitted(positive, truth), positive)
    np.testing.assert_allclose(calibrated, best(positive, truth, None), atol=1e-4)
    a, b, c = law
    true = 1 / (1 + np.exp(-(a * np.log(positive) - b * np.log1p(-positive) + c)))
    assert np.abs(calibrated - true).mean() < 0.03


@pytest.mark.parametrize("law", [(-0.5, 1.5, 0.0), (1.5, -0.5, 0.0)])
def test_it_never_turns_the_order_round(law: tuple[float, float, float]) -> None:
    positive, truth = drawn(3000, *law)
    calibrator = fitted(positive, truth)
    rising = said(calibrator, np.linspace(0, 1, 201))
    assert (np.diff(rising) >= 0).all()
    np.testing.assert_allclose(said(calibrator, positive), best(positive, truth, 0.0), atol=1e-4)


def test_certainty_stays_a_probability() -> None:
    positive, truth = drawn(500, 1.0, 1.0, 0.0)
    calibrated = said(fitted(positive, truth), np.array([0.0, 1.0]))
    assert 0 < calibrated[0] < 0.01
    assert 0.99 < calibrated[1] < 1
