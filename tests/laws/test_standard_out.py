"""Law 7: a logged model predicts with plain MLflow without Assay, and gives our numbers."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from tests.tables import table

SCRIPT = """
import importlib.util, json, sys
assert importlib.util.find_spec("assay") is None, "this environment must not know assay"
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
frame = pd.read_parquet(sys.argv[2])
model.predict(frame).to_parquet(sys.argv[3] + "/labels.parquet")
assert model.metadata.signature.inputs is not None
assert model.metadata.signature.outputs is not None
assert model.input_example is not None
if model.metadata.signature.params is not None:
    proba = model.predict(frame, params={"output": "probabilities"})
    proba.to_parquet(sys.argv[3] + "/probabilities.parquet")
"""


@pytest.fixture(scope="session")
def python_without_assay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has everything but Assay.

    The packages are found by a plain path: Assay itself is an editable install, which only
    counts in the environment that it was made for.
    """
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    (site / "everything_else.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


@pytest.mark.parametrize("learner", ["linear", "boosting"])
@pytest.mark.parametrize("task", list(Task))
def test_plain_mlflow_gives_the_same(
    task: Task, learner: str, python_without_assay: Path, tmp_path: Path
) -> None:
    frame = table(task, n=300)
    frame["when"] = pd.date_range("2026-01-01", periods=300).astype(str)
    frame["flag"] = np.arange(300) % 3 == 0
    store = MemoryStore()
    calibration = {Task.BINARY: "isotonic", Task.MULTICLASS: "temperature"}.get(task, "none")
    settings = {"evaluation": {"calibration": calibration, "resamples": 200}}
    settings["training"] = {"seeds": 1}
    run = assay.train(frame, target="y", learner=learner, settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    unseen = frame.drop(columns="y")
    unseen.to_parquet(tmp_path / "rows.parquet")
    subprocess.run(
        [python_without_assay, "-c", SCRIPT, folder, tmp_path / "rows.parquet", tmp_path],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    model = assay.load(str(folder))
    labels = pd.read_parquet(tmp_path / "labels.parquet")["prediction"].to_numpy()
    np.testing.assert_array_equal(labels, model.predict(unseen))
    if task is not Task.REGRESSION:
        probabilities = pd.read_parquet(tmp_path / "probabilities.parquet")
        assert list(probabilities.columns) == [str(label) for label in model.classes]
        np.testing.assert_array_equal(probabilities.to_numpy(), model.predict_proba(unseen))


def test_the_model_says_where_it_comes_from(tmp_path: Path) -> None:
    store = MemoryStore()
    frame = table(Task.BINARY)
    settings = {"training": {"seeds": 1}}
    run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    about = json.loads((folder / "artifacts" / "finished" / "model.json").read_text())
    assert about["run_id"] == run.run_id
    assert about["threshold"] == run.threshold.value
    requirements = (folder / "requirements.txt").read_text()
    assert "scikit-learn==" in requirements
    assert "assay" not in requirements
