"""Settling: the types of a table's columns, decided from their values alone.

Whatever form a table comes in, equal content gives equal types: numbers are int64 or float64,
dates are timestamps, true and false are booleans, text stays text. An empty text and NaN are
missing values. Text takes another type only if all its values read as that type; digits with
leading zeros stay text. Fields of nested records become columns of their own, named `a.b`.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.data.pictures import is_binary
from assay.data.sources.refusals import duplicate_columns, duplicates, no_rows

DECIMAL_COMMA = {b"assay.decimal": b","}
"""Marks a text column of a source in which numbers may have decimal commas."""
NAMES_ROW = {b"assay.role": b"id"}
"""Marks a column that says which row it is, for example a file's path: never a feature."""
SAYS_PART = {b"assay.role": b"split"}
"""Marks a column that says of which part a row is, as its source parts them: never a feature."""

_INTEGER = r"^[+-]?(0|[1-9][0-9]{0,18})$"
_NUMBER = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?)?$"
_TRUTH = r"^(true|false|True|False|TRUE|FALSE)$"
_WITH_COMMA = r"^[+-]?((0|[1-9][0-9]*)(,[0-9]*)?|,[0-9]+)([eE][+-]?[0-9]+)?$"
_PERHAPS_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})?$"
_SAMPLE = 2_000
_INDEX = re.compile(r"__index_level_[0-9]+__")
"""What pandas calls an index without a name in a Parquet file."""


def settled(table: pa.Table, name: str) -> pa.Table:
    """The same table with the types that the module's docstring lists.

    Raises:
        DataError: It has no rows, no columns, or two columns of the same name.
    """
    table = plain(table, name)
    if table.num_columns == 0 or table.num_rows == 0:
        raise no_rows(name)
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        typed = _typed_text(column, field) if pa.types.is_string(field.type) else column
        role = next((mark for mark in (NAMES_ROW, SAYS_PART) if is_marked(field, mark)), None)
        columns.append(typed)
        fields.append(pa.field(field.name, typed.type, metadata=role))
    return pa.table(columns, schema=pa.schema(fields)).combine_chunks()


def settled_apart(
    development: pa.Table, test: pa.Table, name: str
) -> tuple[pa.Table, pa.Table, dict[str, int]]:
    """Both parts of a settled table with the types that the development rows alone give.

    One odd cell among the test rows must not decide what training makes of a column (law 1).

    Args:
        development: Rows to develop on.
        test: Rows to be sealed.
        name: What to call the table in errors.

    Returns:
        Both; and for each column the number of test cells that cannot be read as the type of the
        development rows, where there are any: they became missing values.
    """
    development = settled(development, name)
    unreadable = {}
    for position, field in enumerate(development.schema):
        column = test.column(position)
        if column.type == field.type:
            continue
        read = _read_as(column, field.type)
        unreadable[field.name] = read.null_count - column.null_count
        test = test.set_column(position, field, read)
    return development, test, {name: n for name, n in unreadable.items() if n}


def named(columns: list[str]) -> list[str]:
    """The names of columns; one without a name is named by its place.

    >>> named(["", "a", ""])
    ['column_0', 'a', 'column_2']
    """
    return [name or f"column_{n}" for n, name in enumerate(columns)]


def plain(table: pa.Table, name: str) -> pa.Table:
    """The table without nested records, each column in the plain type of its kind.

    This does not depend on the values, so that the batches of a table agree: text stays text. A
    column without a name, as data frames write their index into text, is named by its place:
    'column_0'; the index that pandas writes into Parquet is left out.

    Raises:
        DataError: Two columns have the same name.
    """
    table = _without_index(table)
    table = _of_files(table.rename_columns(named(table.column_names)))
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    twice = duplicates(table.column_names)
    if twice:
        raise duplicate_columns(twice, name)
    columns = [_plain_column(column) for column in table.columns]
    fields = [
        pa.field(field.name, column.type, metadata=field.metadata)
        for field, column in zip(table.schema, columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields)) if columns else table


def _without_index(table: pa.Table) -> pa.Table:
    """The table without the row labels that pandas has written beside its columns.

    A frame that was shuffled or divided keeps the numbers that its rows had; they say nothing of
    the rows. An index with a name is a column like any other.
    """
    index = [name for name in table.column_names if _INDEX.fullmatch(name)]
    return table.drop_columns(index) if 0 < len(index) < table.num_columns else table


def _of_files(table: pa.Table) -> pa.Table:
    """The bytes of records of bytes and path, as Hugging Face stores images, without the path."""
    for position, field in enumerate(table.schema):
        names = {each.name for each in field.type} if pa.types.is_struct(field.type) else set()
        if names == {"bytes", "path"} and is_binary(field.type.field("bytes").type):
            held = pc.struct_field(table.column(position), "bytes")
            table = table.set_column(position, field.name, held)
    return table


