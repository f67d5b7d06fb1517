"""Sharing: the data of all fits in one Arrow file that worker processes map into their memory.

Numbers are read where the system keeps them, one copy for all workers; texts become objects in each
process, a pointer a cell. What comes back equals what was stored, bit for bit.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assay.data.dataset import Part
from assay.data.schema import Schema

_SCHEMA = b"assay.schema"
_BESIDES = ("rows", "target", "weights", "groups", "times")


def store(part: Part, path: Path) -> None:
    """Write the data for `stored`: from us to our own workers, never kept."""
    besides = {f"part.{name}": getattr(part, name) for name in _BESIDES}
    columns = {f"feature.{name}": part.features[name].to_numpy() for name in part.features}
    arrays = {
        name: _as_arrow(values)
        for name, values in (besides | columns).items()
        if values is not None
    }
    table = pa.table(arrays).replace_schema_metadata(
        {_SCHEMA: json.dumps(part.schema.as_dict()).encode()}
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


@lru_cache(maxsize=1)
def stored(path: Path) -> Part:
    """The data that `store` wrote; read once per process."""
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    schema = Schema.from_dict(json.loads(table.schema.metadata[_SCHEMA]))
    arrays = {name: _as_numpy(table[name].chunk(0)) for name in table.column_names}
    features = pd.DataFrame(
        {name: arrays[f"feature.{name}"] for name in schema.reading},
        index=pd.RangeIndex(table.num_rows),
        copy=False,
    )
    besides = {name: arrays.get(f"part.{name}") for name in _BESIDES}
    return Part(features=features, schema=schema, **besides)  # type: ignore[arg-type]


def _as_arrow(values: np.ndarray[Any, Any]) -> pa.Array:
    if values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    if values.dtype != object:
        return pa.array(values)
    # pandas' missing value is NaN, which the levels do not hold.
    codes, levels = pd.factorize(values)
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0), pa.array(levels, pa.large_string())
    )


def _as_numpy(array: pa.Array) -> np.ndarray[Any, Any]:
    if pa.types.is_fixed_size_list(array.type):
        return array.flatten().to_numpy().reshape(len(array), array.type.list_size)
    if not pa.types.is_dictionary(array.type):
        return array.to_numpy(zero_copy_only=not pa.types.is_boolean(array.type))
    levels = np.empty(len(array.dictionary) + 1, dtype=object)
    levels[:-1] = array.dictionary.to_pylist()
    levels[-1] = np.nan
    return levels[array.indices.fill_null(-1).to_numpy()]
