"""A model that is slow, large and hungry, so that gates have something to refuse."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import validate_data

SLEEPS_S = 0.1
BALLAST_MIB = 6
HUNGER_MIB = 300
EATEN: list[np.ndarray] = []


class Costly(LogisticRegression):
    """Sleeps over single rows, takes memory over many, and saves ballast."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        self.ballast_ = np.random.default_rng(0).random(BALLAST_MIB << 17)
        return self

    def predict_proba(self, X: Any) -> Any:
        n = len(validate_data(self, X, reset=False))
        if n == 1:
            time.sleep(SLEEPS_S)
        if n == 1000 and not EATEN:
            EATEN.append(np.ones(HUNGER_MIB << 17))
        return super().predict_proba(X)
