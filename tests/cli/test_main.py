"""The command line by its other name."""

from __future__ import annotations

import subprocess
import sys


def test_python_m_assay_is_assay() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "assay", "runs", "--nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert "Error: No such option '--nonsense'." in said.stderr
    assert "Traceback" not in said.stderr
