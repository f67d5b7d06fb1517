"""A run is done again on the command line, here and from a folder that holds all it needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import EXAMPLES
from tests.journeys.terminal import Terminal


@pytest.fixture
def trained(terminal: Terminal, tmp_path: Path, workspace: Path) -> Path:
    for path in EXAMPLES.glob("penguins.*"):
        shutil.copy(path, tmp_path)
    said = terminal("train", "penguins.yaml", "--seeds", "1", "--set", "data.split.folds=2", "-q")
    assert said.status == 0
    return tmp_path


def test_a_run_is_done_again_and_locked(
    trained: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = terminal("reproduce", "last", "--workers", "1")
    assert said.status == 0
    assert said.out.startswith("environment   as it was\n")
    name = "penguins/linear-folds2-seeds1"
    assert f"{name}-again is identical to {name}." in said.out
    assert "data: penguins.parquet, unchanged" in said.out
    assert "out-of-fold predictions          276 rows    identical   none" in said.out
    assert "Looking for the data ..." in said.err

    said = terminal("lock", name, "--to", "locked")
    assert said.status == 0
    assert said.out.startswith(f"{name} is locked in locked: ")
    assert said.out.endswith("next   sh locked/reproduce.sh\n")
    assert terminal("lock", name, "--to", "locked").status == 2

    monkeypatch.setenv("ASSAY_WORKSPACE", str(trained / "locked" / ".assay"))
    said = terminal("reproduce", "locked", "--json", "--quiet", "--workers", "1")
    assert (said.status, said.err) == (0, "")
    assert said.json["verdict"] == "identical"
    assert said.json["original"] == name
    assert {each["verdict"] for each in said.json["compared"]} == {"identical"}


def test_what_differs_is_exit_1_and_says_why(trained: Path, terminal: Terminal) -> None:
    """The expected predictions of a locked folder are of another model."""
    assert terminal("lock", "last", "--to", "locked", "-q").status == 0
    path = trained / "locked" / "expected" / "out_of_fold.parquet"
    expected = pd.read_parquet(path)
    expected[["probability_0", "probability_1"]] = expected[["probability_1", "probability_0"]]
    expected.to_parquet(path, index=False)
    said = terminal("reproduce", "locked", "--workers", "1")
    assert said.status == 1
    assert "is different from penguins/linear-folds2-seeds1." in said.out
    assert "\nwhy\n  unknown: nothing differs that should matter" in said.out
    assert "predictions of the final model   276 rows    identical" in said.out


def test_a_table_that_is_gone_is_asked_for(trained: Path, terminal: Terminal) -> None:
    for path in (trained / "workspace" / "snapshots").glob("*"):
        path.unlink()
    (trained / "penguins.parquet").rename(trained / "elsewhere.parquet")
    said = terminal("reproduce", "last", "-q")
    assert said.status == 2
    assert "is not to be found: there is no snapshot of it" in said.err
    assert "mend:  give the table as it was: assay reproduce RUN --data FILE" in said.err
    said = terminal("reproduce", "last", "--data", "elsewhere.parquet", "-q", "--json",
                    "--workers", "1")  # fmt: skip
    assert (said.status, said.json["data"]) == (0, "elsewhere.parquet, as given")
