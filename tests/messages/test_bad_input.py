"""Bad input: a short error with what, where and mend, exit 2, and nothing left behind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from assay.cli import main

ROWS = "\n".join(f"{i},{'uvw'[i % 3]},{int(i * 7 % 10 > 4)}" for i in range(60))

CASES = {
    "no such experiment": (None, "missing.yaml", ["There is no experiment file", "mend:"]),
    "no such file": (
        "source: other.csv",
        "experiment.yaml",
        ["There is no file other.csv", "tables in that folder: ", "good.csv"],
    ),
    "empty file": ("source: empty.csv", "experiment.yaml", ["empty.csv is empty"]),
    "only a header": ("source: header.csv", "experiment.yaml", ["header.csv has no rows"]),
    "no such target": (
        "source: good.csv\n  target: Y",
        "experiment.yaml",
        ["data.target names the column 'Y'", "columns: a, kind, y", "target: y"],
    ),
    "no such column to ignore": (
        "source: good.csv\n  roles: {ignore: [nope]}",
        "experiment.yaml",
        ["data.roles.ignore names the column 'nope'", "mend:  name one of the columns, or leave"],
    ),
    "a column to ignore, misspelt": (
        "source: good.csv\n  roles: {ignore: [a, kin]}",
        "experiment.yaml",
        ["data.roles.ignore[1] names the column 'kin'", "mend:  ignore: [a, kind]"],
    ),
    "a role that the target is close to": (
        "source: good.csv\n  roles: {id: Y}",
        "experiment.yaml",
        ["data.roles.id names the column 'Y'", "mend:  name one of the columns, or leave it out"],
    ),
    "a group, misspelt": (
        "source: good.csv\n  roles: {group: KIND}",
        "experiment.yaml",
        ["data.roles.group names the column 'KIND'", "mend:  group: kind"],
    ),
    "no target at all": (
        "source: unknown.csv",
        "experiment.yaml",
        ["0 of 30 rows have a value in the target 'y'", "name another target"],
    ),
    "text for numbers, two classes": (
        "source: words.csv\n  task: regression",
        "experiment.yaml",
        ["cannot be predicted by regression", "task: binary"],
    ),
    "a positive class of many": (
        "source: good.csv\n  target: kind\n  positive: u",
        "experiment.yaml",
        ["data.positive is 'u', but in a multiclass task", "3 classes", "leave data.positive out"],
    ),
    "a calibration for two classes of many": (
        "source: good.csv\n  target: kind\nevaluation:\n  calibration: beta",
        "experiment.yaml",
        ["evaluation.calibration is 'beta', which is for two classes", "calibration: temperature"],
    ),
    "class counts of numbers": (
        "source: good.csv\n  target: a\n  task: regression\nevaluation:\n  class_counts: fixed",
        "experiment.yaml",
        ["evaluation.class_counts is 'fixed', but a regression has no classes", "chance}"],
    ),
    "class counts of groups": (
        "source: good.csv\n  target: y\n  roles: {group: a}\nevaluation:\n  class_counts: fixed",
        "experiment.yaml",
        ["evaluation.class_counts is 'fixed', but rows come in groups", "class_counts: chance"],
    ),
    "class counts in time": (
        "source: good.csv\n  target: y\n  roles: {time: a}\nevaluation:\n  class_counts: fixed",
        "experiment.yaml",
        ["evaluation.class_counts is 'fixed', but rows are in the order of time", "chance}"],
    ),
    "a positive class of numbers": (
        "source: good.csv\n  target: a\n  task: regression\n  positive: 1",
        "experiment.yaml",
        ["data.positive is 1, but in a regression task"],
    ),
    "one class": (
        "source: one.csv",
        "experiment.yaml",
        ["The target 'y' has one class only: 1", "name another target"],
    ),
    "fewer rows than folds": (
        "source: few.csv",
        "experiment.yaml",
        ["data.split.folds asks for 5 folds, but there are only 4 rows", "folds: 4"],
    ),
    "two columns of one name": (
        "source: twice.csv",
        "experiment.yaml",
        ["Two columns have the same name: 'a'", "a name of its own"],
    ),
    "broken Parquet": (
        "source: broken.parquet",
        "experiment.yaml",
        ["broken.parquet is not a readable Parquet file", "write the file again"],
    ),
    "no text": ("source: binary.csv", "experiment.yaml", ["holds bytes that are no text"]),
    "ragged": ("source: ragged.csv", "experiment.yaml", ["not a table of comma-separated values"]),
    "unknown kind of file": (
        "source: table.docx",
        "experiment.yaml",
        ["is not a kind of file that can be read", ".parquet"],
    ),
    "no such table of a database": (
        "source: sqlite:///shop.db\n  query: sale",
        "experiment.yaml",
        ["has no table 'sale'", "tables: sales", "mend:  data: {query: sales}"],
    ),
    "a database without its driver": (
        "source: mysql://me:secret@host/shop\n  query: sales",
        "experiment.yaml",
        ["mysql://me:***@host/shop", "mend:  pip install mysqlclient"],
    ),
    "images without labels": (
        "source: images",
        "experiment.yaml",
        ["1.png is not in a folder that names its label", "images/LABEL/1.png"],
    ),
    "unknown key": (
        "source: good.csv\ntraning: {}",
        "experiment.yaml",
        ["traning is not a known key", "experiment.yaml, line 4", "mend:  training"],
    ),
    "text for numbers": (
        "source: good.csv\n  target: kind\n  task: regression",
        "experiment.yaml",
        ["cannot be predicted by regression", "task: multiclass"],
    ),
    "a positive class that is none": (
        "source: good.csv\n  positive: maybe",
        "experiment.yaml",
        ["data.positive is 'maybe', which is no class", "classes: 0, 1"],
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of good and bad tables."""
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(f"a,kind,y\n{ROWS}\n")
    Path("empty.csv").write_text("")
    Path("header.csv").write_text("a,y\n")
    Path("one.csv").write_text("a,y\n" + "\n".join(f"{i},1" for i in range(40)))
    Path("unknown.csv").write_text("a,y\n" + "\n".join(f"{i}," for i in range(30)))
    Path("words.csv").write_text("a,y\n" + "\n".join(f"{i},{'pq'[i % 2]}" for i in range(60)))
    Path("few.csv").write_text("a,y\n" + "\n".join(f"{i},{i / 3}" for i in range(5)))
    Path("twice.csv").write_text("a,a,y\n1,2,0\n3,4,1\n")
    Path("broken.parquet").write_bytes(b"PAR1 and then nothing")
    Path("binary.csv").write_bytes(b"a,y\n\x00\x01,1\n")
    Path("ragged.csv").write_text("a,y\n1,2\n1,2,3\n")
    Path("table.docx").write_bytes(b"PK")
    Path("images").mkdir()
    Path("images/1.png").write_bytes(b"")
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.execute("create table sales (a, y)")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_and_leaves_nothing(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, experiment, expected = CASES[case]
    if data is not None:
        target = "" if "target:" in data else "\n  target: y"
        head, *rest = data.split("\ntraning")
        rest_text = "".join(f"\ntraning{each}" for each in rest)
        Path("experiment.yaml").write_text(
            f"data:\n  {head}{target}{rest_text}\nmodel:\n  learner: linear\n"
        )
    before = sorted(path.name for path in folder.rglob("*"))
    monkeypatch.setattr("sys.argv", ["assay", "train", experiment, "--quiet"])
    with pytest.raises(SystemExit) as leaving:
        main.main()
    assert leaving.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert "\n  mend:  " in told.err
    for text in expected:
        assert text in told.err
    assert sorted(path.name for path in folder.rglob("*")) == before
