"""Searching where rows may have several labels: one learner is searched, `auto` is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from assay.cli.tuning import tune as command
from assay.data.schema import Task
from tests.tables import LABELS, table


def experiment(folder: Path) -> Path:
    table(Task.MULTILABEL).to_csv(folder / "small.csv", index=False)
    file = folder / "small.yaml"
    file.write_text(
        f"data: {{source: small.csv, target: [{', '.join(LABELS)}], split: {{folds: 2}}}}\n"
        "model: {learner: boosting}\nevaluation: {resamples: 200}\n"
        "tuning: {trials: 2, seeds: 1, space: {options.max_rounds: [5, 10]}}\n"
    )
    return file


def test_auto_is_refused_up_front_and_what_it_says_instead_works(
    workspace: Path, tmp_path: Path
) -> None:
    file = experiment(tmp_path)
    refused = subprocess.run(
        [sys.executable, "-m", "assay", "tune", str(file), "--set", "model.learner=auto",
         "--set", "tuning.space={}"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert refused.returncode == 2
    said = " ".join(refused.stderr.split())
    assert "LearnerError: auto makes no ensembles where rows may have several labels." in said
    assert "mend: learner: boosting, and assay tune searches its options" in said
    assert not (workspace / "spool").exists()
    assert not (workspace / "studies").exists()
    done = CliRunner().invoke(command, [str(file), "--quiet"], standalone_mode=False)
    assert done.exception is None, done.output
    assert done.return_value == 0
    assert "2 trials of the study small: 2 complete" in done.stdout
