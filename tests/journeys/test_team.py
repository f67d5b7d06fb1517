"""Runs of a team: PostgreSQL for what is recorded, an S3 for files and models, both for real."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

import assay
from assay import sending
from assay.place import Place
from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Status
from tests.conftest import EXAMPLES
from tests.journeys.terminal import Terminal
from tests.servers import (
    Server,
    free_port,
    mlflow_server,
    object_store,
    postgres,
    postgres_programs,
)
from tests.tracking.story import assert_told, begun, tell_children, tell_opening

pytest.importorskip("moto", reason="moto is not installed: pip install 'moto[s3,server]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        postgres_programs() is None,
        reason="PostgreSQL is not installed: apt-get install postgresql",
    ),
]
BUCKET = "team"
EXPERIMENT, TABLE = str(EXAMPLES / "penguins.yaml"), str(EXAMPLES / "penguins.parquet")


@dataclass(frozen=True)
class Team:
    """What a team has, with passwords."""

    database: str
    environment: dict[str, str]

    @property
    def secrets(self) -> list[str]:
        names = ("TEAM_PASSWORD", "AWS_SECRET_ACCESS_KEY")
        return [self.environment[name] for name in names]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    import boto3

    folder = tmp_path_factory.mktemp("team")
    environment = {
        "TEAM_PASSWORD": token_hex(12),
        "AWS_ACCESS_KEY_ID": token_hex(8),
        "AWS_SECRET_ACCESS_KEY": token_hex(12),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    store = object_store(folder, environment)
    store.start("/moto-api/")
    try:
        environment["MLFLOW_S3_ENDPOINT_URL"] = environment["AWS_ENDPOINT_URL"] = store.uri
        asked = boto3.client(
            "s3", endpoint_url=store.uri, region_name="us-east-1",
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        asked.create_bucket(Bucket=BUCKET)
        with postgres(environment["TEAM_PASSWORD"]) as address:
            yield Team(f"postgresql+psycopg://assay:${{TEAM_PASSWORD}}@{address}/postgres",
                       environment)  # fmt: skip
    finally:
        store.stop()


@pytest.fixture
def member(team: Team, monkeypatch: pytest.MonkeyPatch) -> Team:
    for name, value in team.environment.items():
        monkeypatch.setenv(name, value)
    return team


def objects() -> list[str]:
    import boto3

    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    return [each["Key"] for each in found.get("Contents", [])]


def test_a_run_straight_into_the_database_and_the_bucket(
    member: Team, terminal: Terminal, workspace: Path, tmp_path: Path
) -> None:
    settings = ["--set", f"tracking.uri={member.database}",
                "--set", f"tracking.artifacts=s3://{BUCKET}/runs", "--seeds", "1"]  # fmt: skip
    trained = terminal("train", EXPERIMENT, *settings, "--json")
    assert trained.status == 0, trained.err
    assert any(key.startswith("runs/") and key.endswith("MLmodel") for key in objects())
    assert not (workspace / "artifacts").exists()
    listed = terminal("runs", "--json").json["runs"]
    assert (trained.json["run_id"], "finished") in [(e["run_id"], e["status"]) for e in listed]
    assert terminal("evaluate", "last", "--on", "test", "--json").json["rows"] == "test"
    assert terminal("register", "last", "--as", "species").status == 0
    predicted = terminal("predict", "species", TABLE, "--out", str(tmp_path / "there.parquet"))
    assert predicted.status == 0, predicted.err
    frame = pd.read_parquet(TABLE)
    there = pd.read_parquet(tmp_path / "there.parquet")["prediction"]
    np.testing.assert_array_equal(assay.load("species").predict(frame), there)
    for path in [*workspace.rglob("*"), *tmp_path.glob("*.db*")]:
        for secret in member.secrets if path.is_file() else []:
            assert secret.encode() not in path.read_bytes(), path


def test_the_whole_story_arrives_in_the_database_and_the_bucket(
    member: Team, tmp_path: Path
) -> None:
    uri = member.database.replace("${TEAM_PASSWORD}", member.environment["TEAM_PASSWORD"])
    store = MlflowStore(uri, f"s3://{BUCKET}/story")
    recorder = begun(store, tmp_path / "spool")
    tell_opening(recorder, tmp_path / "files")
    for step in range(500):
        recorder.metrics({"loss": 1 / (step + 1), "accuracy": step / 7}, step)
    tell_children(recorder, range(20))
    recorder.finish(Status.FINISHED)
    assert_told(store, recorder.run_id, range(500), tmp_path)


def test_what_a_killed_process_left_reaches_the_database(
    member: Team, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", member.database)
    pid = os.fork()
    if pid == 0:
        recorder = Place.to_begin(None, None, f"s3://{BUCKET}/killed").begin("killed", "a", {})
        for step in range(1000):
            recorder.metrics({"loss": float(step)}, step)
        (tmp_path / "ready").write_text(recorder.run_id)
        time.sleep(60)
        os._exit(0)
    while not (tmp_path / "ready").exists() or not (tmp_path / "ready").read_text():
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert sending.sync().runs == ("killed/a",)
    store = Place.to_find().store
    record = store.get((tmp_path / "ready").read_text())
    assert (record.status, record.reason) == (Status.INTERRUPTED, "its process is gone")
    assert store.history(record.run_id, "loss") == [(step, float(step)) for step in range(1000)]


def test_a_server_before_both(
    member: Team, terminal: Terminal, workspace: Path, tmp_path: Path
) -> None:
    """The members know the server's address, and none of its passwords."""
    uri = member.database.replace("${TEAM_PASSWORD}", member.environment["TEAM_PASSWORD"])
    options = ["--backend-store-uri", uri, "--artifacts-destination", f"s3://{BUCKET}/served"]
    with mlflow_server(tmp_path / "server", options=options) as server:
        settings = ["--seeds", "1", "--set", f"tracking.uri={server.uri}", "--set", "name=served"]
        trained = terminal("train", EXPERIMENT, *settings, "--json")
        assert trained.status == 0, trained.err
        assert any(key.startswith("served/") and key.endswith("MLmodel") for key in objects())
        assert terminal("register", "last", "--as", "served").status == 0
        assert terminal("predict", "served", TABLE, "--out", "out.parquet").status == 0


