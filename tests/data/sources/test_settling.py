"""Reading: the same content gives the same types and the same fingerprint, whatever its form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.fingerprint import fingerprint, row_hashes, rows_digest
from assay.data.sources import from_frame, read_batches, read_table
from assay.errors import DataError
from tests.conftest import EXAMPLES


def csv(tmp_path: Path, text: str) -> pa.Table:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return read_table(path)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2", "-3"], pa.int64()),
        (["1", "2.5", "1e3"], pa.float64()),
        (["01234", "12345"], pa.string()),
        (["true", "False"], pa.bool_()),
        (["2026-01-31", "2026-02-01T10:30:00"], pa.timestamp("us")),
        (["2-10", "25-39"], pa.string()),
        (["Feb", "Mar"], pa.string()),
        (["none", "some"], pa.string()),
        (["2026-13-45", "2026-01-01"], pa.string()),
    ],
)
def test_text_takes_the_type_that_all_its_values_have(
    tmp_path: Path, values: list[str], kind: pa.DataType
) -> None:
    assert csv(tmp_path, "a\n" + "\n".join(values) + "\n").schema.field("a").type == kind


def test_what_is_missing_is_missing_and_nothing_else(tmp_path: Path) -> None:
    table = csv(tmp_path, "a,b\n1,x\n,none\nNA,\n")
    assert table["a"].to_pylist() == [1, None, None]
    assert table["b"].to_pylist() == ["x", "none", None]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_seen(tmp_path: Path, separator: str) -> None:
    text = "a,b\n1,2\n".replace(",", separator)
    assert csv(tmp_path, text).column_names == ["a", "b"]


def test_quoted_values_may_hold_separators_and_lines(tmp_path: Path) -> None:
    table = csv(tmp_path, 'a,b\n"x,y","one\ntwo"\n')
    assert table.to_pylist() == [{"a": "x,y", "b": "one\ntwo"}]


@pytest.mark.parametrize("name", ["adult", "penguins", "flights"])
def test_csv_parquet_and_pandas_have_one_fingerprint(name: str, tmp_path: Path) -> None:
    parquet = EXAMPLES / f"{name}.parquet"
    frame = pd.read_parquet(parquet).head(500)
    frame.to_csv(tmp_path / "table.csv", index=False)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "table.parquet")
    tables = [
        read_table(tmp_path / "table.csv"),
        read_table(tmp_path / "table.parquet"),
        from_frame(frame),
        from_frame(frame.astype(object).where(frame.notna(), None)),
    ]
    assert len({fingerprint(table) for table in tables}) == 1
    for table in tables[1:]:
        np.testing.assert_array_equal(row_hashes(table), row_hashes(tables[0]))


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(["value", "gap", "name", "swap"]))
def test_any_change_changes_the_fingerprint(seed: int, change: str) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": random.normal(size=8), "b": list("uvwxuvwx")})
    other = frame.copy()
    row = int(random.integers(8))
    if change == "value":
        other.loc[row, "a"] += 1e-12
    elif change == "gap":
        other.loc[row, "b"] = None
    elif change == "name":
        other.columns = ["a", "c"]
    else:
        other = other.iloc[[*range(1, 8), 0]]
    assert fingerprint(from_frame(frame)) != fingerprint(from_frame(other))


def test_rows_are_known_by_their_cells_whatever_their_order() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    hashes = row_hashes(from_frame(frame))
    turned = row_hashes(from_frame(frame[["b", "a"]].iloc[::-1]))
    np.testing.assert_array_equal(np.sort(hashes), np.sort(turned))
    assert rows_digest(hashes) == rows_digest(turned)
    assert len(set(hashes.tolist())) == 3


def test_a_value_in_another_column_is_another_row() -> None:
    first = row_hashes(from_frame(pd.DataFrame({"a": [1], "b": [2]})))
    second = row_hashes(from_frame(pd.DataFrame({"a": [2], "b": [1]})))
    assert first[0] != second[0]


def test_mixed_values_of_a_frame_are_refused() -> None:
    with pytest.raises(DataError, match="values are of several types") as caught:
        from_frame(pd.DataFrame({"a": [1, "x", 2.5, [3]]}))
    assert "astype(str)" in caught.value.mend


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="is a list, which is no table"):
        from_frame([1, 2, 3])


def test_the_index_of_a_frame_that_was_divided_is_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": list("wxyz")})
    frame.sample(3, random_state=1).to_parquet(tmp_path / "part.parquet")
    frame.set_index("b").to_parquet(tmp_path / "named.parquet")
    assert read_table(tmp_path / "part.parquet").column_names == ["a", "b"]
    assert {*read_table(tmp_path / "named.parquet").column_names} == {"a", "b"}
    [piece] = read_batches(tmp_path / "part.parquet")
    assert piece.column_names == ["a", "b"]
