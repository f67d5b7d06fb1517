"""An exported folder serves by itself: with the packages that it names, and no others."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

import assay
from assay import serving_models
from assay.data.schema import Task
from assay.errors import InputError, NotFoundError, UnsafeModelError
from assay.exporting.export import Exported
from assay.inference.loading import LoadedModel
from assay.learners.builtin import make_learner
from assay.learners.candidates import Candidate
from assay.serving.settings import ServingSettings
from tests.fakes import FakeLearner
from tests.inference.compiled.models import mixed, packed, rows_of
from tests.tables import table

TASK, PATIENCE_S = Task.BINARY, 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model lies, in its own folder, and what is exported of it."""
    return tmp_path_factory.mktemp("exporting")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> LoadedModel:
    return packed(Candidate(learner="lightgbm", options={"max_rounds": 8}).recipe, TASK, folder)


@pytest.fixture(scope="module")
def exported(loaded: LoadedModel, folder: Path) -> Exported:
    return assay.export(str(folder / "model"), folder / "served")


def site_of(requirements: Path, wheel: Path, site: Path) -> None:
    """A folder of packages with those that are required, and no others: links to what is here."""
    site.mkdir()
    for line in requirements.read_text().splitlines():
        found = distribution(line.partition("==")[0])
        for top in {file.parts[0] for file in found.files or ()} - {".."}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))
    with ZipFile(wheel) as archive:
        archive.extractall(site)


@contextmanager
def serving(folder: Path, site: Path) -> Iterator[str]:
    """The address at which the exported folder answers."""
    # How a BLAS adds up depends on the kernels that it is told to take.
    environment = {name: text for name, text in os.environ.items() if "BLAS" in name}
    environment |= {"PYTHONPATH": str(site), "PATH": os.environ["PATH"], "HOME": str(site)}
    process = subprocess.Popen(
        [sys.executable, "-S", "serve.py", "--port", "0"],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " answers at " in line, process.communicate(timeout=PATIENCE_S)[1][-2000:]
        yield line.split(" answers at ")[1].strip().removesuffix("/predict")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()


def _asked(url: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    for _ in range(50):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, data, headers), timeout=30
            ) as said:
                return json.load(said)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


def test_it_serves_with_only_its_own_dependencies(
    loaded: LoadedModel, exported: Exported, tmp_path: Path
) -> None:
    about, folder = exported, exported.folder
    [wheel] = folder.glob("*.whl")
    site_of(folder / "requirements.txt", wheel, tmp_path / "site")
    assert not (tmp_path / "site" / "mlflow").exists()
    row = rows_of(mixed(TASK, 20, seed=8))[0]
    with serving(folder, tmp_path / "site") as url:
        assert _asked(f"{url}/health") == {"status": "alive"}
        said = _asked(f"{url}/predict", row)
    assert isinstance(said, dict)
    expected = loaded.predict_proba(pd.DataFrame([row]))[0]
    np.testing.assert_array_equal(list(said["probabilities"].values()), expected)
    assert about.size_bytes == sum(
        each.stat().st_size for each in folder.rglob("*")
        if each.is_file() and "__pycache__" not in each.parts
    )  # fmt: skip


def test_what_lies_in_it(exported: Exported) -> None:
    about, folder = exported, exported.folder
    pins = dict(line.split("==") for line in (folder / "requirements.txt").read_text().splitlines())
    assert len(pins) == about.n_packages
    assert {"lightgbm", "scikit-learn", "starlette", "uvicorn"} <= set(pins)
    assert not {"mlflow", "optuna", "torch", "loky", "sqlalchemy"} & set(pins)
    dockerfile = (folder / "Dockerfile").read_text()
    assert "libgomp1" in dockerfile, "which LightGBM needs, and a slim image lacks"
    assert "@" not in dockerfile
    serve = (folder / "serve.py").read_text()
    ast.parse(serve)
    assert about.digest in serve
    readme = (folder / "README.md").read_text()
    assert {each.name for each in folder.iterdir()} == {
        ".dockerignore", "Dockerfile", "README.md", "model", "requirements.txt", "serve.py",
        next(folder.glob("*.whl")).name,
    }  # fmt: skip
    assert str(Path.home()) not in readme + dockerfile + serve


