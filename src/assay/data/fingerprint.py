"""Fingerprints: equal content has the same one, whatever file or library it came from.

A table's fingerprint is a SHA-256 over its columns. A row's hash is 64 bits over its cells, each
bound to its column's name, so that neither the order of columns nor that of rows matters: the
ledger of looks knows test rows by it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
_EXACT_IN_FLOAT = 2**53


def fingerprint(table: pa.Table) -> str:
    """SHA-256 of a settled table: names, missing values and values, column by column."""
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(name.encode() + b"\0")
        digest.update(_column_digest(column))
    return digest.hexdigest()


def row_hashes(table: pa.Table) -> Hashes:
    """One hash per row of a settled table, uint64, shape (n,)."""
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for name, column in zip(table.column_names, table.columns, strict=True):
        total += bound_to(name, cell_hashes(column.combine_chunks()))
    return total


def bound_to(name: str, hashes: Hashes) -> Hashes:
    """Hashes of the cells of a column, bound to its name: in another column they are others."""
    return mixed(hashes ^ np.uint64(hash_bytes(name.encode())))


def rows_digest(hashes: Hashes) -> str:
    """SHA-256 of a set of rows, whatever their order."""
    return hashlib.sha256(np.sort(hashes).astype("<u8").tobytes()).hexdigest()


def among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Which hashes are among known ones, which are sorted, shape (n,)."""
    if len(known) == 0:
        return np.zeros(len(hashes), dtype=bool)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == hashes
    return found


def _column_digest(column: pa.ChunkedArray) -> bytes:
    digest = hashlib.sha256()
    digest.update(np.packbits(pc.is_valid(column).to_numpy()).data)
    if _is_text(column):
        filled = pc.fill_null(_as_text(column), "").cast(pa.large_string())
        digest.update(b"text")
        digest.update(pc.binary_length(filled).to_numpy().astype("<i8").data)
        for chunk in filter(len, filled.chunks):
            offsets = np.frombuffer(chunk.buffers()[1], dtype="<i8")
            start, stop = offsets[chunk.offset], offsets[chunk.offset + len(chunk)]
            data = chunk.buffers()[2]
            digest.update(memoryview(data)[start:stop] if data is not None else b"")
    else:
        digest.update(_numbers(column.combine_chunks()).data)
    return digest.digest()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column, or if it holds something else than text, what Python writes for its values."""
    if pa.types.is_string(column.type):
        return column
    values = [None if value is None else repr(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.string())])


def cell_hashes(column: pa.Array, *, rough: bool = False) -> Hashes:
    """One hash per cell, which depends on nothing but its value, uint64, shape (n,).

    Args:
        column: Of a settled table.
        rough: Whether numbers of the same three leading digits, and texts that differ in case or
            blanks around them, are the same.
    """
    missing = ~pc.is_valid(column).to_numpy(zero_copy_only=False)
    if _is_text(column):
        coded = _as_text(pa.chunked_array([column])).combine_chunks().dictionary_encode()
        texts = (str(level) for level in coded.dictionary.to_pylist())
        read = (text.strip().casefold() for text in texts) if rough else texts
        levels = np.array([hash_bytes(text.encode()) for text in read] or [0], dtype=np.uint64)
        hashes = levels[pc.fill_null(coded.indices, 0).to_numpy()]
    else:
        hashes = mixed(_bits(column, rough))
    return np.where(missing, np.uint64(0x9E3779B97F4A7C15), hashes)


def _bits(column: pa.Array, rough: bool) -> Hashes:
    """Eight bytes a cell as in `_numbers`, but each by its own size, whatever stands beside it."""
    if pa.types.is_timestamp(column.type):
        return _numbers(column).view(np.uint64)
    if not pa.types.is_integer(column.type):
        numbers = _numbers(column)
        return (_rounded(numbers) if rough else numbers).view(np.uint64)
    whole = pc.fill_null(column, 0).to_numpy().astype("<i8")
    exact = (whole <= _EXACT_IN_FLOAT) & (whole >= -_EXACT_IN_FLOAT)
    return np.where(exact, whole.astype("<f8").view(np.uint64), whole.view(np.uint64))


def _rounded(numbers: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers as they are, others to three significant digits."""
    fractional = np.flatnonzero(np.isfinite(numbers) & (numbers != np.floor(numbers)))
    unit = 10.0 ** (np.floor(np.log10(np.abs(numbers[fractional]))) - 2)
    rounded = numbers.copy()
    rounded[fractional] = np.rint(numbers[fractional] / unit) * unit
    return rounded


def _is_text(column: pa.Array) -> bool:
    kind = column.type
    return not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_timestamp(kind)
    )


def _numbers(column: pa.Array) -> NDArray[Any]:
    """Eight little-endian bytes a cell: float64 where that is exact, else int64."""
    if pa.types.is_timestamp(column.type):
        return pc.fill_null(column.cast(pa.int64()), 0).to_numpy().astype("<i8")
    if pa.types.is_integer(column.type):
        whole = pc.fill_null(column, 0).to_numpy()
        if len(whole) and max(abs(int(whole.min())), abs(int(whole.max()))) > _EXACT_IN_FLOAT:
            return whole.astype("<i8")
    numbers = pc.fill_null(column.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    return (numbers + 0.0).astype("<f8")  # -0.0 becomes 0.0


def mixed(bits: Hashes) -> Hashes:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014): close bits become far ones."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def hash_bytes(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
