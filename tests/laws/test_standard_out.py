"""Law 7: a logged model predicts with plain MLflow without Assay, and gives our numbers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torch import Tensor, nn

import assay
from assay.data.schema import Task
from assay.tracking.memory import MemoryStore
from tests.tables import table, target_in
from tests.tiny_transformer import texts
from tests.tiny_vision import pictures

NETWORKS = "mlp", "tabular-net"
SCRIPT = """
import importlib.util, json, os, sys, traceback
assert importlib.util.find_spec("assay") is None, "this environment must not know assay"
import mlflow, pandas as pd, skops.io  # what takes long, once; each model has a process of its own

def predicts(folder, rows, out, without):
    os.chdir(out)
    sys.modules.update(dict.fromkeys(without))
    model = mlflow.pyfunc.load_model(folder)
    frame = pd.read_parquet(rows)
    model.predict(frame).to_parquet("labels.parquet")
    assert model.metadata.signature.inputs is not None
    assert model.metadata.signature.outputs is not None
    assert model.input_example is not None
    if model.metadata.signature.params is not None:
        proba = model.predict(frame, params={"output": "probabilities"})
        proba.to_parquet("probabilities.parquet")

for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            predicts(*json.loads(line))
            said = ""
        except BaseException:
            said = traceback.format_exc()
        print(json.dumps(said), flush=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        print(json.dumps("it died"), flush=True)
"""


class Plain:
    """A Python that has everything but Assay, and a fresh process for each model."""

    def __init__(self, folder: Path) -> None:
        # The packages are found by a plain path: Assay itself is an editable install, which only
        # counts in the environment that it was made for.
        venv.create(folder, with_pip=False, symlinks=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = folder / "lib" / version / "site-packages"
        (site / "everything_else.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self._screen = (folder / "stderr.txt").open("w+")
        self._process = subprocess.Popen(
            [folder / "bin" / "python", "-c", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._screen,
            text=True,
            cwd=folder,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(folder),
                "MLFLOW_DISABLE_TELEMETRY": "true",
                # Kernels for another processor round otherwise.
                **{name: value for name, value in os.environ.items() if "BLAS" in name},
            },
        )

    def predict(self, model: Path, rows: Path, out: Path, without: Sequence[str] = ()) -> None:
        """Write what the model says of the rows into a folder, without some packages."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = [str(model), str(rows), str(out), list(without)]
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        said = self._process.stdout.readline()
        assert said, Path(self._screen.name).read_text()
        assert json.loads(said) == ""

    def close(self) -> None:
        self._process.communicate()
        self._screen.close()


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    with closing(Plain(tmp_path_factory.mktemp("plain"))) as python:
        yield python


@pytest.mark.parametrize("learner", ["linear", "boosting", "mlp", "tabular-net"])
@pytest.mark.parametrize("task", list(Task))
def test_plain_mlflow_gives_the_same(
    task: Task, learner: str, plain: Plain, tmp_path: Path
) -> None:
    frame = table(task, n=300)
    frame["when"] = pd.date_range("2026-01-01", periods=300).astype(str)
    frame["flag"] = np.arange(300) % 3 == 0
    store = MemoryStore()
    binary = "beta" if learner in ("linear", "mlp") else "isotonic"
    calibration = {Task.BINARY: binary, Task.MULTICLASS: "temperature"}.get(task, "none")
    settings = {"evaluation": {"calibration": calibration, "resamples": 200}}
    settings["training"] = {"seeds": 1} | ({"epochs": 2} if learner in NETWORKS else {})
    target = target_in(frame)
    run = assay.train(frame, target=target, learner=learner, settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    unseen = frame.drop(columns=[target] if isinstance(target, str) else [*target])
    _same_numbers(folder, unseen, plain, tmp_path)


@pytest.mark.parametrize("form", ["png", "pixels"])
def test_plain_mlflow_sees_the_same_images(form: str, plain: Plain, tmp_path: Path) -> None:
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
    _same_numbers(folder, frame.drop(columns="y"), plain, tmp_path)


def test_plain_mlflow_sees_the_same_without_the_library_of_a_pretrained_model(
    tiny_vision: Path, plain: Plain, tmp_path: Path
) -> None:
    frame = pictures(Task.MULTICLASS, 60)
    frame["image"] = [_png(each.astype(np.uint8)) for each in frame["image"]]
    store = MemoryStore()
    settings = {
        "model": {"options": {"model": str(tiny_vision), "strategy": "lora"}},
        "training": {"seeds": 1, "epochs": 1, "learning_rate": 1e-2},
        "evaluation": {"calibration": "temperature", "resamples": 200},
    }
    run = assay.train(frame, target="y", learner="image", settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    requirements = (folder / "requirements.txt").read_text()
    assert "pillow==" in requirements
    assert "transformers" not in requirements
    _same_numbers(folder, frame.drop(columns="y"), plain, tmp_path, without=("transformers",))


@pytest.mark.parametrize(("form", "task"), [
    ("texts", Task.BINARY), ("pairs", Task.MULTICLASS), ("windows", Task.REGRESSION),
    ("adapters", Task.MULTICLASS),
])  # fmt: skip
def test_plain_mlflow_reads_the_same_texts(
    form: str, task: Task, tiny_transformer: Path, plain: Plain, tmp_path: Path
) -> None:
    frame = texts(task)
    options = {"model": str(tiny_transformer), "max_length": 32}
    if form == "pairs":
        frame.insert(1, "second", frame["text"].iloc[::-1].to_numpy())
    if form == "windows":
        options |= {"max_length": 12, "long": "windows"}
    if form == "adapters":
        options |= {"strategy": "lora"}
    store = MemoryStore()
    calibration = "none" if task is Task.REGRESSION else "temperature"
    settings = {
        "model": {"options": options},
        "training": {"seeds": 1, "epochs": 1, "learning_rate": 1e-2},
        "evaluation": {"calibration": calibration, "resamples": 200},
    }
    run = assay.train(frame, target="y", learner="text", settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    requirements = (folder / "requirements.txt").read_text()
    assert "transformers==" in requirements
    assert "tokenizers==" in requirements
    assert "peft" not in requirements
    unseen = frame.drop(columns="y")
    unseen.loc[0, "text"] = "of words that it has never seen"
    _same_numbers(folder, unseen, plain, tmp_path)


class OwnNet(nn.Module):
    """A network of one's own."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(n_inputs, 16), nn.Linear(16, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.hidden(x).relu())


def test_plain_mlflow_needs_no_class_of_a_network_of_ones_own(plain: Plain, tmp_path: Path) -> None:
    frame, store = table(Task.MULTICLASS, n=300), MemoryStore()
    settings = {"training": {"seeds": 1, "epochs": 2}, "evaluation": {"resamples": 200}}
    run = assay.train(frame, target="y", learner=OwnNet, settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    trusted = [f"{__name__}:OwnNet"]
    _same_numbers(folder, frame.drop(columns="y"), plain, tmp_path, trusted)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def _same_numbers(
    folder: Path,
    unseen: pd.DataFrame,
    plain: Plain,
    tmp_path: Path,
    trust: Sequence[str] = (),
    without: Sequence[str] = (),
) -> None:
    """Assay and plain MLflow where Assay is unknown predict the same rows, and agree."""
    unseen.to_parquet(tmp_path / "rows.parquet")
    plain.predict(folder, tmp_path / "rows.parquet", tmp_path, without)
    model = assay.load(str(folder), trust=trust)
    labels = pq.read_table(tmp_path / "labels.parquet")["prediction"].to_pylist()
    assert labels == model.predict(unseen).tolist()
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
