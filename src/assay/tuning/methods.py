"""Methods: how the next settings are chosen, and what ends a trial that falls behind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import InputError
from assay.tuning.pruning import falls_behind

if TYPE_CHECKING:
    import optuna

Sampler = Literal["tpe", "random", "cma-es", "quasi-random"]
Pruner = Literal["median", "hyperband", "wilcoxon", "none"]
_STARTUP_SAMPLES = 10
_KINDS = 2**31


@dataclass(frozen=True)
class Methods:
    """How to search.

    Attributes:
        sampler: How settings are chosen.
        pruner: What ends trials that fall behind.
        seed: Of all choices.

    Raises:
        InputError: What the sampler needs is not installed.
    """

    sampler: Sampler = "tpe"
    pruner: Pruner = "median"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sampler == "cma-es":
            _need_cmaes()

    def sampler_of(self, number: int) -> optuna.samplers.BaseSampler:
        """The sampler of the n-th trial: it chooses by the seed, the number and earlier trials.

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


def _need_cmaes() -> None:
    """Optuna's CMA-ES stands on a package that not everybody has.

    Raises:
        InputError: It is not installed.
    """
    if find_spec("cmaes") is None:
        raise InputError(
            "tuning.sampler is cma-es, which needs a package that is not installed.",
            where="tuning.sampler",
            mend="pip install cmaes, or sampler: tpe",
        )


def _median() -> optuna.pruners.BasePruner:
    """What `pruning` says, for Optuna."""
    import optuna

    class FallsBehind(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            sign = 1.0 if study.direction is optuna.study.StudyDirection.MINIMIZE else -1.0
            complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
            own, *others = (
                {step: sign * value for step, value in each.intermediate_values.items()}
                for each in (trial, *complete)
            )
            return falls_behind(own, others)

    return FallsBehind()
