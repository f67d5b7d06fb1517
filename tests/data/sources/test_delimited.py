"""CSV as people write it: encodings, separators, decimal commas, quotes, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from assay.data.sources import read_batches, read_table
from assay.errors import DataError

TEXT = "name,größe\nMüller,1.5\nŁukasz,2\n"


def table_of(tmp_path: Path, data: bytes | str, name: str = "table.csv") -> pa.Table:
    (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return read_table(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path, TEXT.encode(encoding))
    assert table.column_names == ["name", "größe"]
    assert table["name"].to_pylist() == ["Müller", "Łukasz"]


@pytest.mark.parametrize(("encoding", "word"), [("cp1252", "5 €"), ("latin-1", "M\x81ller")])
def test_what_is_not_utf8_is_read_as_western(tmp_path: Path, encoding: str, word: str) -> None:
    lines = "a,b\n" + "plain,1\n" * 200_000 + f"{word},2\n"
    assert table_of(tmp_path, lines.encode(encoding))["a"][-1].as_py() == word


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a;b\n1,5;2\n", ["a", "b"]),
        ("a;b\n1,5;2,5\n", ["a", "b"]),
        ("price, net;b\n1,5;2\n", ["price, net", "b"]),
        ('"a;1";b;c\n1;2;3\n', ["a;1", "b", "c"]),
        ('a,b\n"x;y;z",2\n', ["a", "b"]),
        ("a,b,c\n1,2,x;y\n3,4,z\n", ["a", "b", "c"]),
        ("a\tb\nx, y; z\t2\n", ["a", "b"]),
        ("a|b\n1|2\n", ["a", "b"]),
        ("a\n1\n", ["a"]),
        ('"a\nb";c\n1;2\n', ["a\nb", "c"]),
    ],
)
def test_the_separator_is_the_one_that_all_rows_agree_on(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    assert table_of(tmp_path, text).column_names == names


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1,5", "2,25", "3"], [1.5, 2.25, 3.0]),
        (["0,250", "12"], [0.25, 12.0]),
        (["1,234", "2,5"], [1.234, 2.5]),
        (["-1,5e3", ""], [-1500.0, None]),
        (["1,234", "56,789"], ["1,234", "56,789"]),  # thousands, or three decimals: nobody knows
        (["1.234,5", "2,5"], ["1.234,5", "2,5"]),
        (["01,5", "2,5"], ["01,5", "2,5"]),
        (["1,5", "some"], ["1,5", "some"]),
        (["1,2,3", "2,5"], ["1,2,3", "2,5"]),
        (["7", "8"], [7, 8]),
    ],
)
def test_decimal_commas_are_read_where_they_are_certain(
    tmp_path: Path, values: list[str], expected: list[object]
) -> None:
    text = "a;b\n" + "".join(f"{value};x\n" for value in values)
    assert table_of(tmp_path, text)["a"].to_pylist() == expected
    batches = list(read_batches(tmp_path / "table.csv", rows=1))
    told = [None if value is None else str(value) for value in expected]
    is_number = all(isinstance(value, float | None) for value in expected)
    found = [batch["a"][0].as_py() for batch in batches]
    assert [each and float(each) for each in found] == expected if is_number else found == told


def test_commas_between_values_are_no_decimal_commas(tmp_path: Path) -> None:
    assert table_of(tmp_path, 'a,b\n"1,5",2\n')["a"].to_pylist() == ["1,5"]


def test_a_column_is_judged_by_all_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a;b\n1,5;2,5\n")
    (tmp_path / "2.csv").write_text("a;b\n1,5;none\n")
    table = read_table(tmp_path)
    assert table.to_pydict() == {"a": [1.5, 1.5], "b": ["2,5", "none"]}
    batches = list(read_batches(tmp_path, rows=1))
    assert [batch.to_pydict() for batch in batches] == [
        {"a": ["1.5"], "b": ["2,5"]},
        {"a": ["1.5"], "b": ["none"]},
    ]


@pytest.mark.parametrize(
    ("data", "what", "mend"),
    [
        (b"a,b\n1,2\n1,2,3\n", "not a table of comma-separated values", "as many values"),
        (b"a,b\n\x00\x01,2\n", "holds bytes that are no text", "cut short"),
        (b"\xff\xfea", "begins like UTF-16, but is not", "cut short"),
        (b"\n\n", "has no names in its first line", "column names"),
        (b"a,a\n1,2\n", "Two columns have the same name: 'a'", "a name of its own"),
        (b"a,b\n", "has no rows", "give a source with rows"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, what: str, mend: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        table_of(tmp_path, data)
    assert mend in caught.value.mend
    assert caught.value.where


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(("a,b\n" + "1,2\n" * 10_000).encode())
    with pytest.raises(DataError, match="is not a readable file"):
        table_of(tmp_path, whole[: len(whole) // 2], "table.csv.gz")
