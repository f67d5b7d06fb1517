"""Learners that cannot do what is asked are refused before any fit, and told why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

import assay
from assay.data.schema import Task
from assay.errors import AssayError, LearnerError
from assay.tracking.memory import MemoryStore
from tests.tables import table

CASES: dict[str, tuple[Task, Any, list[str]]] = {
    "regressor for classes": (Task.BINARY, Ridge(), ["Ridge is no classifier", "data.task"]),
    "classifier for numbers": (
        Task.REGRESSION,
        LogisticRegression(),
        ["LogisticRegression is no regressor", "use a regressor"],
    ),
    "no probabilities": (
        Task.BINARY,
        LinearSVC(),
        ["LinearSVC gives no probabilities", "CalibratedClassifierCV(LinearSVC(...))"],
    ),
    "no learner at all": (Task.BINARY, 42, ["42 is neither a learner nor", "def fit(self, train"]),
    "a class instead of an object": (Task.BINARY, Ridge, ["is neither a learner nor"]),
    "no such module": (Task.BINARY, "nowhere.at.all:make", ["There is no module 'nowhere'"]),
    "no such name": (
        Task.BINARY,
        "sklearn.linear_model:Rigde",
        ["has no 'Rigde'", "learner: sklearn.linear_model:Ridge"],
    ),
    "a name of another kind": (
        Task.BINARY,
        "sklearn.ensemble.ExtraTreeClassifier",
        ["has no 'ExtraTreeClassifier'", "learner: sklearn.ensemble.ExtraTreesClassifier"],
    ),
    "a name that is none": (Task.BINARY, "bosting", ["is no learner", "learner: boosting"]),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_and_nothing_is_recorded(case: str) -> None:
    task, learner, expected = CASES[case]
    store = MemoryStore()
    with pytest.raises(AssayError) as caught:
        assay.train(table(task), target="y", learner=learner, store=store)
    for text in expected:
        assert text in str(caught.value)
    assert caught.value.mend
    assert store.runs() == []


def test_a_failing_fit_names_the_learner_and_keeps_the_run() -> None:
    store = MemoryStore()
    frame = table(Task.BINARY)
    with pytest.raises(AssayError, match="'LogisticRegression' could not be fitted") as caught:
        assay.train(frame, target="y", learner=LogisticRegression(C=-1.0), store=store, workers=1)
    assert "'C' parameter" in caught.value.what
    [record] = store.runs()
    assert record.status == "failed"
    assert "could not be fitted" in record.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def make():\n    raise RuntimeError('no licence\\nat all')\n",
            "it_breaks:make could not make a learner: RuntimeError: no licence",
        ),
        ("def make(:\n", "module 'it_breaks' cannot be imported: SyntaxError: "),
        ("raise OSError('no disk')\n", "module 'it_breaks' cannot be imported: OSError: no disk"),
    ],
)
def test_a_factory_that_breaks_is_told_with_its_message(
    text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "it_breaks.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "it_breaks", raising=False)
    with pytest.raises(LearnerError) as caught:
        assay.train(table(Task.BINARY), target="y", learner="it_breaks:make", store=MemoryStore())
    assert expected in caught.value.what


def test_a_learner_beside_the_experiment_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "of_my_own.py").write_text(
        "from sklearn.naive_bayes import GaussianNB\n"
        "from sklearn.compose import ColumnTransformer\n"
        "from sklearn.pipeline import make_pipeline\n"
        "def make(smoothing=1e-9):\n"
        "    columns = ColumnTransformer([('numbers', 'passthrough', ['a', 'c'])])\n"
        "    return make_pipeline(columns, GaussianNB(var_smoothing=smoothing))\n"
    )
    table(Task.BINARY).to_csv(tmp_path / "table.csv", index=False)
    path = tmp_path / "mine.yaml"
    path.write_text(
        "data: {source: table.csv, target: y}\n"
        "model: {learner: 'of_my_own:make', options: {smoothing: 0.1}}\n"
        "training: {seeds: 1}\n"
    )
    run = assay.train(path, store=MemoryStore())
    assert run.learner == "GaussianNB"
    assert run.options["model.options.smoothing"] == 0.1
    with pytest.raises(AssayError, match="cannot be called with") as caught:
        assay.train(path, overrides=["model.options.smothing=1"], store=MemoryStore())
    assert "it takes smoothing" in caught.value.mend
