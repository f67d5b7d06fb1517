"""The log book in the terminal: everything of a run, lists of them, notes, and completion."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import assay
from assay import logbook
from assay.cli import listing
from assay.cli.entry import show_entry, spark, written
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from assay.tracking.notes import Notes
from tests.fakes import FakeLearner
from tests.tables import table

SETTINGS = {"name": "small", "training": {"seeds": 2}, "evaluation": {"resamples": 200}}


class Broken(FakeLearner):
    """Cannot learn."""

    def fit(self, *arguments: object) -> object:
        raise ValueError("out of luck")


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def run(store: MemoryStore) -> assay.Run:
    return assay.train(
        table(Task.BINARY), target="y", learner=FakeLearner(), settings=SETTINGS, store=store,
        why="To have something to show", tags=["baseline"], workers=1,
    )  # fmt: skip


def shown(renderable: object, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def told(entry: object, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    show_entry(entry, console)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_is_told_whole(run: assay.Run, store: MemoryStore) -> None:
    logbook.note(run, "looked at it", conclusion="it will do", store=store)
    entry = logbook.show(run, store=store)
    text = told(entry)
    for part in (
        run.reference, "finished", "baseline", "To have something to show", "it will do",
        "looked at it", "fake predicts y", "ROC AUC", "192 out-of-fold rows", "training.seeds: 2",
        "Over 2 seeds", "findings", "drawn at random", "scikit-learn", "fold-1", "█", "run.json",
        "assay evaluate", run.run_id,
    ):  # fmt: skip
        assert part in text, part
    assert max(map(len, text.splitlines()[:-3])) <= 80, "all but paths and commands to be copied"
    document = entry.as_dict()
    assert document["conclusion"] == "it will do"
    assert document["changed"]["evaluation.resamples"] == "200"
    assert document["default"]["data.split.folds"] == "5"
    assert len(document["children"]) == 5
    assert repr(entry) == f"Entry({run.reference}: finished)"


def test_a_failed_run_is_told_with_its_reason(store: MemoryStore) -> None:
    with pytest.raises(ValueError, match="out of luck"):
        assay.train(table(Task.BINARY), target="y", learner=Broken("broken"), settings=SETTINGS,
                    store=store, workers=1)  # fmt: skip
    text = told(logbook.show("small/broken-seeds2", store=store))
    assert "failed: " in text
    assert "out of luck" in " ".join(text.split())
    assert "assay note small/broken-seeds2 TEXT" in text
    assert "packages" in text, "its provenance was recorded before it failed"


def test_what_a_run_recorded_last_is_told_where_it_has_no_result(store: MemoryStore) -> None:
    recorder = store.begin("small", "half", {})
    for step in (1, 2):
        recorder.metrics({"loss": 1 / step}, step=step)
    text = told(logbook.show("half", store=store))
    assert "last recorded" in text
    assert "0.500 at step 2" in text
    assert "running" in text


def test_lists_and_rankings_fit_a_terminal(run: assay.Run, store: MemoryStore) -> None:
    again = assay.train(table(Task.BINARY), target="y", learner="linear", settings=SETTINGS,
                        store=store, workers=1)  # fmt: skip
    found = [
        each for each in logbook.runs(store=store) if each.run_id in (run.run_id, again.run_id)
    ]
    text = shown(listing.table(found, diff=False))
    assert "experiment" not in text, "of one experiment nobody needs to say which"
    assert "baseline" in text
    assert max(map(len, text.splitlines())) <= 80
    board = logbook.ranked(found, store=store)
    text = shown(listing.board(board, diff=True), width=100)
    assert text.splitlines()[1].startswith(f"1  {board.ranks[0].record.name}")
    assert "the best of 2 runs looks better than it is" in " ".join(text.split())
    assert "assay compare" in text
    assert " to " in text.splitlines()[1], "with its interval"
    assert listing.document(found, diff=True)["differences"]["model.learner"] == {
        again.run_id: "linear", run.run_id: "python:fake",
    }  # fmt: skip


def test_courses_are_drawn_small() -> None:
    assert spark([3.0, 2.0, 1.0]) == "█▅▁"
    assert spark([1.0, 1.0, float("nan")]) == "▁▁"
    assert spark([]) == ""
    assert len(spark(list(range(1000)))) <= 32


def test_of_nothing_written_it_is_said_how_to_write() -> None:
    assert "assay note RUN TEXT" in shown(written(Notes.of({})))


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("assay sh", ["show"]),
        ("assay show lin", ["linear-seeds1"]),
        ("assay note small/", ["small/linear-seeds1"]),
        ("assay compare be", ["best"]),
        ("assay train x.yaml --tag ab", ["ablation"]),
    ],
)
def test_the_shell_completes(words: str, offered: list[str], tmp_path: Path) -> None:
    page = tmp_path / "workspace" / "reports" / "small" / "linear-seeds1.html"
    page.parent.mkdir(parents=True)
    page.touch()
    count = len(words.split()) - 1
    code = "from assay.cli.main import cli; cli.main(prog_name='assay')"
    asked = {"_ASSAY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == offered
