"""Endings: every configuration is told of once, when it has come to its end."""

from __future__ import annotations

from collections.abc import Callable

from assay.tuning.leaderboard import Ranked
from assay.tuning.scores import Scores
from assay.tuning.trying import Trying


class Endings:
    """Tells of configurations that are complete, fell behind or failed.

    Args:
        trying: Tries them.
        scores: Measures them.
        tell: Told of each; before the ensemble is chosen, none has a weight.
    """

    def __init__(self, trying: Trying, scores: Scores, tell: Callable[[Ranked], None]) -> None:
        self._trying, self._scores, self._tell = trying, scores, tell
        self._told: set[int] = set()

    def tell(self) -> None:
        """Tell of those that have ended since."""
        for each in self._trying.configurations:
            if each.number not in self._told and self._trying.is_done(each):
                self._told.add(each.number)
                folds = self._trying.folds
                score = None if each.dropped else self._scores.of_configuration(each, folds)
                self._tell(
                    Ranked(
                        each.number, each.candidate, score, each.seconds, each.row_ms, 0.0,
                        each.dropped,
                    )
                )  # fmt: skip
