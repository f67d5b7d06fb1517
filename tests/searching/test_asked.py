"""What is to be searched: all that is impossible is refused before the first trial."""

from __future__ import annotations

from typing import Any

import pytest

import assay
from assay.data.schema import Task
from assay.errors import AssayError, ExperimentError, InputError
from assay.searching.asked import changes_of, with_settings
from assay.tuning.defaults import SPACES
from tests.searching.small import OWN, C, asking

IMPOSSIBLE: dict[str, tuple[dict[str, Any], str, str, list[str]]] = {
    "an option that is none": (
        {"space": {"options.CC": {"low": 0.1, "high": 1.0}}}, "linear",
        "model.options.CC is not an option of linear", [],
    ),
    "the low end": (
        {"space": {"options.C": {"low": -1.0, "high": 1.0}}}, "linear",
        "model.options.C is -1.0: should be greater than 0", [],
    ),
    "the high end": (
        {"space": {"options.learning_rate": {"low": 0.1, "high": 3.0}}}, "boosting",
        "model.options.learning_rate is 3.0: should be less than or equal to 1", [],
    ),
    "one choice of several": (
        {"space": {"options.class_weight": [None, "balanced", "heavy"]}}, "linear",
        "model.options.class_weight is 'heavy': should be 'balanced'.", [],
    ),
    "a learner that is none": (
        {"space": {"learner": ["linear", "bosting"]}}, "linear",
        "model.learner is bosting, which is no learner.", [],
    ),
    "a condition about nothing": (
        {"space": {"options.C": {"low": 0.1, "high": 1.0, "when": {"options.kind": "a"}}}},
        "linear",
        "The condition of model.options.C is about model.options.kind, which is neither searched "
        "nor set.", ["mend:  set model.options.kind, or search it"],
    ),
    "an objective that is none": (
        {"objectives": ["speed"], "space": C}, "linear",
        "speed is neither a metric of a binary task nor a cost.",
        ["where: tuning.objectives", "log_loss", "latency_ms, size_mib"],
    ),
    "an objective twice": (
        {"objectives": ["log_loss", "log_loss"], "space": C}, "linear",
        "tuning.objectives names one twice.", ["mend:  once each"],
    ),
    "a learner of one's own without a space": (
        {}, OWN,
        f"Of {OWN} nobody here knows what is worth varying.",
        ["where: tuning.space", "mend:  tuning: {space: {options.NAME: {low: ..., high: ...}}}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_search_is_refused_up_front(case: str) -> None:
    tuning, learner, what, told = IMPOSSIBLE[case]
    with pytest.raises(AssayError) as caught:
        asking(tuning, learner)
    assert what in str(caught.value)
    for each in told:
        assert each in str(caught.value)


def test_a_learner_that_is_an_object_has_no_settings_by_name() -> None:
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(InputError) as caught:
        asking({}, LogisticRegression())  # type: ignore[arg-type]
    assert caught.value.what == (
        "A learner that is handed over as an object cannot be tuned: it has no settings by name."
    )
    assert caught.value.mend == "name it: learner='package.module:factory'"


@pytest.mark.parametrize("learner", [each for each in SPACES if each not in ("text", "image")])
def test_default_spaces_are_ones_that_the_learners_take(learner: str) -> None:
    if learner == "resnet":
        pytest.skip("is for images")
    asked = asking({}, learner)
    assert len(asked.search.space) == len(SPACES[learner])
    assert asked.search.most == 50


def test_another_learner_begins_with_its_own_defaults() -> None:
    asked = asking(
        {
            "space": {
                "learner": ["linear", "boosting"],
                "options.C": {"low": 0.1, "high": 1.0, "when": {"learner": "linear"}},
                "options.l2": {"low": 0.1, "high": 1.0, "when": {"learner": "boosting"}},
            }
        },
        model={"options": {"class_weight": "balanced"}},
    )
    loaded = asked.ready.asked.loaded
    same = {"model.learner": "linear", "model.options.C": 0.5}
    other = {"model.learner": "boosting", "model.options.l2": 0.5}
    assert changes_of(loaded, same) == ['model.learner="linear"', "model.options.C=0.5"]
    assert changes_of(loaded, other)[0] == "model.options={}"
    kept, begun = (with_settings(loaded, each).experiment.model for each in (same, other))
    assert (kept.learner, kept.options) == ("linear", {"class_weight": "balanced", "C": 0.5})
    assert (begun.learner, begun.options) == ("boosting", {"l2": 0.5})
    assert asked.make(other).name == "boosting"


def test_what_may_change_between_calls_and_what_may_not() -> None:
    def about(tuning: dict[str, Any], **more: Any) -> dict[str, str]:
        return dict(asking({"space": C, **tuning}, **more).search.about)

    first = about({"trials": 3})
    assert first == about({"trials": 9, "seconds": 5, "patience": 3, "sampler": "random"})
    assert first == about({}, training={"seeds": 2})
    for name, other in {
        "objectives": about({"objectives": ["log_loss"]}),
        "space": about({"space": {"options.C": {"low": 0.1, "high": 1.0}}}),
        "experiment ": about({}, data={"split": {"folds": 3}}),
        "experiment": about({}, model={"options": {"class_weight": "balanced"}}),
        "data": about({}, task=Task.REGRESSION),
    }.items():
        assert first[name.strip()] != other[name.strip()]


def test_it_is_public() -> None:
    assert callable(assay.tune)
    with pytest.raises(ExperimentError, match="neither of the learner nor of its training"):
        asking({"space": {"data.split.folds": [2, 3]}})
