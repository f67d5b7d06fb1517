"""A sample of `benchmarks/malformed.py`: nothing that is sent makes a server fail or hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.inference.loading import LoadedModel

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_malformed_requests_are_refused_and_good_ones_answered(
    loaded: LoadedModel, packed_folder: Path, row: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "row.json").write_text(json.dumps(row))
    asked = ["--model", str(packed_folder), "--row", str(tmp_path / "row.json")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "malformed.py"), *asked,
         "--requests", "300", "--examples", "1", "--json"],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["problems"] == {}
    assert told["schemathesis"]["exit"] == 0, told["schemathesis"]["said"]
    assert told["schemathesis"]["status 5xx"] == 0
    assert told["n"] > 330
    assert told["statuses"]["400"] > 50
