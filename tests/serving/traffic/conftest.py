"""Models that may compete: registered ones, and ones that are only packed, each trained once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import assay
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.inference.loading import LoadedModel
from assay.learners.builtin import make_learner
from assay.place import Place
from assay.tracking.mlflow_client import client
from tests.serving.models import packed
from tests.tables import table

SETTINGS = {"name": "m", "training": {"seeds": 1}, "evaluation": {"resamples": 200}}


@pytest.fixture(scope="module")
def trained(template_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with m/1 in production and m/2 in staging."""
    folder = tmp_path_factory.mktemp("trained") / "workspace"
    folder.mkdir()
    shutil.copy(template_database, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_WORKSPACE", str(folder))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        data = table(Task.BINARY)
        for learner in ("linear", "boosting"):
            run = assay.train(data, target="y", learner=learner, settings=SETTINGS)
            assay.register(run, "m")
        asked = client(Place.to_find().uri)
        asked.set_registered_model_alias("m", "production", "1")
        asked.set_registered_model_alias("m", "staging", "2")
    return folder


@pytest.fixture
def models(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of the test's own, with these models."""
    folder = tmp_path / "own"
    shutil.copytree(trained, folder)
    monkeypatch.setenv("ASSAY_WORKSPACE", str(folder))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    return folder


@pytest.fixture(scope="session")
def rivals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedModel]:
    """m/1 and m/2, which may compete, and n/1, which reads fewer columns."""
    data, found = table(Task.BINARY), {}
    narrow = data[["y", "a"]]
    for name, learner, frame in (
        ("m/1", "linear", data), ("m/2", "boosting", data), ("n/1", "linear", narrow),
    ):  # fmt: skip
        settings = DataSettings(source="table", target="y", task=Task.BINARY)
        loaded = packed(
            tmp_path_factory.mktemp("rivals"), make_learner(learner, {}),
            prepare(from_frame(frame), settings, "table"), frame,
        )  # fmt: skip
        loaded.name = name
        found[name] = loaded
    return found
