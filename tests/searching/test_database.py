"""One study in PostgreSQL, searched by two commands that were begun apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

import assay
from assay.data.schema import Task
from assay.place import Place
from assay.searching.found import Found
from assay.tracking.mlflow import MlflowStore
from tests.searching.small import QUICK, C
from tests.servers import postgres, postgres_programs
from tests.tables import table

pytestmark = pytest.mark.skipif(
    postgres_programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql"
)
TRIALS = 16
_SEARCH = """
from tests.searching.test_database import search
print(len(search().trials))
"""


def search() -> Found:
    storage = f"postgresql://assay:${{STUDY_PASSWORD}}@{os.environ['STUDY_HOST']}/postgres"
    tuning = {"trials": TRIALS, "seeds": 1, "space": C, "storage": storage, "pruner": "none"}
    settings = {**QUICK, "tuning": tuning}
    return assay.tune(table(Task.BINARY), target="y", learner="linear", settings=settings)


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    password = token_hex(8)
    monkeypatch.setenv("STUDY_PASSWORD", password)
    with postgres(password) as address:
        monkeypatch.setenv("STUDY_HOST", address)
        yield password


def test_two_commands_begun_apart_search_one_study(password: str, workspace: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", _SEARCH], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE,
        text=True, env={**os.environ, "ASSAY_WORKSPACE": f"{workspace}-other"},
    )  # fmt: skip
    found = search()
    said, _ = other.communicate(timeout=200)
    assert other.returncode == 0
    assert said.strip() == str(TRIALS)
    again = search()
    assert len(again.trials) == TRIALS
    assert {each.state for each in again.trials} == {"complete"}
    assert len({each.settings["model.options.C"] for each in again.trials}) == TRIALS
    assert again.corrected is not None
    assert again.corrected.candidates == TRIALS, "predictions of both are in the database"
    assert found.run is not None
    store = MlflowStore(Place.to_find().uri)
    searches = [each for each in store.runs() if each.name.startswith("search-")]
    last = max(searches, key=lambda each: each.created)
    assert len(store.children(last.run_id)) == TRIALS
    for path in workspace.rglob("*"):
        assert not path.is_file() or password.encode() not in path.read_bytes(), path
