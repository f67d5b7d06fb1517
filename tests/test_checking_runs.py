"""`assay check` of runs, of experiments and of evidence: what was found, and what shows since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.errors import DataError
from assay.findings import Finding, Severity
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.checks.answering import handed, record
from tests.fakes import FakeLearner
from tests.tables import LABELS, table


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def trained(store: MemoryStore, frame: pd.DataFrame, **settings: Any) -> Run:
    small = {
        "data": {"split": {"folds": 2}},
        "training": {"seeds": 1},
        "evaluation": {"resamples": 200},
    }
    return assay.train(
        frame, target="y" if "y" in frame else LABELS, learner=FakeLearner(), store=store,
        workers=1, checks=[], settings={**small, **settings},
    )  # fmt: skip


def by_code(run: Run, store: MemoryStore) -> dict[str, Finding]:
    """The worst of each code."""
    return {each.code: each for each in reversed(assay.check(run, store=store).findings)}


def test_a_run_is_looked_at_with_its_answers_and_its_history(store: MemoryStore) -> None:
    frame = table(Task.BINARY)
    runs = [trained(store, frame), trained(store, frame, name="another")]
    alone = by_code(runs[0], store)
    assert "AS602" not in alone
    assert alone["AS603"].severity is Severity.NOTE
    for run in (*runs, *runs, runs[0]):
        assay.evaluate(run, on="test", store=store)
    found = by_code(runs[-1], store)["AS602"]
    assert found.severity is Severity.WARN
    assert found.evidence["looks"] == 5
    said = assay.check(runs[-1], store=store)
    assert {"AS601", "AS609"} <= {*said.passed, *(each.code for each in said.findings)}
    assert not {*said.passed} & {*said.not_applicable}


def test_a_model_that_beats_no_baseline_is_asked_about_unless_that_is_accepted(
    store: MemoryStore,
) -> None:
    frame = table(Task.REGRESSION)
    frame["y"] = frame["y"].sample(frac=1, random_state=0).to_numpy()
    run = trained(store, frame, checks={"accept": {"AS609": "only a rehearsal"}})
    found = by_code(run, store)["AS609"]
    assert found.severity is Severity.ASK
    assert "the baseline mean" in found.title
    assert found.accepted == "only a rehearsal"


def test_runs_with_several_labels_are_looked_at_as_far_as_can_be(store: MemoryStore) -> None:
    said = assay.check(trained(store, table(Task.MULTILABEL)), store=store)
    assert "AS607" in said.not_applicable
    assert "AS603" in {each.code for each in said.findings}


def test_an_experiment_that_names_a_path_of_one_machine_is_told_of(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    table(Task.BINARY).to_csv(rows, index=False)
    for source, n in ((str(rows), 1), ("rows.csv", 0)):
        path = tmp_path / "e.yaml"
        path.write_text(f"data: {{source: {source}, target: y}}\nmodel: {{learner: linear}}\n")
        found = [each for each in assay.check(path).findings if each.code == "AS612"]
        assert [each.evidence for each in found] == [{"data.source": source}] * n


def test_evidence_is_read_from_files_and_refused_before_anything_is_looked_at(
    tmp_path: Path,
) -> None:
    told = handed(Task.BINARY, n=300)
    paths = {name: tmp_path / f"{name}.parquet" for name in ("train", "test", "answers")}
    told.train.to_parquet(paths["train"])
    told.test.to_parquet(paths["test"])
    told.given["predictions"].to_parquet(paths["answers"])
    log = tmp_path / "runs.json"
    log.write_text(json.dumps(record(tested=30)))
    evidence = assay.Evidence(test=paths["test"], predictions=paths["answers"], log=log)
    given = {"target": "y", "settings": {"positive": "yes"}, "evidence": evidence}
    found = assay.check(paths["train"], **given)
    assert "AS602" in {each.code for each in found.findings}
    assert "AS607" in found.passed
    log.write_text('{"runs": 3}')
    with pytest.raises(DataError, match="record of runs cannot be read"):
        assay.check(paths["train"], **given)
