"""A learner of which a search can choose nothing but luck."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.linear_model import LogisticRegression


class Lucky(LogisticRegression):
    """Goes by weights that were drawn, whatever it is taught."""

    def __init__(self, draw: int = 0) -> None:
        super().__init__()
        self.draw = draw

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        self.coef_ = np.random.default_rng(self.draw).normal(size=self.coef_.shape)
        return self


def lucky(draw: int = 0) -> Lucky:
    """Made by name, with this option."""
    return Lucky(draw)
