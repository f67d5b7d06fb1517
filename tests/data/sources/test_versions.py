"""Delta tables as they were, and sheets of workbooks."""

from __future__ import annotations

import builtins
import datetime
from pathlib import Path

import deltalake
import pandas as pd
import pyarrow as pa
import pytest

from assay.data.sources import read_batches, read_table
from assay.errors import DataError, NotFoundError
from tests.data.sources.forms import write_workbook


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """A Delta table of two versions."""
    deltalake.write_deltalake(str(tmp_path / "sales"), pa.table({"a": [1, 2]}))
    deltalake.write_deltalake(str(tmp_path / "sales"), pa.table({"a": [3]}), mode="append")
    return tmp_path / "sales"


def test_a_version_is_the_table_as_it_was(sales: Path) -> None:
    assert sorted(read_table(f"delta://{sales}")["a"].to_pylist()) == [1, 2, 3]
    assert read_table(f"delta://{sales}@0")["a"].to_pylist() == [1, 2]
    assert sorted(read_table(f"delta://{sales}@1")["a"].to_pylist()) == [1, 2, 3]
    assert [b.num_rows for b in read_batches(f"delta://{sales}@0", rows=1)] == [1, 1]


def test_a_wrong_delta_table_is_told(sales: Path) -> None:
    with pytest.raises(DataError, match="has no version 7") as caught:
        read_table(f"delta://{sales}@7")
    assert (caught.value.where, caught.value.mend) == (
        "versions: 0 to 1",
        f"source: delta://{sales}@1",
    )
    with pytest.raises(DataError, match="is no Delta table") as caught:
        read_table(f"delta://{sales.parent}")
    assert "without delta://" in caught.value.mend
    with pytest.raises(NotFoundError, match="There is no folder other"):
        read_table(f"delta://{sales.parent / 'other'}")
    with pytest.raises(DataError, match="names no Delta table"):
        read_table("delta://")


def test_a_sheet_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    first = [["a", "b", "c", None], [1, "x", True, None], [2.5, 7, False, None], [None, "NA", None]]
    write_workbook(path, {"first": [[], *first], "second": [["d", 2026], [1, 2]]})
    assert read_table(path).to_pydict() == {
        "a": [1.0, 2.5, None],
        "b": ["x", "7", None],
        "c": [True, False, None],
    }
    assert read_table(path, sheet="second").to_pydict() == {"d": [1], "2026": [2]}


def test_what_is_no_sheet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook(path, {"first": [["a", None], [1, 2]], "empty": []})
    with pytest.raises(DataError, match="has values in column 2, which has no name"):
        read_table(path)
    with pytest.raises(DataError, match="has no sheet 'second'") as caught:
        read_table(path, sheet="second")
    assert caught.value.mend == "data: {sheet: first}"
    with pytest.raises(DataError, match="has no rows"):
        read_table(path, sheet="empty")
    path.with_suffix(".csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"A sheet goes with an Excel workbook"):
        read_table(path.with_suffix(".csv"), sheet="first")


@pytest.mark.parametrize(
    ("package", "source", "extra"),
    [("python_calamine", "book.xlsx", "excel"), ("deltalake", "delta://sales", "delta")],
)
def test_a_missing_package_is_named(
    package: str, source: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = builtins.__import__

    def without(name: str, *rest: object, **named: object) -> object:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return ordinary(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.chdir(tmp_path)
    Path("book.xlsx").write_bytes(b"PK")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match="a package is missing") as caught:
        read_table(source if "://" in source else Path(source))
    assert caught.value.mend == f"pip install 'assay-ml[{extra}]'"


def test_nested_records_are_columns_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": 1, "who": {"name": "x", "born": {"on": "2026-01-31"}}}\n'
        '{"id": 2, "who": null}\n{"id": 3, "who": {"name": "007"}}\n'
    )
    assert read_table(path).to_pydict() == {
        "id": [1, 2, 3],
        "who.name": ["x", None, "007"],
        "who.born.on": [datetime.datetime(2026, 1, 31), None, None],
    }
    frame = pd.DataFrame({"who": [{"name": "x"}, {"name": "y"}]})
    (tmp_path / "b.jsonl").write_text(frame.to_json(orient="records", lines=True))
    assert read_table(tmp_path / "b.jsonl").column_names == ["who.name"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[{"a": 1}]', "is not a table of JSON lines"),
        ('{"a": 1}\n{"a": "x"}\n', "changed from number to string"),
        ('{"a": ' * 5000 + "1" + "}" * 5000, "nested more than 100 deep"),
        ('{"a": "\\ud800"}', "JSON"),
        ("{}\n{}\n", "has no rows"),
    ],
)
def test_what_is_no_table_of_json_lines_is_refused(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(DataError, match=what):
        read_table(tmp_path / "a.jsonl")
