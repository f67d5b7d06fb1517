"""The leaderboard: what was tried, how good and how costly it is, and what it weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from assay.learners.candidates import Candidate
from assay.tuning.configurations import BEHIND, LATE

TABLE = "leaderboard"
"""Name of the table of a run."""


@dataclass(frozen=True)
class Ranked:
    """One configuration.

    Attributes:
        number: Counted from zero, in the order of their beginning.
        candidate: The configuration.
        score: Its metric out of fold; None if it was not fitted to all folds.
        fit_seconds: Time in its fits on folds, summed.
        predict_ms: Milliseconds that the prediction of a row takes among many.
        weight: Its share of the ensemble; zero for no member.
        reason: Why it has no score; else empty.
    """

    number: int
    candidate: Candidate
    score: float | None
    fit_seconds: float
    predict_ms: float
    weight: float
    reason: str = ""

    @property
    def state(self) -> str:
        """How it ended, as trials of other searches do: complete, pruned or failed."""
        if self.score is not None:
            return "complete"
        return "pruned" if self.reason in (BEHIND, LATE) else "failed"

    def as_dict(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "configuration": self.candidate.told,
            **self.candidate.model_dump(),
            "score": self.score,
            "fit_seconds": round(self.fit_seconds, 3),
            "predict_ms_per_row": round(self.predict_ms, 5),
            "weight": round(self.weight, 4),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Leaderboard:
    """All configurations, the best first, those without a score last.

    Attributes:
        metric: What the score is.
        rows: The configurations.
        ensemble: The score of the ensemble, by weights that no row chose for itself.
    """

    metric: str
    rows: tuple[Ranked, ...]
    ensemble: float

    @classmethod
    def of(
        cls, metric: str, rows: Sequence[Ranked], ensemble: float, *, greater_is_better: bool
    ) -> Leaderboard:
        """In order."""
        sign = -1.0 if greater_is_better else 1.0
        inf = float("inf")
        ordered = sorted(
            rows, key=lambda each: (inf if each.score is None else sign * each.score, each.number)
        )
        return cls(metric, tuple(ordered), ensemble)

    @property
    def n_members(self) -> int:
        """Models in the ensemble."""
        return sum(each.weight > 0 for each in self.rows)

    @property
    def n_scored(self) -> int:
        """Configurations that have a score."""
        return sum(each.score is not None for each in self.rows)

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "ensemble": self.ensemble,
            "configurations": [each.as_dict() for each in self.rows],
        }

    @property
    def table(self) -> pa.Table:
        """As a table of a run."""
        listed = [each.as_dict() for each in self.rows]
        names = [name for name in listed[0] if name != "options"]
        return pa.table({name: [each[name] for each in listed] for name in names})
