"""Runs and models on an MLflow server instead of a file: a real one, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import numpy as np
import pandas as pd
import pytest

from assay import steps
from assay.tracking.mlflow import MlflowStore
from tests.conftest import EXAMPLES
from tests.journeys.terminal import Terminal
from tests.servers import Proxy, free_port, mlflow_server
from tests.tracking.racing import raced


@pytest.fixture
def server(template_database: Path, tmp_path: Path) -> Iterator[str]:
    """The URI of an MLflow server that is stopped afterwards."""
    with mlflow_server(tmp_path / "server", template_database) as started:
        yield started.uri


@pytest.mark.slow
def test_a_server_keeps_runs_and_models(
    server: str, terminal: Terminal, tmp_path: Path, workspace: Path, ledger: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    experiment, table = str(EXAMPLES / "penguins.yaml"), str(EXAMPLES / "penguins.parquet")
    secret = token_hex(8)  # not written here: the diff of this file is part of the provenance
    monkeypatch.setenv("PW", secret)
    address = server.replace("://", "://me:${PW}@")
    trained = terminal("train", experiment, "--seeds", "1", "--json", "--set",
                       f"tracking.uri={address}").json  # fmt: skip
    assert list((tmp_path / "server" / "artifacts").rglob("MLmodel")), "the model is at the server"

    # Nobody has to say again where runs are.
    [run] = terminal("runs", "--json").json["runs"]
    assert (run["run_id"], run["status"]) == (trained["run_id"], "finished")
    assert terminal("evaluate", "last", "--on", "test", "--json").json["rows"] == "test"
    assert terminal("register", "last", "--as", "species").status == 0
    assert terminal("predict", "species", table, "--out", "there.parquet").status == 0

    # Its password is in no file, neither here nor there.
    for path in [*workspace.rglob("*"), *(tmp_path / "server").rglob("*")]:
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    monkeypatch.delenv("PW")
    assert "needs the environment variable PW" in terminal("runs").err
    monkeypatch.setenv("PW", secret)

    # A run in the workspace's own store is what is looked for after it.
    here = terminal("train", experiment, "--seeds", "1", "--json").json
    [run] = terminal("runs", "--json").json["runs"]
    assert run["run_id"] == here["run_id"] != trained["run_id"]
    assert (
        terminal("predict", f"runs:/{here['run_id']}", table, "--out", "here.parquet").status == 0
    )
    assert trained["metrics"] == here["metrics"]
    columns = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("there", "here")]
    np.testing.assert_array_equal(*columns)


@pytest.mark.slow
def test_runs_that_race_to_a_server_get_names_of_their_own(server: str, tmp_path: Path) -> None:
    names = raced(server, tmp_path, n=3, timeout_s=120)
    assert len(set(names)) == 3, names
    assert all(name.startswith("linear") for name in names)
    assert {run.name for run in MlflowStore(server).runs("fresh")} == set(names)


@pytest.mark.slow
def test_a_server_that_goes_away_gets_the_run_when_it_is_back(
    terminal: Terminal, template_database: Path, tmp_path: Path, workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("assay.tracking.spooled.PATIENCE_S", 1)
    with (
        mlflow_server(tmp_path / "server", template_database) as server,
        Proxy(server.port) as proxy,
    ):
        record_settings = steps.record_settings

        def goes_away(*arguments: object) -> None:
            proxy.refuse()
            record_settings(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(steps, "record_settings", goes_away)
        trained = terminal("train", str(EXAMPLES / "penguins.yaml"), "--seeds", "1", "--json",
                           "--quiet", "--set", f"tracking.uri={proxy.uri}")  # fmt: skip
        assert trained.status == 0, trained.err
        assert Path(trained.json["report"]).exists()
        assert "has not reached the store of runs yet: The store of runs " in trained.err
        assert "sent by the next command that can, or by: assay sync" in trained.err
        assert "Warning" not in trained.err

        still_away = terminal("sync", "--quiet")
        assert (still_away.status, still_away.out) == (2, "")
        assert still_away.err.startswith("TrackingError: The store of runs ")

        proxy.listen()
        synced = terminal("sync", "--quiet")
        assert (synced.status, synced.err) == (0, ""), synced
        assert "is whole in the store of runs." in synced.out
        assert terminal("sync", "--quiet").out == "Everything has been sent.\n"
        [run] = terminal("runs", "--json").json["runs"]
        assert (run["run_id"], run["status"]) == (trained.json["run_id"], "finished")
        tested = terminal("evaluate", "last", "--on", "test", "--json")
        assert tested.json["rows"] == "test", tested.err
        assert terminal("register", "last", "--as", "species").status == 0
        table = str(EXAMPLES / "penguins.parquet")
        assert terminal("predict", "species", table, "--out", "there.parquet").status == 0


def test_a_server_that_is_not_there_is_told_at_once(terminal: Terminal, workspace: Path) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    experiment = str(EXAMPLES / "penguins.yaml")
    said = terminal("train", experiment, "--seeds", "1", "-q", "--set", f"tracking.uri={uri}")
    assert said.status == 2
    assert said.out == ""
    assert "The store of runs cannot be reached" in said.err
    assert f"where: {uri}" in said.err
    assert terminal("runs", "--json").json == {"runs": []}, "it is not where runs are looked for"
