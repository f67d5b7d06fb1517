"""What is written about a run is kept whole, by whomever and whenever it was written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay import logbook
from assay.errors import InputError, NotFoundError
from assay.experiment.reading import experiment_from
from assay.tracking.memory import MemoryStore
from assay.tracking.mlflow import MlflowStore
from assay.tracking.mlflow_client import client
from assay.tracking.notes import DESCRIPTION, Notes, annotate, opening
from assay.tracking.recorder import Status


def begun(store: MemoryStore) -> str:
    return store.begin("income", "linear", opening("Is it enough?", ["baseline"])).run_id


def test_a_run_begins_with_its_hypothesis_and_its_tags() -> None:
    store = MemoryStore()
    record = store.get(begun(store))
    notes = Notes.of(record.tags)
    assert (notes.why, notes.tags, notes.notes) == ("Is it enough?", ("baseline",), ())
    assert record.tags["baseline"] == "true", "as MLflow's page filters by it"
    assert record.tags[DESCRIPTION] == "**Why**: Is it enough?"
    assert opening("", []) == {}


def test_notes_pile_up_and_the_last_conclusion_counts() -> None:
    store = MemoryStore()
    run_id = begun(store)
    annotate(store, run_id, text="first")
    annotate(store, run_id, text="second", conclusion="perhaps")
    notes = annotate(store, run_id, conclusion="yes", tags=["final"], untag=["baseline"])
    assert [each.text for each in notes.notes if not each.concludes] == ["first", "second"]
    assert notes.conclusion == "yes"
    assert notes.tags == ("final",)
    assert [each["text"] for each in notes.as_dict()["notes"]] == [
        "first", "second", "perhaps", "yes",
    ]  # fmt: skip
    described = store.get(run_id).tags[DESCRIPTION]
    assert [part[:15] for part in described.split("\n\n")][:2] == [
        "**Why**: Is it ", "**Conclusion**:",
    ]  # fmt: skip
    assert "perhaps" in described, "an earlier conclusion is not lost"


def test_a_failed_run_can_be_written_about_and_nothing_written_changes_nothing() -> None:
    store = MemoryStore()
    run_id = begun(store)
    store.attach(run_id).finish(Status.FAILED, "no memory")
    assert (
        logbook.note("linear", "needs more memory", store=store).notes[0].text.startswith("needs")
    )
    before = store.get(run_id)
    assert logbook.note("linear", store=store) == Notes.of(before.tags)
    assert store.get(run_id) == before
    assert before.status is Status.FAILED
    with pytest.raises(NotFoundError, match="no run 'liner'"):
        logbook.note("liner", "x", store=store)


def test_secrets_are_masked_and_the_description_looks_like_the_text() -> None:
    store = MemoryStore()
    run_id = begun(store)
    notes = annotate(store, run_id, text="see http://me:hunter2@host and *this* <b>")
    assert notes.notes[0].text == "see http://***@host and *this* <b>"
    assert store.get(run_id).tags[DESCRIPTION].endswith(r"http://\*\*\*@host and \*this\* \<b\>")
    assert "hunter2" not in json.dumps(opening("token=hunter2", []))


@pytest.mark.parametrize(
    ("tag", "told", "mend"),
    [
        ("two words", "a tag is one word", "two-words"),
        ("assay.why", "are taken", "baseline"),
        ("mlflow.note.content", "are taken", "baseline"),
        ("", "a tag is one word", "baseline"),
        ("x" * 61, "at most 60", "x" * 60),
    ],
)
def test_what_cannot_be_a_tag_is_refused(tag: str, told: str, mend: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        opening("", [tag])
    assert caught.value.mend == mend


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most 5,000 characters, and this one has 5,001"):
        opening("x" * 5001, [])


def test_the_experiment_file_names_tags() -> None:
    least = {"data": {"source": "a.csv", "target": "y"}, "model": {"learner": "linear"}}
    loaded = experiment_from({**least, "tracking": {"tags": "final"}}, Path())
    assert loaded.experiment.tracking.tags == ("final",)
    with pytest.raises(InputError, match=r"tracking\.tags is a b: a tag is one word"):
        experiment_from({**least, "tracking": {"tags": ["a b"]}}, Path())


_WRITER = """
import sys
from assay.tracking.mlflow import MlflowStore
from assay.tracking.notes import annotate
uri, run_id, who = sys.argv[1:]
for number in range(5):
    annotate(MlflowStore(uri), run_id, text=f"{who}-{number}")
"""


@pytest.mark.slow
def test_writers_at_the_same_time_lose_nothing(workspace: Path) -> None:
    uri = f"sqlite:///{workspace / 'mlflow.db'}"
    store = MlflowStore(uri, workspace)
    run_id = store.begin("income", "linear", opening("Why not?", ["baseline"])).run_id
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, uri, run_id, who]) for who in ("a", "b")
    ]
    assert [each.wait(timeout=120) for each in writers] == [0, 0]
    expected = {f"{who}-{number}" for who in ("a", "b") for number in range(5)}
    notes = Notes.of(store.get(run_id).tags)
    assert {each.text for each in notes.notes} == expected
    described = client(uri).get_run(run_id).data.tags[DESCRIPTION]
    assert described == notes.markdown()
    found = client(uri).search_runs(["1"], "tags.baseline = 'true'")
    assert [run.info.run_id for run in found] == [run_id]