def commands_of_docs() -> dict[str, str]:
    """MLflow's command line as the team's files have it, on one line."""
    folder = Path(__file__).parents[2] / "docs" / "server"
    compose = YAML(typ="safe").load((folder / "compose.yaml").read_text())
    unit = (folder / "mlflow.service").read_text().replace("\\\n", " ")
    [start] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    return {
        "compose.yaml": compose["services"]["mlflow"]["command"],
        "mlflow.service": start.partition("=")[2],
    }


@pytest.mark.parametrize("name", ["compose.yaml", "mlflow.service"])
def test_the_server_of_the_docs_runs(name: str, member: Team, tmp_path: Path) -> None:
    """The very command line, with a free port and the URIs in the environment."""
    text = commands_of_docs()[name].replace("${SERVER_NAME:-localhost}", "${SERVER_NAME}")
    words = shlex.split(text.replace("${SERVER_NAME}", "runs.example.org"))
    assert words[0].endswith("mlflow"), words
    port = free_port()
    words = [each.replace("5000", str(port)).replace("0.0.0.0", "127.0.0.1") for each in words[1:]]
    environment = {
        **member.environment,
        "MLFLOW_BACKEND_STORE_URI": member.database.replace(
            "${TEAM_PASSWORD}", member.environment["TEAM_PASSWORD"]
        ),
        "MLFLOW_ARTIFACTS_DESTINATION": f"s3://{BUCKET}/docs",
    }
    command = [sys.executable, "-m", "mlflow", *words]
    with Server(command, port, tmp_path / "log", environment) as server:
        store = MlflowStore(server.uri)
        recorder = store.begin(f"docs {name}", "linear", {})
        (tmp_path / "note.txt").write_text("inside")
        recorder.artifact(tmp_path / "note.txt", "notes")
        assert store.fetch(recorder.run_id, "notes/note.txt", tmp_path).read_text() == "inside"
        assert any(key.startswith("docs/") for key in objects())
        assert answer(server.uri, "runs.example.org") == 200
        assert answer(server.uri, "elsewhere.example.org") == 403


def answer(uri: str, host: str) -> int:
    """The status with which a server answers to a name that it may not have."""
    asked = Request(
        f"{uri}/api/2.0/mlflow/experiments/search?max_results=1", headers={"Host": host}
    )
    try:
        with urlopen(asked) as answered:
            return int(answered.status)
    except HTTPError as error:
        return error.code


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit_of_the_docs(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "server" / "mlflow.service").read_text()
    unit = tmp_path / "mlflow.service"
    unit.write_text(text.replace("/opt/mlflow/bin/mlflow", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "mlflow.service" in line] == []
