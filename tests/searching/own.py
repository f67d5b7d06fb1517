"""Learners of somebody's own for tests of searching: one that fails, one that takes its time."""

from __future__ import annotations

import time
from typing import Any

from sklearn.linear_model import LogisticRegression


class Moody(LogisticRegression):
    """Fails where it is told to."""

    def __init__(self, C: float = 1.0, mood: str = "good") -> None:
        super().__init__(C=C)
        self.mood = mood

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Moody:
        if self.mood == "bad":
            raise ValueError("in a bad mood: password=hush")
        if self.mood == "slow":
            time.sleep(0.4)
        super().fit(X, y, sample_weight)
        return self


def moody(C: float = 1.0, mood: str = "good") -> Moody:
    """Made by name, with these options."""
    return Moody(C, mood)