def test_a_model_that_was_changed_is_not_served(exported: Exported, tmp_path: Path) -> None:
    folder = shutil.copytree(exported.folder, tmp_path / "changed")
    about = folder / "model" / "artifacts" / "finished" / "model.json"
    about.write_text(about.read_text().replace('"threshold": null', '"threshold": 0.01'))
    environment = {**os.environ, "PYTHONPATH": str(Path(assay.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "serve.py", "--port", "0"], cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "model was changed after it was exported: export it again.\n"


def test_a_folder_that_holds_something_is_left_alone(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(InputError, match="is there already, and not empty"):
        assay.export(str(exported.folder / "model"), tmp_path)
    assert [each.name for each in tmp_path.iterdir() if each.name == "kept"]


def test_there_has_to_be_a_model(tmp_path: Path, workspace: Path) -> None:
    with pytest.raises(NotFoundError):
        assay.export("nobody/3", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_that_is_in_no_package_cannot_travel(tmp_path: Path) -> None:
    with pytest.raises(UnsafeModelError) as refused:
        packed(FakeLearner(), TASK, tmp_path)
    trusted = ["tests.fakes:FakeModel"]
    assert trusted[0] in refused.value.what
    with pytest.raises(InputError, match="code in 'tests', which is in no installed package"):
        assay.export(str(tmp_path / "model"), tmp_path / "out", trust=trusted)
    assert not (tmp_path / "out").exists()


def test_a_network_brings_torch_along(tmp_path: Path) -> None:
    from assay.learners.adapt import trained_as

    quick = trained_as(make_learner("mlp", {"width": 4}), {"epochs": 1, "batch_size": 64})
    packed(quick, TASK, tmp_path)
    assay.export(str(tmp_path / "model"), tmp_path / "out")
    required = (tmp_path / "out" / "requirements.txt").read_text()
    assert "\ntorch==" in required
    assert "+" not in required, "no index has builds of one's own"


def test_the_verb_says_what_it_wrote(exported: Exported, tmp_path: Path) -> None:
    model = str(exported.folder / "model")
    environment = {**os.environ, "PYTHONPATH": str(Path(assay.__file__).parents[1])}
    command = [sys.executable, "-m", "assay", "export", model, "--to"]
    options = {"env": environment, "cwd": tmp_path, "capture_output": True, "text": True}
    told = subprocess.run([*command, "out", "--json"], **options, check=True, timeout=PATIENCE_S)
    about = json.loads(told.stdout)
    assert (about["model"], about["digest"]) == ("model", exported.digest)
    assert Path(about["folder"], "serve.py").is_file()
    again = subprocess.run([*command, "out"], **options, check=False, timeout=PATIENCE_S)
    assert (again.returncode, again.stdout) == (2, "")
    assert "out is there already, and not empty." in again.stderr
    assert "Traceback" not in again.stderr


@pytest.fixture(scope="module")
def by_name(template_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is exported of a registered model, whose first example has a gap."""
    place = tmp_path_factory.mktemp("by_name")
    (place / "workspace").mkdir()
    shutil.copy(template_database, place / "workspace" / "mlflow.db")
    frame = table(TASK, 300)
    frame.loc[frame.index % 25 != 0, "b"] = None
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASSAY_WORKSPACE", str(place / "workspace"))
        patched.setenv("ASSAY_LEDGER", str(place / "ledger.db"))
        settings = {"name": "gaps", "training": {"seeds": 1}, "evaluation": {"resamples": 200}}
        assay.register(assay.train(frame, target="y", learner="linear", settings=settings), "gaps")
        return assay.export("gaps/1", place / "served").folder


def test_everybody_can_read_what_was_exported_by_name(by_name: Path) -> None:
    """The workspace is its owner's alone; the image is run by a user without rights."""
    modes = {each: each.stat().st_mode & 0o777 for each in (by_name, *by_name.rglob("*"))}
    assert set(modes.values()) == {0o644, 0o755}
    assert all((mode == 0o755) == each.is_dir() for each, mode in modes.items())
    assert "COPY --chmod=0755 . .\nUSER 65534\n" in (by_name / "Dockerfile").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_user_of_the_image_reads_all_of_it(by_name: Path) -> None:
    command = ["find", ".", "-type", "f", "-exec", "cat", "{}", "+"]
    read = subprocess.run(
        command, cwd=by_name, user=65534, group=65534, extra_groups=[],
        capture_output=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (read.returncode, read.stderr) == (0, b"")
    sizes = sum(each.stat().st_size for each in by_name.rglob("*") if each.is_file())
    assert len(read.stdout) == sizes


def test_the_server_takes_the_row_of_its_own_readme(by_name: Path) -> None:
    [command] = [
        line for line in (by_name / "README.md").read_text().splitlines() if "curl" in line
    ]
    body = shlex.split(command)[-1]
    assert None in json.loads(body).values(), "which is the case that went wrong"
    [model] = [each.parent for each in by_name.rglob("MLmodel")]
    with TestClient(
        serving_models.app_of(serving_models.ModelSource.of(str(model)), ServingSettings())
    ) as client:
        json_body = {"Content-Type": "application/json"}
        said = client.post("/predict", content=body.encode(), headers=json_body)
    assert said.status_code == 200, said.text