class DecimalCommas:
    """Tells, batch by batch, whether the numbers of a text column have decimal commas.

    They do if every value reads as a number with a comma for the point and at least one of them
    cannot be a number with thousands separators instead: '1,234' alone says nothing.
    """

    def __init__(self) -> None:
        self.possible = True
        self.certain = False

    def see(self, column: pa.ChunkedArray) -> None:
        """Take the values of one batch into account."""
        if not (self.possible and all_match(column.slice(0, _SAMPLE), _WITH_COMMA)):
            self.possible = False
            return
        self.possible = all_match(column, _WITH_COMMA)
        if self.possible and not self.certain:
            certain = pc.and_not(
                pc.match_substring(column, ","),
                pc.match_substring_regex(column, _PERHAPS_THOUSANDS),
            )
            self.certain = bool(pc.any(certain).as_py())

    def all_in(self, column: pa.ChunkedArray) -> bool:
        """Whether it holds for this column."""
        self.see(column)
        return self.possible and self.certain


def is_marked(field: pa.Field, mark: dict[bytes, bytes]) -> bool:
    """Whether a column carries one of the marks above."""
    return mark.items() <= (field.metadata or {}).items()


def with_points(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers with decimal commas, as text with decimal points."""
    return pc.replace_substring(column, ",", ".")


def all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    """Whether every value that is there matches."""
    return pc.all(pc.match_substring_regex(column, pattern)).as_py() is not False


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return pa.chunked_array([_decoded(each) for each in column.chunks or [pa.array([], kind)]])
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = column.cast(pa.string())
        empty = pc.equal(text, "")
        return pc.if_else(empty, pa.scalar(None, pa.string()), text) if _any(empty) else text
    if kind == pa.uint64():
        largest = pc.max(column).as_py() or 0
        return column.cast(pa.int64() if largest < 2**63 else pa.float64(), safe=False)
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_decimal(kind):
        # Arrow's own cast is off by one bit in one number of eight; reading the text is exact.
        return column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_floating(kind):
        numbers = column.cast(pa.float64())
        gaps = pc.is_nan(numbers)
        return pc.if_else(gaps, pa.scalar(None, pa.float64()), numbers) if _any(gaps) else numbers
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(
            pa.timestamp("us")
        )
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if _holds_texts(kind):
        return _plain_lists(column)
    if is_binary(kind):
        return column.cast(pa.large_binary())  # a chunk of the other kind ends at two gigabytes
    return column


def _holds_texts(kind: pa.DataType) -> bool:
    """Whether a column of this type holds lists of texts, or of nothing at all."""
    if not (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    ):
        return False
    of = kind.value_type
    of = of.value_type if pa.types.is_dictionary(of) else of
    return bool(
        pa.types.is_string(of)
        or pa.types.is_large_string(of)
        or pa.types.is_string_view(of)
        or pa.types.is_null(of)
    )


def _plain_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of texts in their plain type; an empty text in one is missing, as elsewhere."""
    lists = column.combine_chunks()
    texts = _plain_column(pa.chunked_array([pc.list_flatten(lists)])).combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    ends = pa.array(np.append(0, np.cumsum(lengths)), pa.int32())
    plain = pa.ListArray.from_arrays(ends, texts, mask=lists.is_null())
    return pa.chunked_array([plain])


def _decoded(chunk: pa.DictionaryArray) -> pa.Array:
    levels = _plain_column(pa.chunked_array([chunk.dictionary])).combine_chunks()
    return levels.take(chunk.indices)


def _any(truths: pa.ChunkedArray) -> bool:
    return bool(pc.any(truths).as_py())


def _typed_text(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """Text whose every value reads as a number, a date or a truth value, as such."""
    if is_marked(field, DECIMAL_COMMA) and DecimalCommas().all_in(column):
        column = with_points(column)
    sample = column.slice(0, _SAMPLE).drop_null()
    if len(sample) == 0:
        sample = column.drop_null().slice(0, _SAMPLE)
    some = sample.unique()
    patterns = [each for each in (_INTEGER, _NUMBER, _TRUTH, _DATE) if all_match(some, each)]
    if len(some) == 0 or not patterns:
        return column
    # Distinct values are fewer to look at, but finding them costs as much as looking at all.
    values = column.unique() if len(some) < len(sample) / 2 else column
    for pattern in patterns:
        if all_match(values, pattern):
            return _cast_text(column, pattern)
    return column


def _cast_text(column: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    if pattern is _INTEGER:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:  # beyond 2**63
            return column.cast(pa.float64())
    if pattern is _NUMBER:
        return column.cast(pa.float64())
    if pattern is _TRUTH:
        return pc.utf8_lower(column).cast(pa.bool_())
    try:
        return pc.replace_substring(column, "Z", "").cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return column


def _read_as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Values as those of another type; a missing value where they cannot be read so.

    Numbers without a fraction are whole ones, and whole ones are numbers: a column may be stored as
    one or the other only because a value is missing.
    """
    if pa.types.is_floating(column.type) and kind == pa.int64():
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**63))
        return pc.if_else(whole, column, pa.scalar(None, column.type)).cast(kind)
    if pa.types.is_integer(column.type) and kind == pa.float64():
        return column.cast(kind, safe=False)
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    if kind == pa.string():
        return column
    patterns = {pa.int64(): _INTEGER, pa.float64(): _NUMBER, pa.bool_(): _TRUTH}
    pattern = patterns.get(kind, _DATE)
    readable = pc.match_substring_regex(column, pattern)
    read = _cast_text(pc.if_else(readable, column, pa.scalar(None, pa.string())), pattern)
    return read if read.type == kind else pa.chunked_array([pa.nulls(len(column), kind)])
