"""Pretrained models that are refused, or read with care, whether they read texts or see images."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay.errors import LearnerError


class Broken(NamedTuple):
    """A fault, and how it is told."""

    breaks: Callable[[Path], Any]
    what: str
    mend: str


BROKEN = {
    "no config": Broken(
        lambda folder: (folder / "config.json").unlink(),
        "is no pretrained model: it has no config.json",
        "save_pretrained",
    ),
    "a pickle": Broken(
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        "holds no weights as safetensors; others could run code",
        "AutoModel.from_pretrained(...).save_pretrained(FOLDER)",
    ),
    "torn weights": Broken(
        lambda folder: os.truncate(folder / "model.safetensors", 5000),
        "cannot be read: Error while deserializing header",
        "write its files once more",
    ),
    "a torn config": Broken(
        lambda folder: os.truncate(folder / "config.json", 20),
        "cannot be read: It looks like the config file",
        "write its files once more",
    ),
}


def check_refused(broken: Broken, given: Path, folder: Path, fit: Callable[[Path], Any]) -> None:
    """A copy of a sound model is broken, and must be refused with its cause and its name."""
    broken.breaks(shutil.copytree(given, folder))
    with pytest.raises(LearnerError) as caught:
        fit(folder)
    assert broken.what in caught.value.what
    assert broken.mend in caught.value.mend
    assert folder.name in f"{caught.value.where}{caught.value.what}"


def with_code(given: Path, folder: Path, kind: str) -> Path:
    """A copy of a model that brings code along, which would end the process if it were run."""
    shutil.copytree(given, folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {kind: "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('it was run')")
    return folder
