"""Law 9: nothing heavy is imported until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAMEWORKS = (
    "sklearn", "torch", "mlflow", "pandas", "pyarrow", "scipy", "skops", "transformers",
    "matplotlib", "optuna", "rich", "jinja2",
)  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "import assay",
        "import assay; dir(assay); assay.AssayError; assay.Estimate",
        "from assay.cli.main import cli; cli.main(['--help'], standalone_mode=False)",
        "from assay.cli.main import cli; cli.main(['--version'], standalone_mode=False)",
    ],
)
def test_no_framework_is_imported(statement: str) -> None:
    code = f"{statement}\nimport sys; print([f for f in {FRAMEWORKS} if f in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", ["train", "evaluate", "predict", "init"])
def test_help_of_a_verb_is_cheap(verb: str) -> None:
    heavy = tuple(name for name in FRAMEWORKS if name != "rich")
    code = (
        f"from assay.cli.main import cli; cli.main(['{verb}', '--help'], standalone_mode=False)\n"
        f"import sys; print([f for f in {heavy} if f in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
