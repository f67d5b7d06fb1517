from __future__ import annotations

import decimal
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from assay.errors import DataError, NotFoundError
from assay.training.conversion import converted

N = 70_001  # more than is read at once
INPUTS = {"inputs": ("a", "b", "c", "d")}


def written(path: Path, table: pa.Table, form: str) -> Path:
    if form == "parquet":
        pa.parquet.write_table(table, path, row_group_size=30_000)
    else:
        pa.feather.write_feather(table, path, compression=form, chunksize=30_000)
    return path


def of(path: Path, folder: Path, **wanted: Any) -> np.ndarray:
    (file,) = converted([path], wanted, frozenset(), folder).values()
    return np.load(file)


@pytest.mark.parametrize("form", ["parquet", "uncompressed", "zstd"])
def test_every_kind_of_number_becomes_a_float_and_what_is_missing_nan(
    tmp_path: Path, form: str
) -> None:
    a = np.random.default_rng(0).normal(size=N)
    b = [None if i % 7 == 0 else i for i in range(N)]
    c = [None if i % 5 == 0 else i % 2 == 0 for i in range(N)]
    d = pa.array([decimal.Decimal(i % 100) for i in range(N)], pa.decimal128(6, 2))
    table = pa.table({"d": d, "a": a, "x": ["text"] * N, "b": b, "c": c})
    rows = of(written(tmp_path / "table", table, form), tmp_path / "kept", **INPUTS)
    assert rows.dtype == np.float32
    wanted = [a, np.array(b, float), np.array(c, float), np.arange(N) % 100]
    np.testing.assert_array_equal(rows, np.stack(wanted, 1).astype(np.float32))


@pytest.mark.parametrize("form", ["parquet", "uncompressed"])
def test_lists_of_fixed_size_keep_their_shape_and_bytes_stay_bytes(
    tmp_path: Path, form: str
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1000, 6), dtype=np.uint8)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), 2)
    nested = pa.FixedSizeListArray.from_arrays(flat, 3)
    table = pa.table({"image": nested})
    rows = of(written(tmp_path / "table", table, form), tmp_path / "kept", inputs=("image",))
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, images.reshape(1000, 3, 2))


def test_a_column_of_tensors_has_their_shape(tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(size=(50, 2, 3, 4))
    table = pa.table({"image": pa.FixedShapeTensorArray.from_numpy_ndarray(images)})
    rows = of(written(tmp_path / "t", table, "parquet"), tmp_path / "kept", inputs=("image",))
    np.testing.assert_array_equal(rows, images.astype(np.float32))


def test_codes_and_targets_keep_whole_numbers_that_a_float_cannot(tmp_path: Path) -> None:
    path = tmp_path / "t"
    written(path, pa.table({"k": [2**24 + 1, 3], "y": [2**40, 1], "z": [0.5, 1.5]}), "parquet")
    wanted = {"codes": ("k",), "targets": ("y",), "weights": ("z",)}
    files = converted([path], wanted, frozenset({"targets", "weights"}), tmp_path / "kept")
    codes, targets, weights = (np.load(file) for file in files.values())
    assert (codes.tolist(), targets.tolist()) == ([[2**24 + 1], [3]], [2**40, 1])
    assert (weights.tolist(), weights.dtype) == ([0.5, 1.5], np.float32)
    both = of(path, tmp_path / "kept", targets=("y", "z"))
    assert (both.shape, both.dtype) == ((2, 2), np.float32)


def test_rows_of_several_files_follow_on_each_other(tmp_path: Path) -> None:
    paths = [
        written(tmp_path / "1", pa.table({"a": [1.0, 2.0]}), "parquet"),
        written(tmp_path / "2", pa.table({"a": [3.0]}), "zstd"),
    ]
    files = converted(paths, {"inputs": ("a",)}, frozenset(), tmp_path / "kept")
    assert np.load(files["inputs"]).tolist() == [[1.0], [2.0], [3.0]]


def test_a_file_is_rewritten_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path, folder = tmp_path / "t", tmp_path / "kept"
    written(path, pa.table({"a": [1.0, 2.0]}), "parquet")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    first = converted([path], {"inputs": ("a",)}, frozenset(), folder)["inputs"]
    before = first.stat().st_mtime_ns
    assert converted([path], {"inputs": ("a",)}, frozenset(), folder)["inputs"] == first
    assert first.stat().st_mtime_ns == before
    written(path, pa.table({"a": [5.0, 6.0]}), "parquet")
    os.utime(path, ns=times)  # as whoever copies a file with its times
    again = converted([path], {"inputs": ("a",)}, frozenset(), folder)["inputs"]
    assert np.load(again).tolist() == [[5.0], [6.0]]
    assert len(list(folder.iterdir())) == 2


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = written(tmp_path / "t", pa.table({"a": [1.0] * N, "y": [*[1] * (N - 1), None]}), "zstd")
    with pytest.raises(DataError, match="'y' lacks values"):
        converted([path], {"inputs": ("a",), "targets": ("y",)}, frozenset(), tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize(
    ("column", "wanted", "said"),
    [
        (["x", "y"], {"inputs": ("a",)}, "'a' holds string"),
        ([1.0, 2.5], {"codes": ("a",)}, "'a' holds fractions, in codes"),
        ([1e300, 1.0], {"inputs": ("a",)}, "beyond what float32 can"),
        ([1.0, float("nan")], {"targets": ("a",)}, "'a' lacks values"),
        (pa.array([[1], [2]], pa.list_(pa.int64(), 1)), {"inputs": ("a", "i")}, "'a' holds a list"),
        ([1.0, 2.0], {"inputs": ("b",)}, "no column 'b'"),
    ],
)
def test_a_column_that_does_not_fit_is_named(
    tmp_path: Path, column: Any, wanted: dict[str, tuple[str, ...]], said: str
) -> None:
    path = written(tmp_path / "t", pa.table({"a": column, "i": [1, 2]}), "parquet")
    with pytest.raises(DataError, match=said):
        converted([path], wanted, frozenset(), tmp_path / "kept")


def test_files_that_are_not_there_or_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        converted([tmp_path / "none"], INPUTS, frozenset(), tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="neither a Parquet nor an Arrow"):
        converted([tmp_path / "t.csv"], INPUTS, frozenset(), tmp_path)
    whole = written(tmp_path / "t", pa.table({"a": [1.0]}), "parquet").read_bytes()
    (tmp_path / "torn").write_bytes(whole[:-10])
    with pytest.raises(DataError, match="torn cannot be read"):
        converted([tmp_path / "torn"], {"inputs": ("a",)}, frozenset(), tmp_path)
    a = written(tmp_path / "a", pa.table({"a": [1.0]}), "parquet")
    b = written(tmp_path / "b", pa.table({"a": [1]}), "parquet")
    with pytest.raises(DataError, match="other types in one file"):
        converted([a, b], {"targets": ("a",)}, frozenset(), tmp_path)
