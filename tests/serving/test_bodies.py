"""Bodies: whatever bytes come, they are read as what they say, or refused in words."""

from __future__ import annotations

import datetime as dt
import io
import json
import time
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
from assay.serving.table_body import Wanted, arrow_columns, parquet_columns

DEPTH = 8
WANTED = Wanted(frozenset({"a", "k", "i", "when", "picture"}), images=frozenset({"picture"}))
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
    assert arrow_columns(stream(TABLE), Limits(), WANTED) == (expected, 3)
    assert arrow_columns(stream(encoded), Limits(), WANTED) == (expected, 3)
    assert parquet_columns(parquet(TABLE), Limits(), WANTED) == (expected, 3)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_compressed_stream_is_refused(codec: str) -> None:
    for table in (TABLE, TABLE.set_column(1, "k", TABLE["k"].dictionary_encode())):
        with pytest.raises(Refusal, match="compressed") as caught:
            arrow_columns(stream(table, compression=codec), Limits(), WANTED)
        assert caught.value.status == 415


def test_a_small_body_that_unpacks_to_a_large_table_is_refused() -> None:
    """A text that is sent once and stands in every row."""
    codes = pa.array(np.zeros(9_000, dtype=np.int32))
    bomb = pa.table({"k": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 100_000]))})
    for read, body in ((arrow_columns, stream(bomb)), (parquet_columns, parquet(bomb))):
        assert len(body) < 200_000
        with pytest.raises(Refusal, match="more than 128 MiB") as caught:
            read(body, Limits(), WANTED)
        assert caught.value.status == 413


def test_too_many_rows_and_odd_types_are_refused() -> None:
    many = pa.table({"a": np.zeros(20)})
    for read, body in ((arrow_columns, stream(many)), (parquet_columns, parquet(many))):
        with pytest.raises(Refusal, match="more than 10 rows"):
            read(body, Limits(rows=10), WANTED)
    odd = pa.table({"a": pa.array([{"path": "/etc/passwd"}])})
    with pytest.raises(Refusal, match="Column 'a' is of type struct"):
        arrow_columns(stream(odd), Limits(), WANTED)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(Refusal, match="have the name 'a'"):
        arrow_columns(stream(twice), Limits(), WANTED)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["arrow", "parquet"]), st.data())
def test_broken_tables_are_refused_and_break_nothing(form: str, data: st.DataObject) -> None:
    body = bytearray(stream(TABLE) if form == "arrow" else parquet(TABLE))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(body)))
    read = arrow_columns if form == "arrow" else parquet_columns
    try:
        columns, n = read(bytes(body[:cut]), Limits(), WANTED)
    except Refusal:  # and nothing else
        return
    assert all(len(columns.get(name, [0] * n)) == n for name in WANTED.names)


def read_both(table: pa.Table) -> list[Any]:
    read = (
        arrow_columns(stream(table), Limits(), WANTED),
        parquet_columns(parquet(table), Limits(), WANTED),
    )
    return [columns for columns, _ in read]


BOMBS = {
    "nothing, very often": pa.FixedSizeListArray.from_arrays(pa.nulls(10**7), 10**7),
    "empty lists": pa.ListArray.from_arrays(
        [0, 10**7], pa.array([[]], pa.list_(pa.uint8(), 0)).take(pa.array(np.zeros(10**7, int)))
    ),
    "a text for many": pa.ListArray.from_arrays(
        [0, 1000],
        pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), ["x" * 400_000]),
    ),
    "a view": pa.array(["x"], pa.string_view()),
    "a run": pa.RunEndEncodedArray.from_arrays([1], ["x"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_stands_for_more_than_was_sent_is_refused_at_once(name: str) -> None:
    """Or not looked at, where no model knows the column."""
    body = stream(pa.table({name: BOMBS[name], "picture": BOMBS[name]}))
    for wanted, status in (("a", None), (name, 415), ("picture", (413, 415))):
        began = time.process_time()
        asked = Wanted(frozenset({wanted}), images=frozenset({"picture"}))
        if status is None:
            assert arrow_columns(body, Limits(), asked) == ({name: [], "picture": []}, 1)
        else:
            with pytest.raises(Refusal) as caught:
                arrow_columns(body, Limits(), asked)
            assert caught.value.status in np.atleast_1d(status)
        assert time.process_time() - began < 1


def test_columns_that_nobody_wants_are_names_alone() -> None:
    table = pa.table({"other": [1, 2], "b.c": [[1], None]})
    expected = ({"other": [], "b.c": []}, 2)
    assert arrow_columns(stream(table), Limits(), WANTED) == expected
    assert parquet_columns(parquet(table), Limits(), WANTED) == expected
    dotted = Wanted(frozenset({"b"}))
    both = pa.table({"b": [1.5], "b.c": [2.5]})
    assert parquet_columns(parquet(both), Limits(), dotted) == ({"b": [1.5], "b.c": []}, 1)


def test_a_parquet_list_of_nothing_is_refused_before_it_is_read() -> None:
    many = pa.ListArray.from_arrays([0, 200_000], pa.array(np.zeros(200_000, np.uint8)))
    body = parquet(pa.table({"picture": many}))
    assert len(body) < 10_000
    with pytest.raises(Refusal, match="more than 1 MiB"):
        parquet_columns(body, Limits(table_mib=1), WANTED)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.none() | st.lists(st.none() | st.lists(st.none() | st.integers(0, 255), max_size=3),
                                  max_size=3), max_size=4),
    st.sampled_from([pa.uint8(), pa.float32(), pa.int64()]),
)  # fmt: skip
def test_pixels_are_what_arrow_says(pixels: list[Any], kind: pa.DataType) -> None:
    for inner in (pa.list_(kind), pa.large_list(kind)):
        table = pa.table({"picture": pa.array(pixels, pa.list_(inner))})
        table = pa.concat_tables([table, table.slice(1)])
        assert read_both(table) == [{"picture": table["picture"].to_pylist()}] * 2
    blocks = pa.table({"picture": pa.array([[1, 2], None, [3, None]], pa.list_(kind, 2))})
    read, _ = arrow_columns(stream(blocks), Limits(), WANTED)
    assert read == {"picture": [[1, 2], None, [3, None]]}


def test_dates_in_nanoseconds_are_read_and_finer_ones_refused() -> None:
    dates = [dt.datetime(2026, 1, 2, 3, 4, 5, 6), None]
    for zone, kept in ((None, dates), ("UTC", [dates[0].replace(tzinfo=dt.UTC), None])):
        table = pa.table({"when": pa.array(kept, pa.timestamp("ns", zone))})
        for columns in read_both(table):
            assert columns == {"when": kept}
            assert type(columns["when"][0]) is dt.datetime
        encoded = pa.table({"when": table["when"].combine_chunks().dictionary_encode()})
        assert arrow_columns(stream(encoded), Limits(), WANTED)[0] == {"when": kept}
    with pytest.raises(Refusal, match="'when' has dates that are finer than a microsecond") as said:
        read_both(pa.table({"when": pa.array([1], pa.timestamp("ns"))}))
    assert (said.value.status, said.value.mend) == (422, "round them to microseconds")
