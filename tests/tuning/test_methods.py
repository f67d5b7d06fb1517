"""Samplers and pruners, by their names."""

from __future__ import annotations

from typing import get_args

import optuna
import pytest
from optuna.trial import TrialState

from assay.errors import InputError
from assay.tuning.methods import Methods, Pruner, Sampler
from assay.tuning.objective import FOLD_STEP

MADE = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
    "quasi-random": optuna.samplers.QMCSampler,
}


@pytest.mark.parametrize("name", MADE)
def test_each_sampler_chooses_by_seed_number_and_history_alone(name: Sampler) -> None:
    def tried(seed: int, parted: bool) -> list[dict[str, float]]:
        study = optuna.create_study()
        methods = Methods(name, "none", seed)
        for number in range(14):
            if parted and number == 12:  # as a process that goes on with what is there
                methods = Methods(name, "none", seed)
            study.sampler = methods.sampler_of(number)
            assert isinstance(study.sampler, MADE[name])
            trial = study.ask()
            x, y = trial.suggest_float("x", -1, 1), trial.suggest_int("y", 1, 100, log=True)
            study.tell(trial, x * y)
        return [each.params for each in study.trials]

    assert tried(1, parted=False) == tried(1, parted=True)
    assert tried(1, parted=False) != tried(2, parted=False)


def test_the_default_is_tpe_of_all_settings_together_that_knows_what_is_under_way() -> None:
    sampler = Methods().sampler_of(0)
    assert isinstance(sampler, optuna.samplers.TPESampler)
    assert (sampler._multivariate, sampler._group, sampler._constant_liar) == (True, True, True)


def test_what_is_not_installed_is_said_before_anything_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("assay.tuning.methods.find_spec", lambda _: None)
    with pytest.raises(InputError) as caught:
        Methods("cma-es")
    assert caught.value.what == (
        "tuning.sampler is cma-es, which needs a package that is not installed."
    )
    assert caught.value.mend == "pip install cmaes, or sampler: tpe"


def test_every_pruner_ends_what_is_far_behind_and_none_of_them_what_is_ahead() -> None:
    for name in get_args(Pruner):
        ends = {
            behind: [ended(name, behind, seed) for seed in range(4)] for behind in (False, True)
        }
        assert not any(ends[False]), name
        assert any(ends[True]) == (name != "none"), name


def ended(name: Pruner, behind: bool, seed: int) -> bool:
    """Whether a trial is ended after 30 others, which it is far behind or ahead of."""
    study = optuna.create_study(
        study_name=f"{name}-{seed}", pruner=Methods(pruner=name).pruner_of(["minimize"])
    )
    steps = range(10) if name == "wilcoxon" else range(1, 41)
    for number in range(30):
        trial = study.ask()
        for step in steps:
            trial.report(1 + (number + 1) / (step + 1), step)
            trial.should_prune()  # which is when hyperband takes note; nothing is ended here
        if name == "median":
            trial.report(1.0, FOLD_STEP)
        study.tell(trial, 1.0)
    last = study.ask()
    for step in steps:
        last.report(9.0 if behind else 0.01 / (step + 1), step)
        if last.should_prune():
            study.tell(last, state=TrialState.PRUNED)
            return True
    return False


def test_of_several_objectives_nothing_is_ended() -> None:
    found = Methods().pruner_of(["minimize", "maximize"])
    assert isinstance(found, optuna.pruners.NopPruner)
