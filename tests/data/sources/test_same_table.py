"""The law of sources: equal content is an equal table with an equal fingerprint, in every form."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assay.data.fingerprint import fingerprint, row_hashes
from assay.data.sources import from_frame, read_batches, read_table
from tests.data.sources.forms import FORMS, arrow, mixed


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_table(form: str, tmp_path: Path) -> None:
    frame = mixed()
    expected = from_frame(frame)
    written = FORMS[form](frame, tmp_path)
    table = read_table(written.source, **written.settings)
    assert table.schema == expected.schema
    assert table.to_pylist() == expected.to_pylist()
    assert fingerprint(table) == fingerprint(expected)
    assert row_hashes(table).tolist() == row_hashes(expected).tolist()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet folder", "table of a database", "excel"])
def test_one_changed_cell_is_another_table(form: str, tmp_path: Path) -> None:
    frame, other = mixed(), mixed()
    other.loc[7, "code"] = "00000"
    written = FORMS[form](other, tmp_path)
    table = read_table(written.source, **written.settings)
    assert fingerprint(table) != fingerprint(from_frame(frame))


@pytest.mark.parametrize("form", FORMS)
def test_batches_say_the_same_rows(form: str, tmp_path: Path) -> None:
    """Text stays text, so put together again they settle to the same table."""
    frame = mixed()
    written = FORMS[form](frame, tmp_path)
    batches = list(read_batches(written.source, rows=12, **written.settings))
    assert [batch.num_rows for batch in batches] == [12, 12, 12, 4]
    whole = pa.concat_tables(batches, promote_options="permissive")
    assert fingerprint(from_frame(whole)) == fingerprint(from_frame(frame))


def object_dates(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(day=frame["day"].dt.to_pydatetime())


def decimals(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = [None if each != each else Decimal(repr(each)) for each in frame["number"].tolist()]
    return frame.assign(number=pd.Series(numbers, dtype=object))


IN_MEMORY: dict[str, Callable[[pd.DataFrame], Any]] = {
    "categories": lambda frame: frame.astype({"word": "category", "whole": "category"}),
    "nullable": lambda frame: frame.convert_dtypes(),
    "pyarrow-backed": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "objects": lambda frame: frame.astype(object).where(frame.notna(), None),
    "dates as objects": object_dates,
    "decimals": decimals,
    "a time zone": lambda frame: frame.assign(
        day=frame["day"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    ),
    "an index": lambda frame: frame.set_index(pd.Index(range(5, 5 + len(frame)))),
    "polars": pl.from_pandas,
    "polars, lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "polars categories": lambda frame: pl.from_pandas(frame).cast({"word": pl.Categorical}),
    "arrow": arrow,
    "arrow batch": lambda frame: arrow(frame).combine_chunks().to_batches()[0],
    "arrow reader": lambda frame: arrow(frame).to_reader(max_chunksize=7),
    "arrow, all text": lambda frame: arrow(frame).cast(
        pa.schema([(name, pa.string()) for name in frame.columns])
    ),
}


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_every_frame_gives_the_same_table(kind: str) -> None:
    frame = mixed()
    expected = from_frame(frame)
    table = from_frame(IN_MEMORY[kind](frame))
    assert table.to_pylist() == expected.to_pylist()
    assert fingerprint(table) == fingerprint(expected)


def test_an_arrow_table_is_not_copied() -> None:
    table = pa.table({"a": pa.array([1.5, 2.5]), "b": pa.array([1, 2]), "c": pa.array(["x", "y"])})
    taken = from_frame(table)
    for name in table.column_names:
        buffers = [each.address for each in table[name].chunk(0).buffers() if each is not None]
        assert [
            each.address for each in taken[name].chunk(0).buffers() if each is not None
        ] == buffers


def test_decimals_are_read_exactly() -> None:
    texts = [f"{i}.{i * 7919 % 10**8:08d}" for i in range(2000)]
    as_decimals = pa.table({"a": pa.array([Decimal(each) for each in texts])})
    assert from_frame(as_decimals)["a"].to_pylist() == [float(each) for each in texts]


def test_large_whole_numbers_keep_every_digit(tmp_path: Path) -> None:
    numbers = [2**63 - 1, -(2**63) + 1, 1_234_567_890_123_456_789]
    (tmp_path / "a.csv").write_text("a\n" + "\n".join(map(str, numbers)))
    table = read_table(tmp_path / "a.csv")
    assert table["a"].to_pylist() == numbers
    unsigned = pa.table({"a": pa.array([2**63 - 1, 5], pa.uint64())})
    assert from_frame(unsigned)["a"].to_pylist() == [2**63 - 1, 5]
    beyond = pa.table({"a": pa.array([2**64 - 1, 5], pa.uint64())})
    assert from_frame(beyond)["a"].type == pa.float64()
