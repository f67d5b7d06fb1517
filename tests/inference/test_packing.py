"""What is packed: code that stands alone, and the packages that it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import assay
from assay.data.schema import Task
from assay.inference.packing import travelling_code
from assay.monitor import AssayWarning
from assay.tracking.memory import MemoryStore
from tests.tables import table
from tests.tiny_transformer import texts
from tests.tiny_vision import FIXED, pictures


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [each.id for each in node.targets if isinstance(each, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def test_no_two_modules_that_travel_together_use_the_same_name() -> None:
    body = ast.parse(travelling_code()).body
    counts = Counter(name for node in body for name in _names(node))
    assert [name for name, count in counts.items() if count > 1] == []


def test_no_import_of_assay_travels() -> None:
    body = ast.parse(travelling_code())
    imported = [node for node in ast.walk(body) if _is_ours(node)]
    assert imported == []


def test_every_name_that_travels_is_there(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(travelling_code())
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--output-format", "concise"]
    done = subprocess.run(
        [*command, "--select", "F821", "model.py"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    unknown = set(re.findall(r"Undefined name `(\w+)`", done.stdout))
    assert unknown <= {"Floats", "Labels"}, "which are annotations, and never looked up"


def _is_ours(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith("assay")
    return isinstance(node, ast.Import) and any(each.name == "assay" for each in node.names)


@pytest.mark.parametrize("is_exported", [True, False])
def test_what_a_network_without_a_program_is_built_with_is_asked_for(
    is_exported: bool, tiny_vision: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_exported:
        monkeypatch.delattr(torch.export, "export")
    options = {"model": str(tiny_vision)}
    names = _asked_for(pictures(Task.BINARY, 60), "image", options, tmp_path)
    needed = set() if is_exported else {"assay-ml", "transformers"}
    assert names & {"assay-ml", "tokenizers", "transformers"} == needed
    assert {"pillow", "safetensors", "torch"} <= names


def test_a_model_of_texts_asks_for_what_reads_it(tiny_transformer: Path, tmp_path: Path) -> None:
    options = {"model": str(tiny_transformer), "max_length": 32}
    names = _asked_for(texts(Task.BINARY, 60), "text", options, tmp_path)
    assert {"safetensors", "tokenizers", "torch", "transformers"} <= names
    assert not names & {"assay-ml", "pillow"}


def _asked_for(frame: pd.DataFrame, learner: str, options: Any, folder: Path) -> set[str]:
    """The packages that a trained model asks for."""
    store = MemoryStore()
    training = {"seeds": 1, "epochs": 1, **FIXED}
    settings = {"model": {"options": options}, "training": training,
                "evaluation": {"resamples": 200}}  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*cannot be exported", AssayWarning)
        run = assay.train(frame, target="y", learner=learner, settings=settings, store=store)
    lines = (store.model(run.run_id, folder)[0] / "requirements.txt").read_text().splitlines()
    return {line.partition("==")[0] for line in lines}


@pytest.mark.parametrize(("learner", "is_network"), [("linear", False), ("mlp", True)])
def test_a_model_asks_for_pytorch_only_if_it_is_a_network(
    learner: str, is_network: bool, tmp_path: Path
) -> None:
    store = MemoryStore()
    training = {"seeds": 1} | ({"epochs": 1} if is_network else {})
    settings = {"training": training, "evaluation": {"resamples": 200}}
    frame = table(Task.BINARY)
    run = assay.train(frame, target="y", learner=learner, settings=settings, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    lines = (folder / "requirements.txt").read_text().splitlines()
    names = {line.partition("==")[0] for line in lines}
    assert ({"torch", "safetensors"} <= names) is is_network
    assert "pillow" not in names
    assert not any("+" in line for line in lines), "builds such as 2.13.0+cpu are in no index"
