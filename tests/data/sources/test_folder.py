"""Folders: partitions, files of one schema, images and texts, and what is no table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.data.kinds import infer_schema
from assay.data.schema import Role
from assay.data.settings import DataSettings
from assay.data.sources import read_batches, read_table
from assay.errors import DataError


def test_the_names_of_partitions_are_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"y": [1, 2, 3, 4], "year": ["2025", "2025", "2026", "2026"], "zone": list("0101")}
    )
    frame["zone"] = "0" + frame["zone"] + " a/b"
    pq.write_to_dataset(pa.Table.from_pandas(frame), str(tmp_path), partition_cols=["year", "zone"])
    table = read_table(tmp_path)
    assert table.schema.field("year").type == pa.int64()
    assert table.to_pylist() == [
        {"y": 1, "year": 2025, "zone": "00 a/b"},
        {"y": 2, "year": 2025, "zone": "01 a/b"},
        {"y": 3, "year": 2026, "zone": "00 a/b"},
        {"y": 4, "year": 2026, "zone": "01 a/b"},
    ]
    batches = list(read_batches(tmp_path, rows=3))
    assert [batch.num_rows for batch in batches] == [3, 1]
    assert batches[0]["year"].to_pylist() == ["2025", "2025", "2026"]


def test_types_of_the_files_may_differ_as_numbers_do(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [1.5]}), tmp_path / "2.parquet")
    assert read_table(tmp_path).to_pydict() == {"a": [1.0, 1.5], "b": ["x", "y"]}


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n")
    with pytest.raises(
        DataError, match=r"2\.csv has other columns than 1\.csv: it lacks b and has c"
    ):
        read_table(tmp_path)


def test_other_types_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "2.parquet")
    with pytest.raises(DataError, match="of several types"):
        read_table(tmp_path)


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"what is in it: \xc3\xa9")
    return folder


@pytest.mark.parametrize("ending", ["png", "JPG", "jpeg", "webp", "bmp", "tif"])
def test_images_in_folders_by_label_are_a_table(tmp_path: Path, ending: str) -> None:
    files(tmp_path, f"dog/2.{ending}", f"cat/1.{ending}", "dog/.DS_Store", "readme.md")
    for path in tmp_path.rglob(f"*.{ending}"):
        path.write_bytes(b"BM, as a bitmap begins")
    table = read_table(tmp_path)
    assert table.to_pydict() == {
        "path": [f"cat/1.{ending}", f"dog/2.{ending}"],
        "image": [b"BM, as a bitmap begins"] * 2,
        "label": ["cat", "dog"],
    }


def test_texts_in_folders_by_label_are_a_table(tmp_path: Path) -> None:
    table = read_table(files(tmp_path, "spam/1.txt", "ham/2.txt"))
    assert table.column_names == ["path", "text", "label"]
    assert table.to_pylist()[0] == {
        "path": "ham/2.txt",
        "text": "what is in it: é",
        "label": "ham",
    }
    assert [batch.num_rows for batch in read_batches(tmp_path, rows=1)] == [1, 1]


def test_the_path_of_a_file_is_no_feature(tmp_path: Path) -> None:
    """The label stands in it."""
    table = read_table(files(tmp_path, *[f"{each}/{i}.txt" for each in "ab" for i in range(9)]))
    settings = DataSettings(source="t", target="label", roles={"ignore": ["text"]})
    with pytest.raises(DataError, match="No column is left to predict from") as caught:
        infer_schema(table, settings)
    assert f"path ({Role.ID}, " in caught.value.where


@pytest.mark.parametrize(
    ("names", "what", "mend"),
    [
        (["1.png", "2.png"], "1.png is not in a folder that names its label", "LABEL/1.png"),
        (["a/b/1.txt"], "a/b/1.txt is not in a folder that names its label", "LABEL/1.txt"),
        (["a/1.png", "b/1.txt"], "is not one table: it holds 1 images, 1 texts", "one form"),
        (["a.csv", "b.parquet"], "is not one table: it holds 1 .csv, 1 .parquet", "one form"),
        (["readme.md"], "it holds no file that can be read here", ".parquet"),
        (["_delta_log/0.json"], "is a Delta table", "source: delta://"),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, names: list[str], what: str, mend: str
) -> None:
    with pytest.raises(DataError, match=what) as caught:
        read_table(files(tmp_path, *names))
    assert mend in caught.value.mend


def test_text_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"1.txt is not readable text"):
        read_table(tmp_path)
