"""Early stopping: the best evaluation so far, and how many there were since."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Stopping:
    """Judges evaluations.

    Attributes:
        patience: Evaluations without improvement after which to stop; None: never.
        min_improvement: What counts as improvement.
        greater_is_better: Which way the metric goes.
        best: The best value so far.
        best_step: Its step; -1 before the first.
        waited: Evaluations since.
    """

    patience: int | None
    min_improvement: float = 0.0
    greater_is_better: bool = False
    best: float = math.nan
    best_step: int = -1
    waited: int = 0

    def judge(self, value: float, step: int) -> bool:
        """Whether this is the best so far; NaN never is, unless there was nothing better."""
        gain = value - self.best if self.greater_is_better else self.best - value
        if self.best_step < 0 or (math.isnan(self.best) and not math.isnan(value)):
            is_better = True
        else:
            is_better = gain > self.min_improvement
        if is_better:
            self.best, self.best_step, self.waited = value, step, 0
        else:
            self.waited += 1
        return is_better

    @property
    def is_enough(self) -> bool:
        """Whether to stop."""
        return self.patience is not None and self.waited >= self.patience

    def forget(self) -> None:
        """Nothing was best so far."""
        self.best, self.best_step, self.waited = math.nan, -1, 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {name: asdict(self)[name] for name in ("best", "best_step", "waited")}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best, self.best_step, self.waited = state["best"], state["best_step"], state["waited"]
