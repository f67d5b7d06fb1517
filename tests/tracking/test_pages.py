"""Pages of runs: inside the workspace whatever an experiment is called, and one per run."""

from __future__ import annotations

from pathlib import Path

import pytest

import assay
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.tables import table

NAMES = ["../../escaped", "/tmp/escaped-assay", "Bob's churn", 'both " and \'', "a/b", "..",
         "back\\slash", "日本語の実験", "x" * 200, "ü" * 200, "a\tb", "a;b#c?d%e"]  # fmt: skip


def trained(name: str, store: MemoryStore | None = None) -> assay.Run:
    settings = {"name": name, "training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    frame, learner = table(Task.BINARY), FakeLearner()
    return assay.train(frame, target="y", learner=learner, settings=settings,
                       store=store or MemoryStore(), checks=[])  # fmt: skip


def test_an_ordinary_name_gives_a_page_of_that_name(workspace: Path) -> None:
    assert trained("income").report == workspace / "reports" / "income" / "fake-seeds1.html"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_never_leaves_the_workspace(name: str, workspace: Path) -> None:
    store = MemoryStore()
    run = trained(name, store)
    assert run.experiment == name
    assert run.report.resolve().parent.parent == workspace / "reports"
    assert assay.report(run, store=store) == run.report


def test_a_page_of_another_run_is_never_written_over(workspace: Path) -> None:
    stores = MemoryStore(), MemoryStore()
    first, second = (trained("income", store) for store in stores)
    assert first.name == second.name
    assert first.report != second.report
    for run, store in zip((first, second), stores, strict=True):
        assert run.run_id in run.report.read_text()
        assert assay.report(run, store=store) == run.report
        assert assay.evaluate(run, store=store).report == run.report
