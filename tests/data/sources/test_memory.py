"""Batches: the memory they take does not depend on how many there are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from assay.data.sources import delimited, parquet, read_batches
from assay.errors import NotFoundError

_ROWS = 10_000


def part() -> pa.Table:
    random = np.random.default_rng(0)
    return pa.table({name: random.normal(size=_ROWS) for name in "abcd"})


def write(form: str, folder: Path, times: int) -> Path:
    path = folder / f"{times}.{form}"
    table = pa.concat_tables([part()] * times).combine_chunks()
    if form == "csv":
        pyarrow.csv.write_csv(table, path)
    elif form == "parquet":
        pages = {"data_page_size": 1 << 14, "use_dictionary": False}
        pq.write_table(table, path, row_group_size=table.num_rows, **pages)
    elif form == "arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=1_000)
    else:
        lines = "".join(json.dumps(row) + "\n" for row in part().to_pylist())
        path.write_text(lines * times)
    return path


def peak(path: Path) -> int:
    """The most bytes that Arrow held when it handed over a batch."""
    before = pa.total_allocated_bytes()
    return max(pa.total_allocated_bytes() for _ in read_batches(path, rows=1_000)) - before


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow", "jsonl"])
def test_a_table_four_times_as_long_takes_no_more_memory(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_BATCH_BYTES", 1 << 16)  # of which some are read ahead
    monkeypatch.setattr(parquet, "_BUFFER_BYTES", 1 << 14)  # for each column
    short, long = write(form, tmp_path, 8), write(form, tmp_path, 32)
    assert peak(long) < 1.25 * peak(short)
    assert sum(batch.num_rows for batch in read_batches(long)) == 32 * _ROWS


def test_what_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file a\.csv"):
        read_batches(tmp_path / "a.csv")


def test_a_value_means_the_same_in_every_batch(tmp_path: Path) -> None:
    """A batch in which all codes look like numbers or dates is still one of text."""
    values = ["007", "x", "12", "13", "2026-01-31", "2026-02-01"]
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{each},1\n" for each in values))
    frame = pd.DataFrame({"a": values, "b": 1})
    (tmp_path / "a.jsonl").write_text(frame.to_json(orient="records", lines=True))
    for name in ("a.csv", "a.jsonl"):
        batches = list(read_batches(tmp_path / name, rows=2))
        assert [value for batch in batches for value in batch["a"].to_pylist()] == values
        assert {batch.schema.field("a").type for batch in batches} == {pa.string()}
