"""`assay init` takes every form of table, and writes a file that reads the same one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from assay.cli import main
from assay.data.fingerprint import fingerprint
from assay.data.sources import from_frame
from assay.experiment.asking import ask
from assay.tracking.memory import MemoryStore
from tests.data.sources.forms import FORMS, mixed


def init(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["assay", "init", *arguments])
    with pytest.raises(SystemExit) as leaving:
        main.main()
    assert leaving.value.code == 0


@pytest.mark.parametrize(
    "form",
    ["csv.gz", "parquet folder", "jsonl", "query of a database", "delta", "excel", "saved dataset"],
)
def test_the_file_reads_the_table(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = mixed(60)
    written = FORMS[form](frame, tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("below").mkdir()
    source = str(written.source).replace(f"{tmp_path}/", "")
    query = ["--query", written.settings["query"]] if written.settings else []
    init(monkeypatch, source, "--target", "whole", *query, "--out", "below/a.yaml", "--json")
    assert json.loads(capsys.readouterr().out)["experiment"] == "below/a.yaml"
    text = Path("below/a.yaml").read_text()
    assert str(tmp_path) not in text
    asked = ask("below/a.yaml", target=None, learner=None, settings={}, overrides=())
    assert fingerprint(asked.table) == fingerprint(from_frame(frame))


def test_a_sheet_is_named_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FORMS["excel"](mixed(60), tmp_path)
    monkeypatch.chdir(tmp_path)
    init(monkeypatch, "table.xlsx", "--target", "whole", "--sheet", "Sheet1")
    assert "table.yaml: regression task" in capsys.readouterr().out
    assert "sheet: Sheet1\n" in Path("table.yaml").read_text()


def test_a_password_is_left_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As if the server had answered: the file must not hold what was typed."""
    monkeypatch.chdir(tmp_path)
    table = from_frame(mixed(60))
    monkeypatch.setattr("assay.data.sources.read_table", lambda *_, **__: table)
    address = "postgresql+psycopg://me:secret@host/shop"
    init(monkeypatch, address, "--query", "sales", "--target", "whole")
    assert "export DATABASE_PASSWORD=..." in capsys.readouterr().out
    text = Path("shop.yaml").read_text()
    assert "postgresql+psycopg://me:${DATABASE_PASSWORD}@host/shop" in text
    assert "query: sales" in text
    assert "secret" not in text


def test_running_text_is_a_feature_and_every_commented_setting_may_be_uncommented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    words = np.array(
        [
            "the",
            "quick",
            "brown",
            "fox",
            "jumps",
            "over",
            "a",
            "lazy",
            "dog",
            "again",
            "and",
            "again",
        ]
    )
    said = [" ".join(random.choice(words, 12)) for _ in range(300)]
    frame = pd.DataFrame({"said": said, "x": random.normal(size=300)})
    frame["y"] = ["yes" if "fox" in each else "no" for each in said]
    frame.to_parquet(tmp_path / "t.parquet")
    monkeypatch.chdir(tmp_path)
    init(monkeypatch, "t.parquet", "--target", "y", "--out", "t.yaml", "--json")
    text = Path("t.yaml").read_text()
    assert "ignore: []" in text
    assert "text (" in text
    uncommented = text.replace("  options: {}\n", "  options:\n").replace("  #   ", "    ")
    options = uncommented[uncommented.index("  options:") : uncommented.index("# training:")]
    head = text[: text.index("model:")]
    Path("t.yaml").write_text(
        f"{head}model:\n  learner: boosting\n{options}training: {{seeds: 1}}\n"
    )
    run = assay.train("t.yaml", store=MemoryStore(), workers=1)
    assert run.metrics["roc_auc"].value > 0.95
