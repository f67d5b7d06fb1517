"""Where only the core is installed: networks are refused in words, and nothing else needs torch.

Where it is installed, nothing else waits for it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITH = """
import sys
import assay, pandas
from assay.tracking.memory import MemoryStore

frame = pandas.DataFrame({"a": range(120), "y": ["yes", "no", "no"] * 40})
store, settings = MemoryStore(), {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
folder, _ = store.model(run.run_id, sys.argv[1])
assay.load(str(folder)).predict(frame)
assert "torch" not in sys.modules, "torch was imported"
import torch
assert torch.ones(1).item() == 1
"""

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

import importlib.util
found = importlib.util.find_spec
absent = ("torch", "safetensors")
importlib.util.find_spec = lambda name, *a: None if name in absent else found(name, *a)
sys.meta_path.insert(0, Absent())
from assay.cli.main import main
sys.exit(main())
"""


def assay_without_torch(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def test_networks_are_refused_in_words_and_tables_are_learnt_from(
    tmp_path: Path, workspace: Path
) -> None:
    rows = "\n".join(f"{i},{i * 7 % 13},{'yes' if i * 7 % 13 > 6 else 'no'}" for i in range(120))
    (tmp_path / "t.csv").write_text(f"a,b,y\n{rows}\n")
    (tmp_path / "t.yaml").write_text(
        "data: {source: t.csv, target: y}\nmodel: {learner: mlp}\ntraining: {seeds: 1}\n"
    )
    refused = assay_without_torch(tmp_path, "train", "t.yaml")
    assert refused.returncode == 2, refused.stderr
    assert "mlp is a network, and torch and safetensors cannot be found" in refused.stderr
    assert "pip install 'assay-ml[torch]'" in refused.stderr
    done = assay_without_torch(
        tmp_path, "train", "t.yaml", "--set", "model.learner=linear", "--workers", "1"
    )
    assert done.returncode == 0, done.stderr


def test_a_table_does_not_wait_for_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITH, str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
