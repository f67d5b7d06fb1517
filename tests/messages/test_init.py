"""`assay init` on tables that are not ready: it copes where it can, else its mend fits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.journeys.terminal import Terminal


@pytest.fixture
def terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Terminal:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"a": range(300), "y": [0, 1] * 150})
    frame["kind"] = [f"kind {i % 150}" for i in range(300)]
    frame["took"] = [timedelta(minutes=i) for i in range(300)]
    frame["parts"] = [[i] for i in range(300)]
    frame.to_parquet("my table.parquet")
    return Terminal(monkeypatch, capsys)


def test_columns_that_cannot_be_used_are_ignored_and_named(terminal: Terminal) -> None:
    said = terminal("init", "my table.parquet", "--target", "y")
    assert said.status == 0, said.err
    assert "ignored, for no learner can use their types: took, parts" in said.out
    assert "assay train 'my table.yaml'" in said.out
    text = Path("my table.yaml").read_text()
    assert "ignore: [took, parts]" in text
    assert "which no learner can use" in text
    assert "binary task, 2 features" in said.out


def test_mends_fit_where_there_is_no_file_yet(terminal: Terminal) -> None:
    said = terminal("init", "my table.parquet", "--target", "kind")
    assert (said.status, "too many to be classes" in said.err) == (2, True)
    assert "begin one by hand" in said.err
    said = terminal("init", "my table.parquet", "--target", "Y")
    assert (said.status, "mend:  --target y" in said.err) == (2, True)


def test_one_feature_is_one(terminal: Terminal) -> None:
    pd.read_parquet("my table.parquet")[["a", "y"]].to_csv("small.csv", index=False)
    assert "binary task, 1 feature, target y" in terminal("init", "small.csv", "--target", "y").out
