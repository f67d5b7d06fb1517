"""Workers are forked from a server of their own, which has imported what they need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from packaging.specifiers import SpecifierSet

from assay.errors import LearnerError
from assay.fitting.forking import Forked, can_fork
from assay.fitting.pool import started

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are not forked here")

SCRIPT = """
import pandas as pd
import assay

print("begun")
frame = pd.DataFrame({"a": range(90), "y": [0, 1, 0] * 30})
run = assay.train(frame, target="y", learner="linear", workers=2)
print(run.evaluation.rows)
"""


@pytest.fixture
def executor() -> Iterator[Any]:
    made = started(2, ["no_such_module"])
    yield made
    made.shutdown(kill_workers=True)


def test_workers_have_one_thread_and_this_process_keeps_its_own(executor: Any) -> None:
    before = dict(os.environ)
    assert executor.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert dict(os.environ) == before


def test_workers_have_what_the_server_imported(executor: Any) -> None:
    assert executor.submit(_imported_before, "sklearn.ensemble").result()


def _imported_before(name: str) -> bool:
    return name in sys.modules


def test_the_server_ends_with_its_executor(executor: Any) -> None:
    worker = psutil.Process(executor.submit(os.getpid).result())
    server = worker.parent()
    assert server is not None
    assert server.ppid() == os.getpid()
    executor.shutdown()
    _, alive = psutil.wait_procs([worker, server], timeout=20)
    assert alive == []


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.stdout.splitlines() == ["begun", "out-of-fold"], done.stderr


def test_a_server_that_was_killed_is_not_begun_again_in_another_environment() -> None:
    context = Forked([], {"OMP_NUM_THREADS": "1"})
    try:
        server = context._server._forkserver_pid
        os.kill(server, signal.SIGKILL)
        os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
        with pytest.raises(LearnerError, match="workers are forked from was ended"):
            context.Process(target=os.getpid).start()
    finally:
        context.close()


def test_no_python_is_asked_for_whose_fork_server_listens_to_others() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    asked = SpecifierSet(project["requires-python"])
    assert ("3.11.0" in asked, "3.11.1" in asked) == (False, True)
