"""Which version of a source was read: as DVC, Delta, Hugging Face and git call it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import datasets
import deltalake
import pandas as pd
import pyarrow as pa
import pytest

import assay
from assay.data.schema import Task
from assay.data.sources import read_versioned
from assay.data.sources.versions import version_of
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.tables import table


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "t.csv"
    path.parent.mkdir()
    path.write_text("a\n1\n")
    return path


def test_of_a_lone_file_its_content_is_known(data: Path) -> None:
    known = version_of(data)
    assert known["size_bytes"] == 4
    assert known["sha256"] == hashlib.sha256(b"a\n1\n").hexdigest()
    assert known["modified"][:2] == "20"
    assert set(known) == {"size_bytes", "modified", "sha256"}
    assert version_of("sqlite:///x.db") == {}


MD5 = hashlib.md5(b"a\n1\n", usedforsecurity=False).hexdigest()
LOCK = """\
schema: '2.0'
stages:
  other: {cmd: x}
  make:
    cmd: python make.py
    outs:
    - {path: data/t.csv, hash: md5, md5: MD5, size: 4}
"""


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("data/t.csv.dvc", f"outs:\n- md5: {MD5}\n  size: 4\n  hash: md5\n  path: t.csv\n", MD5),
        ("dvc.lock", LOCK.replace("MD5", MD5), MD5),
        ("data.dvc", "outs:\n- md5: 0123.dir\n  size: 9\n  nfiles: 2\n  path: data\n", "0123.dir"),
    ],
)
def test_dvc_knows_it(data: Path, name: str, text: str, known: str) -> None:
    (data.parents[1] / name).write_text(text)
    version = version_of(data)
    assert version["dvc md5"] == known
    assert "dvc" not in version
    data.write_text("a\n2\n")
    changed = version_of(data)
    assert changed["dvc md5"] == known
    assert ("dvc" in changed) is (known == MD5)


@pytest.mark.parametrize("text", ["", "outs: [", "outs: 1", "- 1", "stages: {a: {outs: [{}]}}"])
def test_what_dvc_did_not_write_is_no_obstacle(data: Path, text: str) -> None:
    data.with_name("t.csv.dvc").write_text(text)
    (data.parents[1] / "dvc.lock").write_text(text)
    data.with_name("dataset_info.json").write_text(text)
    assert set(version_of(data)) == {"size_bytes", "modified", "sha256"}


def test_git_knows_it(data: Path) -> None:
    folder = data.parents[1]
    git(folder, "init")
    assert not any(name.startswith("git") for name in version_of(data))
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    assert version_of(data)["git blob"] == git(folder, "rev-parse", "HEAD:data/t.csv")
    assert version_of(data.parent) == {"git tree": git(folder, "rev-parse", "HEAD:data")}
    assert "git" not in version_of(data)
    data.write_text("a\n2\n")
    assert version_of(data)["git"] == "changed since the commit"


def test_the_pointer_of_git_lfs_is_followed(data: Path) -> None:
    oid = f"sha256:{'ab' * 32}"
    data.write_text(f"version https://git-lfs.github.com/spec/v1\noid {oid}\nsize 4\n")
    git(data.parents[1], "init")
    git(data.parents[1], "add", ".")
    git(data.parents[1], "commit", "-m", "first")
    assert version_of(data)["git lfs"] == oid


def test_a_hugging_face_folder_says_what_it_is(tmp_path: Path) -> None:
    info = {
        "dataset_name": "wine",
        "config_name": "default",
        "version": {"version_str": "1.2.0", "major": 1},
        "download_checksums": {"hf://datasets/org/wine@0123456789abcdef/red.csv": {}},
    }
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    (tmp_path / "state.json").write_text(json.dumps({"_fingerprint": "f00"}))
    file = tmp_path / "data-00000-of-00001.arrow"
    file.write_bytes(b"x")
    known = {
        "hugging face dataset": "org/wine",
        "hugging face config": "default",
        "hugging face version": "1.2.0",
        "hugging face fingerprint": "f00",
        "hugging face revision": "0123456789abcdef",
    }
    assert version_of(tmp_path) == known
    assert known.items() <= version_of(file).items()


def test_a_file_of_the_hubs_cache_names_its_revision(tmp_path: Path) -> None:
    folder = tmp_path / "datasets--org--wine" / "snapshots" / ("0a" * 20)
    folder.mkdir(parents=True)
    (folder / "t.csv").write_text("a\n1\n")
    for path in (folder, folder / "t.csv"):
        version = version_of(path)
        assert version["hugging face dataset"] == "org/wine"
        assert version["hugging face revision"] == "0a" * 20


def test_what_datasets_saves_is_known(tmp_path: Path) -> None:
    datasets.disable_progress_bars()
    made = datasets.Dataset.from_dict({"a": [1, 2]})
    made.save_to_disk(tmp_path / "saved")
    found, version = read_versioned(tmp_path / "saved")
    assert found["a"].to_pylist() == [1, 2]
    assert version["hugging face fingerprint"] == made._fingerprint
    splits = datasets.DatasetDict({"train": made, "test": made.select([1])})
    splits.save_to_disk(tmp_path / "splits")
    _, version = read_versioned(tmp_path / "splits")
    expected = ", ".join(f"{name} {each._fingerprint}" for name, each in splits.items())
    assert version == {"hugging face fingerprint": expected}


def test_a_delta_table_is_trained_on_at_two_versions(tmp_path: Path) -> None:
    path = str(tmp_path / "sales")
    frame = table(Task.BINARY)
    deltalake.write_deltalake(path, pa.Table.from_pandas(frame, preserve_index=False))
    deltalake.write_deltalake(
        path, pa.Table.from_pandas(frame.iloc[:50], preserve_index=False), mode="append"
    )
    file = tmp_path / "sales.yaml"
    runs = []
    for address in ("delta://sales@0", "delta://sales", "delta://sales@1"):
        file.write_text(f"data: {{source: '{address}', target: y}}\nmodel: {{learner: linear}}\n")
        runs.append(assay.train(file, learner=FakeLearner(), store=MemoryStore(), checks=[]))
    assert [run.provenance["data version"]["delta version"] for run in runs] == [0, 1, 1]
    assert runs[0].fingerprint != runs[1].fingerprint == runs[2].fingerprint
    assert [sum(run.n_rows.values()) for run in runs] == [240, 290, 290]


def test_the_latest_version_is_the_one_that_was_there_when_it_was_read(tmp_path: Path) -> None:
    path = str(tmp_path / "sales")
    for n in range(3):
        deltalake.write_deltalake(path, pa.table({"a": [n]}), mode="append")
        read, version = read_versioned(f"delta://{path}")
        assert (read.num_rows, version) == (n + 1, {"delta version": n})


def test_a_run_records_it(data: Path) -> None:
    table(Task.BINARY).to_csv(data, index=False)
    file = data.parents[1] / "t.yaml"
    file.write_text("data: {source: data/t.csv, target: y}\nmodel: {learner: linear}\n")
    run = assay.train(file, learner=FakeLearner(), store=MemoryStore(), checks=[])
    assert run.provenance["data version"]["sha256"] == hashlib.sha256(data.read_bytes()).hexdigest()
    frame = pd.read_csv(data)
    again = assay.train(frame, target="y", learner=FakeLearner(), store=MemoryStore(), checks=[])
    assert "data version" not in again.provenance
    assert again.fingerprint == run.fingerprint
