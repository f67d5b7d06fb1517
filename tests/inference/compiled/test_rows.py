"""Rows as a server hands them over: one or many, fit or unfit, by either path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.schema import Task
from assay.errors import DataError
from assay.inference.compiled import RowPredictor, RowsRefused, fast_or_ordinary
from assay.inference.compiled.agreement import probes, verify
from assay.inference.compiled.compiling import CompiledModel, compile_model
from assay.inference.compiled.rows import FEW
from assay.inference.loading import LoadedModel
from assay.learners.builtin import make_learner
from tests.inference.compiled.models import alone, mixed, packed, rows_of, with_policies

ROWS = rows_of(mixed(Task.BINARY, 60, seed=3))
PROOF = rows_of(mixed(Task.BINARY, 300))[:4]
"""Rows that are like those of training in every respect."""
STRICT = dict.fromkeys(("unexpected_null", "unseen_category", "out_of_range"), "error")
LENIENT = dict.fromkeys(
    ("missing_column", "wrong_type", "unexpected_null", "unseen_category", "out_of_range"),
    "impute",
)
WARNS = {"missing_column": "impute", "wrong_type": "impute"}
CLIPS = {"out_of_range": "clip", "unexpected_null": "impute"}
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(st.none(), st.floats(), st.text(max_size=3)),
        "whole": st.one_of(st.none(), st.integers(), st.booleans(), st.just([1])),
        "kind": st.one_of(st.none(), st.text(max_size=5), st.integers(), st.just("red")),
        "many": st.one_of(st.none(), st.sampled_from(["level 1", "level 5000", ""])),
        "when": st.one_of(st.none(), st.datetimes().map(str), st.text(max_size=4)),
        "flag": st.one_of(st.none(), st.booleans(), st.sampled_from(["True", "no"])),
        "note": st.one_of(st.none(), st.text(max_size=20), st.just("good good beta")),
    },
)


POLICIES: dict[str, dict[str, str]] = {
    "default": {}, "strict": STRICT, "lenient": LENIENT, "warns": WARNS, "clips": CLIPS,
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedModel]:
    learners = {
        "boosting": make_learner("boosting", {"max_rounds": 15}),
        "linear": make_learner("linear", {}),
    }
    return {
        name: packed(learner, Task.BINARY, tmp_path_factory.mktemp(name))
        for name, learner in learners.items()
    }


@pytest.fixture(scope="module")
def predictors(models: dict[str, LoadedModel]) -> dict[tuple[str, str], RowPredictor]:
    """What predicts by each model under each policy."""
    return {
        (name, policy): fast_or_ordinary(with_policies(loaded, **POLICIES[policy]), PROOF)
        for name, loaded in models.items()
        for policy in POLICIES
    }


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None)
@given(
    change=CHANGES,
    absent=st.sets(st.sampled_from(["b", "day"])),
    policy=st.sampled_from(list(POLICIES)),
    name=st.sampled_from(["boosting", "linear"]),
)
def test_any_row_is_predicted_or_refused_as_it_is_alone(
    predictors: dict[tuple[str, str], RowPredictor],
    change: dict[str, Any],
    absent: set[str],
    policy: str,
    name: str,
) -> None:
    row = {key: value for key, value in {**ROWS[0], **change}.items() if key not in absent}
    predictor = predictors[name, policy]
    expected = alone(predictor.loaded, row)
    assert predictor.is_compiled
    if isinstance(expected, str):
        with pytest.raises(DataError):
            predictor.predict_rows([row])
        return
    [result] = predictor.predict_rows([row])
    numbers, prediction, notes = expected
    assert np.array(result.probabilities).tobytes() == np.array(numbers).tobytes()
    assert (result.prediction, sorted(_each(result.notes))) == (prediction, sorted(_each(notes)))


def _each(notes: Any) -> list[str]:
    """What is said of every absent column by itself, where pandas says it of all at once."""
    begins = "columns are missing and count as empty: "
    each = []
    for note in notes:
        names = note.removeprefix(begins).split(", ") if note.startswith(begins) else [note]
        each += names
    return each


@pytest.mark.parametrize("name", ["boosting", "linear"])
@pytest.mark.filterwarnings("ignore")
def test_many_rows_get_the_bits_of_the_table(name: str, models: dict[str, LoadedModel]) -> None:
    predictor = fast_or_ordinary(models[name], PROOF)
    assert len(ROWS) > FEW
    expected = models[name].predict_proba(pd.DataFrame(ROWS))
    results = predictor.predict_rows(ROWS)
    np.testing.assert_array_equal([result.probabilities for result in results], expected)
    singly = [predictor.predict_rows([row])[0] for row in ROWS]
    np.testing.assert_allclose([result.probabilities for result in singly], expected, rtol=1e-12)
    assert [result.prediction for result in results] == [each.prediction for each in singly]


@pytest.mark.parametrize("n", [1, FEW + 8])
def test_every_problem_of_every_row_is_told(
    n: int, predictors: dict[tuple[str, str], RowPredictor]
) -> None:
    rows = [dict(row) for row in ROWS[:n]]
    del rows[-1]["b"]
    rows[-1] |= {"a": "much", "kind": "mauve", "whole": 10**9, "c": None}
    with pytest.raises(RowsRefused) as caught:
        predictors["boosting", "strict"].predict_rows(rows)
    told = {(each.row, each.column, each.kind): each.told for each in caught.value.problems}
    told = {key: words for key, words in told.items() if key[0] == n - 1 and key[1] != "many"}
    assert told == {
        (n - 1, "a", "wrong_type"): "column 'a' is numeric, but holds 'much'",
        (n - 1, "b", "missing_column"): "columns are missing: b",
        (n - 1, "c", "unexpected_null"): "c is missing",
        (n - 1, "kind", "unseen_category"): "kind is 'mauve', never seen before",
        (n - 1, "whole", "out_of_range"): "whole is 1e+09, seen was 0 to 29",
    }


def test_the_words_are_those_of_the_ordinary_path(
    predictors: dict[tuple[str, str], RowPredictor],
) -> None:
    predictor = predictors["boosting", "strict"]
    for change in ({"a": "much"}, {"when": "soon"}, {"kind": "mauve"}):
        row = {**PROOF[0], **change}
        with pytest.raises(RowsRefused) as caught:
            predictor.predict_rows([row])
        ordinary = str(alone(predictor.loaded, row)).replace(" in 1 row (0)", "")
        assert caught.value.what == ordinary
        assert caught.value.where == f"row 0 ({next(iter(change))}), counted from 0"


def test_a_long_cell_is_not_repeated(models: dict[str, LoadedModel]) -> None:
    with pytest.raises(RowsRefused) as caught:
        fast_or_ordinary(models["linear"], PROOF).predict_rows([{**ROWS[0], "a": "z" * 10**6}])
    assert len(str(caught.value)) < 1000


def test_no_rows_are_refused(models: dict[str, LoadedModel]) -> None:
    with pytest.raises(DataError, match="There are no rows to predict"):
        fast_or_ordinary(models["linear"], PROOF).predict_rows([])


@pytest.mark.filterwarnings("ignore")
def test_a_path_that_is_not_exact_is_not_taken(models: dict[str, LoadedModel]) -> None:
    """One leaf of one tree is enough, by a millionth of a millionth."""
    loaded = models["boosting"]
    compiled = compile_model(loaded.served)
    assert isinstance(compiled, CompiledModel)
    rows = probes(loaded.served.about, loaded.examples, 300)
    assert verify(compiled, loaded.served, rows).is_exact
    trees = loaded.served.predictor.steps[-1][1]
    nodes = trees._predictors[0][0].nodes
    leaf = int(np.flatnonzero(nodes["is_leaf"])[0])
    kept = float(nodes["value"][leaf])
    nodes["value"][leaf] = kept * (1 + 1e-12)
    try:
        found = verify(compiled, loaded.served, rows)
        assert not found.is_exact
        assert "by the ordinary path" in found.difference
    finally:
        nodes["value"][leaf] = kept


@pytest.mark.filterwarnings("ignore")
def test_no_rows_at_hand_are_no_proof(models: dict[str, LoadedModel]) -> None:
    predictor = fast_or_ordinary(models["linear"], [])
    assert not predictor.is_compiled
    assert predictor.reason.endswith("no row is at hand that it would predict")
    assert len(predictor.predict_rows(ROWS[:2])) == 2


def test_drawn_rows_have_gaps_levels_and_ranges_as_learnt(models: dict[str, LoadedModel]) -> None:
    about = models["linear"].served.about
    rows = probes(about, models["linear"].examples, 400)
    assert len(rows) == 400
    seen = about["seen"]
    drawn = rows[len(models["linear"].examples) :]
    assert {row["kind"] for row in drawn} == {None, *seen["kind"]["levels"]}
    assert all(seen["a"]["low"] <= row["a"] <= seen["a"]["high"] for row in drawn)
    assert probes(about, models["linear"].examples, 400) == rows
