"""`assay ui`: MLflow's pages for this machine only, with the reports, and nothing left behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import optuna
import psutil
import pytest

from assay import lifecycle
from assay.errors import NotFoundError
from assay.place import Place
from assay.searching.dashboard import found_study
from assay.tracking.mlflow_client import client
from assay.tuning.study import StudyPlace
from tests.conftest import EXAMPLES
from tests.journeys.terminal import AS_IN_A_TERMINAL, Terminal
from tests.reports.browser import EXECUTABLE, browser

PATIENCE_S = 120
SEARCH = "ajax-api/2.0/mlflow/experiments/search"


@contextmanager
def shown(*besides: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and where its pages are."""
    process = subprocess.Popen(
        [sys.executable, "-c", AS_IN_A_TERMINAL, "ui", "--json", "--no-open", *besides],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("}"):
                break
        yield process, json.loads("".join(lines))["url"]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def answer(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    data = b'{"max_results": 5}' if method == "POST" else None
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = Request(url, data, {"Content-Type": "application/json", **named}, method=method)
    try:
        with urlopen(asked, timeout=30) as got:
            return got.status, got.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in psutil.wait_procs(processes, timeout=15)[1] if each.is_running()]


@pytest.mark.slow
@pytest.mark.parametrize(("by", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_answers_this_machine_only_and_leaves_nothing(
    by: signal.Signals, status: int, workspace: Path
) -> None:
    client(f"sqlite:///{workspace / 'mlflow.db'}").create_experiment("income")
    with shown() as (process, url):
        port = int(url.rpartition(":")[2])
        assert answer(url)[0] == 200
        assert "income" in answer(f"{url}/{SEARCH}", "POST")[1]
        assert answer(url, Host="evil.example")[0] == 403
        assert answer(url, Host=f"192.168.0.1:{port}")[0] == 403, "not even MLflow's own default"
        said = answer(f"{url}/{SEARCH}", "POST", Origin="http://evil.example")
        assert said == (403, "Cross-origin request blocked")
        assert answer(f"{url}/{SEARCH}", "POST", Origin=url)[0] == 200
        bound = [each.laddr.ip for child in psutil.Process(process.pid).children(recursive=True)
                 for each in child.net_connections() if each.status == "LISTEN"]  # fmt: skip
        assert set(bound) == {"127.0.0.1"}
        started = psutil.Process(process.pid).children(recursive=True)
        uris = [" ".join(each.cmdline()) for each in started]
        assert not [each for each in uris if "mlflow.db" in each], "the store is no argument"
        process.send_signal(by)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status
    assert left(started) == []
    assert (workspace / "ui.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here")
def test_a_report_is_seen_in_the_page_of_its_run(workspace: Path) -> None:
    run = lifecycle.train(EXAMPLES / "penguins.yaml", overrides=["training.seeds=1"], why="To look")
    with shown() as (_, url), browser() as page:
        there = f"{url}/#/experiments/1/runs/{run.run_id}"
        page.send("Page.navigate", url=there)
        _await(lambda: "To look" in page.ask("document.body?.innerText ?? ''"), "the description")
        page.send("Page.navigate", url=f"{there}/artifacts/{run.name}.html")
        _await(lambda: page.ask("document.querySelectorAll('iframe').length") > 0, "the report")


def _await(holds: object, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def test_a_port_that_is_taken_is_told(terminal: Terminal, workspace: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = terminal("ui", "--port", str(port))
    assert said.status == 2
    assert f"The port {port} cannot be listened on" in said.err


def test_of_a_server_its_address_is_told(
    terminal: Terminal, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@host.example:5000")
    said = terminal("ui", "--json")
    assert said.json == {"url": "http://***@host.example:5000"}
    assert "hunter2" not in said.err
    assert [each.name for each in workspace.iterdir()] == ["mlflow.db"]


def test_a_study_is_shown_in_optunas_dashboard_to_this_machine_only(workspace: Path) -> None:
    place = StudyPlace("income", workspace / "studies" / "income")
    optuna.create_study(storage=place.storage(), study_name="income")
    with shown("--study", "income") as (process, url):
        root = url.removesuffix("/dashboard")
        assert answer(url)[0] == 200
        assert "income" in answer(f"{root}/api/studies")[1]
        assert answer(f"{root}/api/studies", Host="evil.example")[0] == 403
        assert answer(f"{root}/api/studies", Origin="http://evil.example")[0] == 403
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


def test_a_study_that_is_not_there_is_refused_with_what_there_is(workspace: Path) -> None:
    (workspace / "studies" / "income").mkdir(parents=True)
    with pytest.raises(NotFoundError, match="There is no study 'incom' in this workspace") as told:
        found_study("incom", Place.to_find())
    assert (told.value.where, told.value.mend) == ("studies: income", "income")
