"""'Train your own network in 30 lines' runs as it is printed, and goes on where it was stopped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own_network.py"


def test_the_example_learns_and_resumes(tmp_path: Path) -> None:
    said = [
        subprocess.run(
            [sys.executable, EXAMPLE, tmp_path / "checkpoints"],
            capture_output=True, text=True, check=True, timeout=240,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    accuracy = re.findall(r"'accuracy': ([0-9.]+)", said[0])
    assert float(accuracy[-1]) > 0.93
    assert said[0].splitlines()[-1] == said[1].splitlines()[-1], "it was over: nothing changed"


def test_the_page_shows_the_example() -> None:
    page = (ROOT / "docs" / "networks.md").read_text()
    [shown] = re.findall(r"```python\n(pixels.*?)```", page, flags=re.S)
    assert shown in EXAMPLE.read_text()
    assert len(shown.splitlines()) <= 30
