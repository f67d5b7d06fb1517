"""Proposals: what `auto` tries once the portfolio is through, by Optuna's TPE over all learners."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from assay.learners.candidates import MOST_ROWS_LEAF, Candidate
from assay.learners.light_boosting import is_installed

if TYPE_CHECKING:
    from optuna.trial import Trial

_STARTUP = 8


class Proposals:
    """Configurations to try next; hears what all that were tried are worth.

    Args:
        seed: Of the draws.
        logarithms: Whether the logarithm of the target may be tried.
        rows_leaf: Fewest rows in a leaf of a forest.
    """

    def __init__(self, seed: int, *, logarithms: bool, rows_leaf: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=seed % 2**31,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=_STARTUP,
            )
        self._study = optuna.create_study(sampler=sampler)
        self._logarithms, self._rows_leaf = logarithms, rows_leaf
        self._kinds = ["lightgbm" if is_installed() else "boosting", "perceptron"]
        if rows_leaf <= MOST_ROWS_LEAF:
            self._kinds.append("forest")
        self._asked: dict[int, Trial] = {}

    def propose(self, number: int) -> Candidate:
        """The configuration to be tried under this number."""
        trial = self._study.ask()
        self._asked[number] = trial
        kind: Any = trial.suggest_categorical("learner", self._kinds)
        logarithm = False
        if self._logarithms and kind not in ("perceptron",):  # which would be raised to any height
            logarithm = bool(trial.suggest_categorical("logarithm", [False, True]))
        return Candidate(learner=kind, options=self._options(trial, kind), logarithm=logarithm)

    def hear(self, number: int, loss: float | None) -> None:
        """What the configuration of a number is worth; None if it failed or fell behind."""
        from optuna.trial import TrialState

        trial = self._asked.pop(number, None)
        if trial is None:
            return
        if loss is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, loss)

    def _options(self, trial: Trial, kind: str) -> dict[str, Any]:
        def real(name: str, low: float, high: float, *, log: bool = True) -> float:
            # Four digits are enough, and can be read.
            return float(f"{trial.suggest_float(f'{kind}.{name}', low, high, log=log):.4g}")

        def whole(name: str, low: int, high: int) -> int:
            return trial.suggest_int(f"{kind}.{name}", low, high, log=True)

        if kind == "forest":
            features = real("max_features", 0.15, 1.0, log=False)
            return {
                "min_rows_leaf": whole("min_rows_leaf", self._rows_leaf, MOST_ROWS_LEAF),
                "max_features": features,
            }
        if kind == "perceptron":
            return {
                "width": whole("width", 48, 384),
                "learning_rate": real("learning_rate", 5e-4, 8e-3),
                "l2": real("l2", 1e-5, 0.1),
            }
        options = {
            "learning_rate": real("learning_rate", 0.02, 0.15),
            "max_leaves": whole("max_leaves", 4, 96),
            "min_rows_leaf": whole("min_rows_leaf", 2, 80),
            "l2": real("l2", 0.05, 30.0),
            "max_features": real("max_features", 0.25, 1.0, log=False),
        }
        if kind == "lightgbm":
            options["max_rows"] = real("max_rows", 0.5, 1.0, log=False)
            options["categories"] = trial.suggest_categorical("lightgbm.categories", [False, True])
        return options
