"""Bodies: whatever bytes come, they are read as what they say, or refused in words."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.serving.json_body import strict_json
from assay.serving.refusal import Refusal
from assay.serving.settings import Limits
from assay.serving.table_body import arrow_columns, parquet_columns

DEPTH = 8
texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from([":", '"', "\\", "a:b"])
cells = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
documents = st.recursive(
    cells, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4)
)
rows = st.lists(st.dictionaries(texts, cells, max_size=5), max_size=4).map(lambda r: {"rows": r})


def pairs_of(document: Any) -> Any:
    """The document with its objects as lists of pairs."""
    if isinstance(document, dict):
        return _Pairs((name, pairs_of(value)) for name, value in document.items())
    return [pairs_of(each) for each in document] if isinstance(document, list) else document


class _Pairs(list):
    pass


def written(document: Any, random: Any) -> str:
    """JSON, each text escaped or not."""
    if isinstance(document, _Pairs):
        inner = ",".join(f"{written(k, random)}: {written(v, random)}" for k, v in document)
        return f"{{{inner}}}"
    if isinstance(document, list):
        return f"[{','.join(written(each, random) for each in document)}]"
    return json.dumps(document, ensure_ascii=random.random() < 0.3)


@settings(max_examples=150, deadline=None)
@given(documents | rows, st.randoms())
def test_json_without_a_key_twice_is_what_it_says(document: Any, random: Any) -> None:
    body = written(pairs_of(document), random).encode()
    assert strict_json(body, 64) == orjson.loads(body)


@settings(max_examples=150, deadline=None)
@given(rows, st.data(), st.randoms())
def test_a_key_twice_is_never_missed(document: Any, data: st.DataObject, random: Any) -> None:
    """Also where texts with colons would make up for the colon that was lost."""
    pairs = pairs_of(document)
    places = [each for each in [pairs, *pairs[0][1]] if len(each)]
    chosen = data.draw(st.sampled_from(range(len(places))))
    again = data.draw(st.sampled_from(list(places[chosen])))[0]
    at = data.draw(st.integers(0, len(places[chosen])))
    places[chosen].insert(at, (again, data.draw(cells)))
    with pytest.raises(Refusal, match="more than once") as caught:
        strict_json(written(pairs, random).encode(), DEPTH)
    assert caught.value.status == 400


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.sampled_from(["[", '{"a":', '{"rows":[']))
def test_depth_is_counted_by_levels(n: int, opens: str) -> None:
    closes = "".join({"[": "]", "{": "}"}[each] for each in reversed(opens) if each in "[{")
    body = (opens * n + "1" + closes * n).encode()
    levels = n * sum(each in "[{" for each in opens)
    if levels > DEPTH:
        with pytest.raises(Refusal, match="nested deeper than 8"):
            strict_json(body, DEPTH)
    else:
        strict_json(body, DEPTH)


def stream(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


TABLE = pa.table({"a": [1.0, None, float("nan")], "k": ["x", None, "y"], "i": [1, 2**60, None]})


def test_tables_keep_their_values() -> None:
    expected = {"a": [1.0, None, None], "k": ["x", None, "y"], "i": [1, 2**60, None]}
    encoded = TABLE.set_column(1, "k", TABLE["k"].dictionary_encode())
    assert arrow_columns(stream(TABLE), Limits()) == (expected, 3)
    assert arrow_columns(stream(encoded), Limits()) == (expected, 3)
    assert parquet_columns(parquet(TABLE), Limits()) == (expected, 3)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_compressed_stream_is_refused(codec: str) -> None:
    for table in (TABLE, TABLE.set_column(1, "k", TABLE["k"].dictionary_encode())):
        with pytest.raises(Refusal, match="compressed") as caught:
            arrow_columns(stream(table, compression=codec), Limits())
        assert caught.value.status == 415


def test_a_small_body_that_unpacks_to_a_large_table_is_refused() -> None:
    """A text that is sent once and stands in every row."""
    codes = pa.array(np.zeros(9_000, dtype=np.int32))
    bomb = pa.table({"k": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 100_000]))})
    for read, body in ((arrow_columns, stream(bomb)), (parquet_columns, parquet(bomb))):
        assert len(body) < 200_000
        with pytest.raises(Refusal, match="more than 128 MiB") as caught:
            read(body, Limits())
        assert caught.value.status == 413


def test_too_many_rows_and_odd_types_are_refused() -> None:
    many = pa.table({"a": np.zeros(20)})
    for read, body in ((arrow_columns, stream(many)), (parquet_columns, parquet(many))):
        with pytest.raises(Refusal, match="more than 10 rows"):
            read(body, Limits(rows=10))
    odd = pa.table({"a": pa.array([{"path": "/etc/passwd"}])})
    with pytest.raises(Refusal, match="Column 'a' is of type struct"):
        arrow_columns(stream(odd), Limits())
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(Refusal, match="have the name 'a'"):
        arrow_columns(stream(twice), Limits())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["arrow", "parquet"]), st.data())
def test_broken_tables_are_refused_and_break_nothing(form: str, data: st.DataObject) -> None:
    body = bytearray(stream(TABLE) if form == "arrow" else parquet(TABLE))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(body)))
    read = arrow_columns if form == "arrow" else parquet_columns
    try:
        columns, n = read(bytes(body[:cut]), Limits())
    except Refusal:  # and nothing else
        return
    assert all(len(each) == n for each in columns.values())
