"""The space: what may vary, what is refused of it and how, and what a trial is asked."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial
from pydantic import ValidationError

from assay.errors import ExperimentError
from assay.tuning.settings import TuningSettings
from assay.tuning.space import Space, full_key, space_of


def space(given: dict[str, Any]) -> Space:
    return space_of(TuningSettings(space=given).space)


REFUSED = {
    "data.target": (
        {"data.target": ["a", "b"]},
        "data.target cannot be tuned: it is neither of the learner nor of its training.",
        "tuning.space.data.target",
        "options.NAME, training.NAME or learner; other keys: assay ablate --vary KEY",
    ),
    "the wrong way round": (
        {"options.l2": {"low": 3, "high": 1}},
        "options.l2 has no values: it goes from 3 to 1.",
        "tuning.space.options.l2",
        "{low: 1, high: 3}",
    ),
    "one value": (
        {"options.l2": {"low": 2.0, "high": 2.0}},
        "options.l2 has one value: it goes from 2.0 to 2.0.",
        "tuning.space.options.l2",
        "set it instead: model.options.l2: 2.0",
    ),
    "without end": (
        {"options.l2": {"low": 0.0, "high": float("inf")}},
        "options.l2 has no values: it goes from 0.0 to inf.",
        "tuning.space.options.l2",
        "give both ends: {low: ..., high: ...}",
    ),
    "orders of magnitude from zero": (
        {"options.l2": {"low": 0, "high": 10, "log": True}},
        "options.l2 is searched by orders of magnitude, and begins at 0.",
        "tuning.space.options.l2",
        "{low: 0.01, high: 10, log: true}, or log: false",
    ),
    "orders of magnitude in steps": (
        {"options.l2": {"low": 1, "high": 10, "log": True, "step": 2}},
        "options.l2 is searched by orders of magnitude, which have no step.",
        "tuning.space.options.l2",
        "leave step out, or log",
    ),
    "whole in parts": (
        {"options.max_leaves": {"low": 2, "high": 10, "step": 0.5}},
        "options.max_leaves goes from 2 to 10 in steps of 0.5, which are not whole.",
        "tuning.space.options.max_leaves",
        "{low: 2.0, high: 10.0, step: 0.5}",
    ),
    "twice": (
        {"training.epochs": [3, 5, 3]},
        "training.epochs has the same choice twice.",
        "tuning.space.training.epochs",
        "name each of them once",
    ),
    "the same under two names": (
        {"learner": ["linear", "forest"], "model.learner": ["boosting", "forest"]},
        "model.learner is searched twice.",
        "tuning.space",
        "name it once, short or in full",
    ),
    "a circle": (
        {
            "options.a": {"choices": [1, 2], "when": {"options.b": 1}},
            "options.b": {"choices": [1, 2], "when": {"options.a": 1}},
        },
        "Conditions go in a circle: model.options.a, model.options.b.",
        "tuning.space",
        "take `when` off one of them",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_searched_is_refused_in_words(case: str) -> None:
    given, what, where, mend = REFUSED[case]
    with pytest.raises(ExperimentError) as caught:
        space(given)
    assert (caught.value.what, caught.value.where, caught.value.mend) == (what, where, mend)


@pytest.mark.parametrize(
    "given",
    [{"options.l2": {"low": 1}}, {"options.l2": []}, {"options.l2": {"choices": [1], "low": 1}}],
)
def test_half_a_dimension_is_no_setting(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TuningSettings(space=given)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("options.l2", "model.options.l2"),
        ("model.options.l2", "model.options.l2"),
        ("learner", "model.learner"),
        ("model.learner", "model.learner"),
        ("training.epochs", "training.epochs"),
    ],
)
def test_names_may_be_short(short: str, full: str) -> None:
    assert full_key(short) == full


def test_a_conditional_dimension_is_asked_only_where_its_condition_holds() -> None:
    found = space(
        {
            "options.C": {"low": 0.1, "high": 10.0, "when": {"learner": "linear"}},
            "options.l2": {"low": 0, "high": 5, "when": {"learner": ["boosting", "other"]}},
            "learner": ["linear", "boosting"],
            "training.epochs": {"choices": [1, 2], "when": {"training.seeds": 7}},
        }
    )
    assert found.dimensions[0].key == "model.learner", "what others are conditioned on comes first"

    def asked(learner: str, seeds: int = 1) -> dict[str, Any]:
        given = {
            "model.learner": learner, "model.options.C": 2.5, "model.options.l2": 3,
            "training.epochs": 2,
        }  # fmt: skip
        return found.ask(FixedTrial(given), {"training.seeds": seeds})

    assert asked("linear") == {"model.learner": "linear", "model.options.C": 2.5}
    assert asked("boosting") == {"model.learner": "boosting", "model.options.l2": 3}
    assert asked("boosting", seeds=7) == {
        "model.learner": "boosting", "model.options.l2": 3, "training.epochs": 2,
    }  # fmt: skip


def test_lists_and_nothing_may_be_choices() -> None:
    found = space({"options.layers": [[64, 64], [128], None]})
    [dimension] = found.dimensions
    assert dimension.ends == ([64, 64], [128], None)
    assert dimension.ask(FixedTrial({"model.options.layers": "[64, 64]"})) == [64, 64]
    assert dimension.ask(FixedTrial({"model.options.layers": None})) is None


def test_whole_numbers_stay_whole_and_others_do_not() -> None:
    found = space(
        {"options.a": {"low": 1, "high": 9, "step": 2}, "options.b": {"low": 1, "high": 2.5}}
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        asked = found.ask(study.ask(), {})
        assert asked["model.options.a"] in (1, 3, 5, 7, 9)
        assert type(asked["model.options.a"]) is int
        assert type(asked["model.options.b"]) is float
        assert 1 <= asked["model.options.b"] <= 2.5


def test_the_digest_is_of_what_is_searched() -> None:
    one = space({"options.l2": {"low": 1, "high": 3}})
    assert one.digest == space({"model.options.l2": {"low": 1, "high": 3}}).digest
    assert one.digest != space({"options.l2": {"low": 1, "high": 4}}).digest
    assert one.digest != space({"options.l2": {"low": 1, "high": 3, "log": True}}).digest
    assert one.digest != space({"options.l2": {"low": 1.0, "high": 3.0}}).digest
    when = {"learner": "boosting"}
    assert one.digest != space({"options.l2": {"low": 1, "high": 3, "when": when}}).digest
