"""Learners of several labels: each label is fitted as a binary task of its own would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import assay
from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.data.schema import Task
from assay.errors import LearnerError
from assay.fitting.cross_fit import Plan, cross_fit
from assay.learners.builtin import make_learner
from assay.learners.protocol import FitContext
from assay.tracking.memory import MemoryStore
from assay.tracking.recorder import Silence
from tests.tables import LABELS, prepared, table

OPTIONS: dict[str, dict[str, Any]] = {
    "linear": {"class_weight": "balanced"},
    "forest": {"trees": 20},
    "boosting": {"patience": 5},
}


class Listening(Silence):
    """Hears the series that a fit records."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, list[float]]] = []

    def series(self, name: str, values: Sequence[float]) -> None:
        self.heard.append((name, [*values]))


def parts(*, weighted: bool = False) -> tuple[Part, Part]:
    """Training and validation rows of the table of labels."""
    rows = prepared(Task.MULTILABEL, n=400).development
    if weighted:
        rows = replace(rows, weights=np.random.default_rng(2).gamma(2, 1, len(rows)))
    validates = np.arange(len(rows)) % 4 == 0
    return rows.take(~validates), rows.take(validates)


def alone(part: Part, code: int) -> Part:
    """The rows with one label as the target of a binary task."""
    schema = replace(part.schema, task=Task.BINARY, classes=(0, 1))
    return replace(part, target=part.known_target[:, code], schema=schema)


def boosting(**options: Any) -> Any:
    return make_learner("boosting", options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_each_label_is_fitted_as_a_binary_task_of_its_own(name: str, weighted: bool) -> None:
    train, validation = parts(weighted=weighted)
    learner = make_learner(name, OPTIONS[name])
    model = learner.fit(train, validation, FitContext(seed=4))
    given = model.predict(validation.features).probabilities
    for code in range(len(LABELS)):
        one = learner.fit(alone(train, code), alone(validation, code), FitContext(seed=4))
        expected = one.predict(validation.features).probabilities
        np.testing.assert_array_equal(given[:, code], expected[:, 1])
        if name == "boosting":
            assert model.chosen["rounds"][code] == one.chosen["rounds"]


def test_the_model_of_all_rows_takes_over_the_median_rounds_of_each_label(tmp_path: Path) -> None:
    plan = Plan(boosting(**OPTIONS["boosting"]), [], Folding("random", 3), seed=0, repeats=1)
    rows = prepared(Task.MULTILABEL, n=400).development
    fitted = cross_fit(rows, plan, recorder=Silence(), scratch=tmp_path, workers=1)
    chosen = []
    for fold in range(3):
        division = plan.folding.divide(rows, 0)
        train = rows.take(division.learns(fold))
        validates = plan.folding.held_out(train, 0)
        own = plan.learner.fit(train.take(~validates), train.take(validates), FitContext())
        chosen.append(own.chosen["rounds"])
    assert fitted.chosen == {"rounds": np.median(chosen, axis=0).tolist()}
    trees = fitted.model.estimator[-1].estimators_  # type: ignore[attr-defined]
    assert [each.n_iter_ for each in trees] == fitted.chosen["rounds"]
    assert len({*fitted.chosen["rounds"]}) > 1


def test_a_label_that_a_part_lacks_stops_on_nothing() -> None:
    train, validation = (replace(part, target=part.known_target.copy()) for part in parts())
    train.known_target[:, 0] = 0  # which validation rows have
    validation.known_target[:, 1] = 0  # which training rows have
    model = boosting().fit(train, validation, FitContext())
    rounds = model.chosen["rounds"]
    assert rounds[:2] == [None, 150]
    assert 0 < rounds[2] < 150
    few = boosting(max_rounds=7).fit(train, validation, FitContext())
    assert few.chosen["rounds"][1] == 7
    again = boosting().fit(parts()[0], None, FitContext(fixed={"rounds": [None, 3, 4]}))
    assert again.chosen["rounds"] == [150, 3, 4]


def test_it_records_the_mean_loss_of_the_labels() -> None:
    train, validation = parts()
    listening = Listening()
    boosting(patience=5).fit(train, validation, FitContext(recorder=listening))
    [(name, values)] = listening.heard
    each = []
    for code in range(len(LABELS)):
        own = Listening()
        part = alone(train, code), alone(validation, code)
        boosting(patience=5).fit(*part, FitContext(recorder=own))
        each.append(np.minimum.accumulate(own.heard[0][1]))
    assert (name, len(values)) == ("validation_loss", max(map(len, each)))
    assert values[0] == pytest.approx(np.mean([losses[0] for losses in each]))
    assert values[-1] == pytest.approx(np.mean([losses[-1] for losses in each]))


@pytest.mark.parametrize(
    "given",
    [
        OneVsRestClassifier(LogisticRegression()),
        MultiOutputClassifier(LogisticRegression()),
        ClassifierChain(LogisticRegression()),
        make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_for_all_labels_at_once_is_refused(given: Any) -> None:
    with pytest.raises(LearnerError, match="for all labels at once, and each label is") as refused:
        assay.train(table(Task.MULTILABEL), target=LABELS, learner=given, store=MemoryStore())
    assert refused.value.mend == "give the classifier itself: LogisticRegression(...)"
    assert "(LogisticRegression(...))" in refused.value.where


def test_one_class_against_the_rest_may_be_given_for_classes() -> None:
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    run = assay.train(
        table(Task.MULTICLASS), target="y", learner=OneVsRestClassifier(LogisticRegression()),
        settings=settings, store=MemoryStore(), checks=[], workers=1,
    )  # fmt: skip
    assert run.evaluation.n == 192
