"""Featured tables: columns as the features of a Hugging Face dataset mean them.

Arrow holds the number of a class where its name is meant, and an image as a record of its bytes or
of a path to them. The features, which stand beside the table, tell which is which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.data.pictures import is_binary
from assay.data.sources.pictured import contents
from assay.errors import DataError

_LISTS = ("List", "LargeList", "Sequence")
_NO_CLASS = -1
"""What `datasets` writes for a class that is not known."""


def featured(table: pa.Table, features: Mapping[str, Any], folder: Path, name: str) -> pa.Table:
    """The table with names of classes, bytes of images, and fields of records as `a.b`.

    Columns whose features mean what is stored are handed on as they are.

    Args:
        table: As Arrow has it.
        features: By column, as `dataset_info.json` has them.
        folder: What paths of images are relative to.
        name: What to call the table in errors.

    Raises:
        DataError: A class has no name, or an image cannot be read.
    """
    columns = [
        each
        for field, column in zip(table.schema, table.columns, strict=True)
        for each in _meant(field.name, column, features.get(field.name), folder, name)
    ]
    return pa.Table.from_arrays([each for _, each in columns], names=[each for each, _ in columns])


def _meant(
    name: str, column: pa.ChunkedArray, feature: Any, folder: Path, table: str
) -> Iterator[tuple[str, pa.ChunkedArray]]:
    column = _stored(column)
    kind = feature.get("_type") if isinstance(feature, Mapping) else ""
    if _is_class(feature) and pa.types.is_integer(column.type):
        yield name, _names(column, feature.get("names"), name, table)
    elif _is_class(_inside(feature)) and _holds_numbers(column.type):
        yield name, _lists_of_names(column, _inside(feature).get("names"), name, table)
    elif kind == "Image" and _is_record_of_file(column.type):
        yield name, _files(column, folder)
    elif isinstance(feature, Mapping) and not isinstance(kind, str) and _is_record(column.type):
        for place, field in enumerate(column.type):
            inner = pc.struct_field(column, [place])
            yield from _meant(f"{name}.{field.name}", inner, feature.get(field.name), folder, table)
    else:
        yield name, column


def _stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """What an extension type stores: whether Arrow knows one hangs on what is imported."""
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    return pa.chunked_array(
        [chunk.storage for chunk in column.chunks], type=column.type.storage_type
    )


def _inside(feature: Any) -> Any:
    """The feature of what lists hold, as `datasets` has written it over the years."""
    if isinstance(feature, list) and len(feature) == 1:
        return feature[0]
    if isinstance(feature, Mapping) and feature.get("_type") in _LISTS:
        return feature.get("feature")
    return None


def _is_class(feature: Any) -> bool:
    return isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel"


def _holds_numbers(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return is_list and pa.types.is_integer(kind.value_type)


def _lists_of_names(column: pa.ChunkedArray, names: Any, name: str, table: str) -> pa.ChunkedArray:
    """Lists of the names of classes instead of their numbers; a class not known is left out."""
    lists = column.combine_chunks()
    rows, numbers = pc.list_parent_indices(lists), pc.list_flatten(lists)
    named = _names(pa.chunked_array([numbers]), names, name, table).combine_chunks()
    known = named.is_valid()
    counts = np.bincount(rows.filter(known).to_numpy(), minlength=len(lists))
    ends = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
    return pa.chunked_array(
        [pa.ListArray.from_arrays(ends, named.filter(known), mask=lists.is_null())]
    )


def _names(column: pa.ChunkedArray, names: Any, name: str, table: str) -> pa.ChunkedArray:
    """The names of the classes that are numbered; missing where a class is not known."""
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        return column
    numbers = column.cast(pa.int64())
    numbers = pc.if_else(pc.equal(numbers, _NO_CLASS), pa.scalar(None, pa.int64()), numbers)
    named = pa.array(names, pa.string())
    unnamed = pc.or_(pc.less(numbers, 0), pc.greater_equal(numbers, len(names)))
    if pc.any(unnamed).as_py():
        number = numbers.filter(unnamed)[0].as_py()
        raise DataError(
            f"Column {name!r} holds the class {number}, which has no name.",
            where=f"{table}; its {len(names)} classes are numbered from 0",
            mend="write the dataset again, with a ClassLabel that names every class",
        )
    return pa.chunked_array([named.take(chunk) for chunk in numbers.chunks], pa.string())


def _files(column: pa.ChunkedArray, folder: Path) -> pa.ChunkedArray:
    """What the files hold that records of bytes and path stand for; no bytes: those at the path."""
    names = [field.name for field in column.type]
    held, paths = (pc.struct_field(column, [names.index(each)]) for each in ("bytes", "path"))
    held = held.cast(pa.large_binary())
    outside = pc.and_(held.is_null(), paths.is_valid())
    if not pc.any(outside).as_py():
        return held
    pairs = zip(outside.to_pylist(), paths.to_pylist(), strict=True)
    return pc.coalesce(held, contents([folder / path if out else None for out, path in pairs]))


def _is_record(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind))


def _is_record_of_file(kind: pa.DataType) -> bool:
    fields = {field.name: field.type for field in kind} if _is_record(kind) else {}
    return set(fields) == {"bytes", "path"} and is_binary(fields["bytes"])
