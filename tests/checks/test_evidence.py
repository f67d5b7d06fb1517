"""Answers are read in any usual spelling, and refused in words where they cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.checks.evidence import Answers, answers_of
from assay.data.schema import Task
from assay.errors import DataError
from assay.findings import NotApplicable
from tests.checks.answering import beside, handed, spoiled
from tests.contracts.handed import Handed, view_of_handed


def read(told: Handed, task: Task) -> Answers:
    found = answers_of(view_of_handed(told, task))
    assert isinstance(found, Answers)
    return found


def with_answers(told: Handed, answers: pd.DataFrame) -> Handed:
    return replace(told, given={**told.given, "predictions": answers})


def positive(told: Handed) -> np.ndarray:
    return told.given["predictions"]["proba_yes"].to_numpy()


def test_answers_to_the_test_rows_are_read_whole() -> None:
    told = handed(Task.BINARY, n=300)
    found = read(told, Task.BINARY)
    assert found.model is not None
    assert found.model.classes == ("no", "yes")
    np.testing.assert_allclose(found.model.known_probabilities[:, 1], positive(told))
    np.testing.assert_array_equal(found.model.truth, told.test["y"] == "yes")
    np.testing.assert_array_equal(found.positions, np.arange(150))
    assert found.others is not None
    assert found.others.column_names == []


@pytest.mark.parametrize("name", ["proba", "y_prob", "Probability", "p_hat"])
def test_a_lone_column_of_probabilities_is_of_the_class_that_is_decided_where_it_is_high(
    name: str,
) -> None:
    told = handed(Task.BINARY, n=600)
    truth, pred = told.test["y"], told.given["predictions"]["pred"]
    for said in (positive(told), 1 - positive(told)):
        answers = pd.DataFrame({"y_true": truth, "pred": pred, name: said})
        found = read(with_answers(told, answers), Task.BINARY).model
        assert found is not None
        np.testing.assert_allclose(found.known_probabilities[:, 1], positive(told))
        alone = read(with_answers(told, answers.drop(columns="pred")), Task.BINARY).model
        assert alone is not None
        np.testing.assert_allclose(alone.known_probabilities[:, 1], positive(told))


def test_a_threshold_other_than_one_half_turns_nothing_round() -> None:
    told = handed(Task.BINARY, n=600)
    for threshold in (0.05, 0.9):
        pred = np.where(positive(told) > threshold, "yes", "no")
        answers = pd.DataFrame({"y_true": told.test["y"], "pred": pred, "proba": positive(told)})
        found = read(with_answers(told, answers), Task.BINARY).model
        assert found is not None
        np.testing.assert_allclose(found.known_probabilities[:, 1], positive(told))
        np.testing.assert_array_equal(found.decided, pred == "yes")


def test_of_two_classes_the_positive_one_may_be_given_alone_and_labels_as_0_and_1() -> None:
    told = handed(Task.BINARY, n=300)
    answers = pd.DataFrame({"label": (told.test["y"] == "yes") * 1.0, "prob_yes": positive(told)})
    found = read(with_answers(told, answers), Task.BINARY)
    assert found.model is not None
    np.testing.assert_array_equal(found.model.truth, told.test["y"] == "yes")
    np.testing.assert_allclose(found.model.known_probabilities[:, 1], positive(told))
    assert found.positions is not None


def test_numbers_of_classes_may_be_written_as_text_or_decimals() -> None:
    told = handed(Task.BINARY, n=300)
    codes = {"no": 1, "yes": 2}
    frames = [each.assign(y=each["y"].map(codes)) for each in (told.train, told.test)]
    for written in (str, float, int):
        answers = pd.DataFrame({"y_true": frames[1]["y"].map(written), "proba_2": positive(told)})
        given = {"predictions": answers}
        found = read(Handed(*frames, given, {"positive": 2}), Task.BINARY).model
        assert found is not None
        np.testing.assert_array_equal(found.truth, told.test["y"] == "yes")


def test_answers_in_another_order_are_not_laid_beside_test_rows_unless_they_name_them() -> None:
    told = handed(Task.MULTICLASS, n=300)
    mixed = told.given["predictions"].sample(frac=1, random_state=0)
    assert read(with_answers(told, mixed), Task.MULTICLASS).positions is None
    named = mixed.assign(row=mixed.index)
    found = read(with_answers(told, named), Task.MULTICLASS)
    np.testing.assert_array_equal(found.positions, mixed.index)


def test_rows_without_truth_are_left_out_and_the_rest_keep_their_place() -> None:
    told = handed(Task.BINARY, n=300)
    truth = told.test["y"].where(np.arange(150) % 10 > 0)
    found = read(spoiled(told, y_true=truth), Task.BINARY)
    np.testing.assert_array_equal(found.positions, np.flatnonzero(truth.notna()))


def test_models_beside_each_other_are_read_with_their_seeds() -> None:
    found = read(beside(Task.MULTICLASS, 0.1, seeds=3), Task.MULTICLASS)
    assert found.model is None
    assert [*found.arms] == ["a", "b"]
    assert (found.n_seeds, found.is_seeded) == (3, True)
    clusters = found.arms["a"].clusters
    assert clusters is not None
    np.testing.assert_array_equal(np.bincount(clusters), 3)


def test_other_columns_are_kept_to_look_at_rows_by() -> None:
    told = spoiled(handed(Task.REGRESSION, n=300), region="north", score=1.0, cluster=range(150))
    found = read(told, Task.REGRESSION)
    assert found.others is not None
    assert found.others.column_names == ["region"]
    assert found.model is not None
    assert found.model.clusters is not None


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"proba_yes": 2.5}, "which are no probabilities", "call 'proba_yes' 'score'"),
    ({"pred": "maybe"}, "holds 'maybe', which is no class", "name the classes"),
    ({"proba_yes": 0.9, "proba_no": 0.9}, "add up to 1.8", "make 1 together"),
    ({"proba_yes": "high"}, "a number in every row", "finite numbers"),
    ({"proba_yes": np.nan}, "a number in every row", "leave these rows out"),
]


@pytest.mark.parametrize(("columns", "what", "mend"), WRONG)
def test_what_cannot_be_read_is_refused(columns: dict[str, Any], what: str, mend: str) -> None:
    told = spoiled(handed(Task.BINARY, n=300), **columns)
    with pytest.raises(DataError) as error:
        answers_of(view_of_handed(told, Task.BINARY))
    assert what in error.value.what
    assert mend in error.value.mend
    assert error.value.where


@pytest.mark.parametrize("lacking", ["y_true", "pred"])
def test_truth_and_answers_must_be_there(lacking: str) -> None:
    told = handed(Task.REGRESSION, n=300)
    answers = told.given["predictions"].drop(columns=lacking)
    with pytest.raises(DataError, match=r"come without the truth|hold no answers"):
        answers_of(view_of_handed(with_answers(told, answers), Task.REGRESSION))


def test_no_answers_and_several_labels_are_told_as_such() -> None:
    told = handed(Task.BINARY, n=300)
    none = answers_of(view_of_handed(Handed(told.train, told.test), Task.BINARY))
    assert none == NotApplicable("no predictions were handed over")
    view = view_of_handed(told, Task.BINARY)
    assert view.given is not None
    assert view.given.predictions is not None
    empty = replace(view, given=replace(view.given, predictions=view.given.predictions.slice(0, 0)))
    assert answers_of(empty) == NotApplicable("the table of predictions has no rows")
