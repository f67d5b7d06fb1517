"""Law 3: training that was killed at any moment and gone on with ends with the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("step", "save", "evaluation", "any time")


@pytest.mark.slow
@pytest.mark.parametrize(("network", "times"), [("mlp", 3), ("text", 1)])
def test_kills_and_terminations_of_each_kind_change_no_bit(network: str, times: int) -> None:
    asked = ["--network", network, "--trials", str(times * len(KINDS)), "--json"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "resume.py"), *asked],
        capture_output=True, text=True, check=False, timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["undisturbed"]["0"]["digests"] == found["undisturbed"]["2"]["digests"]
    for name in ("SIGKILL", "SIGTERM"):
        for kind in KINDS:
            these = [t for t in found["trials"] if (t["signal"], t["kind"]) == (name, kind)]
            assert len(these) == times
            assert all(each["kills"] for each in these)
    wrong = [t for t in found["trials"] if t["failed"] or t["differs"]]
    assert not wrong
