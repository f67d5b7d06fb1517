"""Whatever the bytes are, reading them gives a table or an error that says how to mend it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.data.fingerprint import fingerprint
from assay.data.sources import from_frame, read_batches, read_table
from assay.errors import AssayError
from tests.data.sources.forms import FORMS, mixed

FILES = {
    "csv": "table.csv",
    "csv in utf-16": "table.csv",
    "semicolons and decimal commas": "table.csv",
    "csv.gz": "table.csv.gz",
    "csv.zst": "table.csv.zst",
    "parquet": "table.parquet",
    "arrow": "table.arrow",
    "arrow stream": "table.ipc",
    "feather": "table.feather",
    "jsonl": "table.jsonl",
    "ndjson.gz": "table.ndjson.gz",
    "excel": "table.xlsx",
    "table of a database": "shop.db",
}


@cache
def whole(form: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        FORMS[form](mixed(), Path(folder))
        return (Path(folder) / FILES[form]).read_bytes()


@st.composite
def mangled(draw: st.DrawFn, form: str) -> bytes:
    """A whole file with some bytes replaced, left out or put in, and perhaps cut."""
    data = bytearray(whole(form))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        stop = place + draw(st.sampled_from([0, 1, 2, 7, 64]))
        data[place:stop] = draw(st.binary(max_size=16))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def outcome(form: str, data: bytes) -> None:
    """Read it both ways; anything but a table or an error of ours fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILES[form]
        path.write_bytes(data)
        is_database = path.suffix == ".db"
        source = f"sqlite:///{path}" if is_database else path
        query = "sales" if is_database else None
        with suppress(AssayError):
            table = read_table(source, query=query)
            assert fingerprint(table) == fingerprint(from_frame(table))
            table.to_pandas()
        with suppress(AssayError):
            for batch in read_batches(source, query=query, rows=7):
                batch.to_pandas()


@pytest.mark.parametrize("form", FILES)
def test_a_mangled_file_gives_a_table_or_an_error_of_ours(form: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(mangled(form))
    def law(data: bytes) -> None:
        outcome(form, data)

    law()


@pytest.mark.parametrize("form", FILES)
def test_any_bytes_give_a_table_or_an_error_of_ours(form: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.one_of(st.binary(max_size=200), st.text(max_size=60).map(str.encode)))
    @example(b"\n")
    @example(b'"')
    @example(b'a,b\n"1,2\n' * 3)
    @example(b'{"a": 1}\n{"b": [1, {"c": null}]}')
    @example(b"PAR1PAR1")
    @example(b"ARROW1\0\0ARROW1")
    def law(data: bytes) -> None:
        outcome(form, data)

    law()
