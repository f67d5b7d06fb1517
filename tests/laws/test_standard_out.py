"""Law 7: a logged model predicts with plain MLflow without Assay, and gives our numbers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from torch import Tensor, nn

import assay
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from tests.tables import table

NETWORKS = "mlp", "tabular-net"
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


@pytest.mark.parametrize("learner", ["linear", "boosting", "mlp", "tabular-net"])
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
    settings["training"] = {"seeds": 1} | ({"epochs": 2} if learner in NETWORKS else {})
    run = assay.train(frame, target="y", learner=learner, settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    _same_numbers(folder, frame.drop(columns="y"), python_without_assay, tmp_path)


@pytest.mark.parametrize("form", ["png", "pixels"])
def test_plain_mlflow_sees_the_same_images(
    form: str, python_without_assay: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    pixels = [random.integers(256, size=(9, 11, 3)).astype(np.uint8) for _ in range(60)]
    cells = [_png(each) for each in pixels] if form == "png" else [each.tolist() for each in pixels]
    frame = pd.DataFrame({"image": cells, "y": ["cat", "dog"] * 30})
    store = MemoryStore()
    settings = {
        "model": {"options": {"widths": [4, 8], "size": [8, 8]}},
        "training": {"seeds": 1, "epochs": 1},
        "evaluation": {"calibration": "temperature", "resamples": 200},
    }
    run = assay.train(frame, target="y", learner="resnet", settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    assert "pillow==" in (folder / "requirements.txt").read_text()
    _same_numbers(folder, frame.drop(columns="y"), python_without_assay, tmp_path)


class OwnNet(nn.Module):
    """A network of one's own."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(n_inputs, 16), nn.Linear(16, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.hidden(x).relu())


def test_plain_mlflow_needs_no_class_of_a_network_of_ones_own(
    python_without_assay: Path, tmp_path: Path
) -> None:
    frame, store = table(Task.MULTICLASS, n=300), MemoryStore()
    settings = {"training": {"seeds": 1, "epochs": 2}, "evaluation": {"resamples": 200}}
    run = assay.train(frame, target="y", learner=OwnNet, settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    trusted = [f"{__name__}:OwnNet"]
    _same_numbers(folder, frame.drop(columns="y"), python_without_assay, tmp_path, trusted)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def _same_numbers(
    folder: Path, unseen: pd.DataFrame, python: Path, tmp_path: Path, trust: Sequence[str] = ()
) -> None:
    """Assay and plain MLflow where Assay is unknown predict the same rows, and agree."""
    unseen.to_parquet(tmp_path / "rows.parquet")
    subprocess.run(
        [python, "-c", SCRIPT, folder, tmp_path / "rows.parquet", tmp_path],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    model = assay.load(str(folder), trust=trust)
    labels = pd.read_parquet(tmp_path / "labels.parquet")["prediction"].to_numpy()
    np.testing.assert_array_equal(labels, model.predict(unseen))
    if model.classes:
        probabilities = pd.read_parquet(tmp_path / "probabilities.parquet")
        assert list(probabilities.columns) == [str(label) for label in model.classes]
        np.testing.assert_array_equal(probabilities.to_numpy(), model.predict_proba(unseen))


@pytest.mark.filterwarnings("ignore::UserWarning")  # rows unlike those of training are told of
def test_plain_mlflow_takes_rows_in_whatever_types_they_come(tmp_path: Path) -> None:
    import mlflow

    frame = table(Task.BINARY, n=300)
    frame["flag"] = np.arange(300) % 3 == 0
    frame["when"] = pd.date_range("2026-01-01", periods=300)
    store = MemoryStore()
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    run = assay.train(frame, target="y", learner="boosting", settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    plain, ours = mlflow.pyfunc.load_model(str(folder)), assay.load(str(folder))
    rows = frame.drop(columns="y")
    expected = ours.predict(rows)
    forms = {
        "categories": rows.assign(kind=rows["kind"].astype("category")),
        "floats": rows.assign(whole=rows["whole"].astype(float)),
        "small numbers": rows.assign(whole=rows["whole"].astype("int16")),
        "nullable": rows.convert_dtypes(),
        "dates as text": rows.assign(when=rows["when"].astype(str)),
        "dates as numbers": rows.assign(when=rows["when"].dt.strftime("%Y%m%d").astype(int)),
        "truth as numbers": rows.assign(flag=rows["flag"].astype(int)),
        "truth as text": rows.assign(flag=rows["flag"].astype(str)),
        "numbers as text": rows.assign(a=rows["a"].astype(str).replace("nan", None)),
        "another order": rows[rows.columns[::-1]],
        "more columns": rows.assign(more=1),
    }
    for name, form in forms.items():
        np.testing.assert_array_equal(plain.predict(form)["prediction"], expected, err_msg=name)
        np.testing.assert_array_equal(ours.predict(form), expected, err_msg=name)
    gaps = rows.assign(
        whole=rows["whole"].where(rows["whole"] > 5), flag=rows["flag"].where(rows["a"] > 0)
    )
    gaps.loc[0, "kind"] = "never seen"
    np.testing.assert_array_equal(plain.predict(gaps)["prediction"], ours.predict(gaps))


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
