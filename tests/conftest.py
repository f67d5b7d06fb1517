"""What every test stands on: a ledger and a workspace of its own, never the user's."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

# Before any framework is imported: its threads and its telemetry are decided then.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.pop("MLFLOW_TRACKING_URI", None)
# What a shell starts in the background is deaf to Ctrl-C, and so would be what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of runs: creating one takes seconds, copying it does not."""
    from assay.tracking.mlflow_client import client

    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    client(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def tiny_transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a transformer so small that it trains in a second."""
    from tests.tiny_transformer import written

    return written(tmp_path_factory.mktemp("tiny") / "transformer")


@pytest.fixture(scope="session")
def tiny_vision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a vision model so small that it trains in a second."""
    from tests.tiny_vision import written

    return written(tmp_path_factory.mktemp("tiny") / "vision")


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of the test's own."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("ASSAY_LEDGER", str(path))
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path / "workspace"))
    return path


@pytest.fixture
def workspace(template_database: Path, tmp_path: Path) -> Path:
    """A workspace whose store of runs is there already, and empty."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    shutil.copy(template_database, folder / "mlflow.db")
    return folder


@pytest.fixture
def another_workspace(
    template_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A second workspace of the same user; entering it leaves the first."""
    folder = tmp_path / "another"
    folder.mkdir()
    shutil.copy(template_database, folder / "mlflow.db")
    monkeypatch.setenv("ASSAY_WORKSPACE", str(folder))
    return folder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A learner's contract is tested on the tasks that the learner is for."""
    tasks = getattr(metafunc.cls, "tasks", None)
    if tasks is not None and "parts" in metafunc.fixturenames:
        metafunc.parametrize("parts", tasks, indirect=True, ids=str)
