"""Methods: how the next settings are chosen, and what ends a trial that falls behind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from assay.tuning.objective import FOLD_STEP

if TYPE_CHECKING:
    import optuna

Sampler = Literal["tpe", "random", "cma-es", "quasi-random"]
Pruner = Literal["median", "hyperband", "wilcoxon", "none"]
STARTUP_TRIALS = 5
WARMUP_STEPS = 3
_STARTUP_SAMPLES = 10
_KINDS = 2**31


@dataclass(frozen=True)
class Methods:
    """How to search.

    Attributes:
        sampler: How settings are chosen.
        pruner: What ends trials that fall behind.
        seed: Of all choices.
    """

    sampler: Sampler = "tpe"
    pruner: Pruner = "median"
    seed: int = 0

    def sampler_of(self, number: int) -> optuna.samplers.BaseSampler:
        """The sampler of the trial of a number: it chooses by the seed, this and earlier trials.

        So a search that was interrupted goes on as if it had not been.
        """
        import optuna

        seed = (self.seed * 1_000_003 + number) % _KINDS
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if self.sampler == "random":
                return optuna.samplers.RandomSampler(seed=seed)
            if self.sampler == "cma-es":
                return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=_STARTUP_SAMPLES)
            if self.sampler == "quasi-random":  # its place in the sequence is the trial's number
                return optuna.samplers.QMCSampler(seed=self.seed % _KINDS, scramble=True)
            return optuna.samplers.TPESampler(
                seed=seed,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=_STARTUP_SAMPLES,
            )

    def pruner_of(self, directions: Sequence[str]) -> optuna.pruners.BasePruner:
        """The pruner; of several objectives none can say what falls behind."""
        import optuna

        if len(directions) > 1 or self.pruner == "none":
            return optuna.pruners.NopPruner()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            make: dict[str, Callable[[], Any]] = {
                "median": _median,
                "hyperband": optuna.pruners.HyperbandPruner,
                "wilcoxon": optuna.pruners.WilcoxonPruner,
            }
            pruner: optuna.pruners.BasePruner = make[self.pruner]()
            return pruner


def _median() -> optuna.pruners.BasePruner:
    """Optuna's median pruner, but that it never compares losses of rounds with scores of folds.

    A trial ends whose best loss up to a round, or whose mean over the folds so far, is worse than
    the median of the complete trials at the same step; not before five are complete, nor in the
    first three rounds.
    """
    import optuna

    class MedianAtStep(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            step = trial.last_step
            complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
            if step is None or step <= WARMUP_STEPS or len(complete) < STARTUP_TRIALS:
                return False
            others = [
                each.intermediate_values[step]
                for each in complete
                if step in each.intermediate_values
            ]
            if not others:
                return False
            sign = 1.0 if study.direction is optuna.study.StudyDirection.MINIMIZE else -1.0
            of_kind = [
                sign * value
                for at, value in trial.intermediate_values.items()
                if (at >= FOLD_STEP) == (step >= FOLD_STEP)
            ]
            own = of_kind[-1] if step >= FOLD_STEP else min(of_kind)
            return bool(own > sign * float(np.median(others)))

    return MedianAtStep()
