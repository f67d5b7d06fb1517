"""Rows in files that are mapped into memory: training on more than memory holds.

What is held stays the same however many rows there are: whole blocks are read into at most 32 MiB
of memory, or what a batch takes if that is more, and rows are copied out of those. Rows are not
copied out of a mapping, of which a system may map 2 MiB for every row that is touched, unless the
blocks of a batch are too large to be held. The system's cache keeps the pages for as long as nobody
else wants the memory.

Rows must lie together on the disk for that. Twenty Arrow columns take 12,000 microseconds for 128
random rows, the same numbers row by row 5; so columns are rewritten once (`conversion`).
"""

from __future__ import annotations

import io
import mmap
import os
import warnings
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.errors import DataError, NotFoundError
from assay.training.batches import WINDOW_BYTES, Batch, mapped, row_bytes, selected, tensors_of
from assay.training.conversion import converted

BLOCK_BYTES = 1 << 18
"""Rows that are read together: twice what a system reads ahead by itself."""
SMALL_BYTES = 1 << 26
"""Up to here any row is as near as another: it is shuffled as a whole, and mapped."""
HELD_BYTES = 1 << 25
"""What blocks take that are held, in all files together."""
_BLOCKS_AT_ONCE = 128  # twice as many as are shuffled together: a window may lie in two such


class ArrayFile:
    """An array in a `.npy` file, as a tensor that must not be written to.

    Attributes:
        path: The file.
        tensor: First axis n.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is no array of numbers in C order, or torn.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise NotFoundError(f"There is no file {path}.", mend="Give the path of a .npy file.")
        array = _header(path)
        self._offset: int = array.offset
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._file)
        whole = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
        here: np.ndarray[Any, Any] = np.ndarray(array.shape, array.dtype, whole, self._offset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it cannot be written to
            self.tensor = torch.from_numpy(here)
        self._row_bytes = row_bytes(self.tensor)

    def __reduce__(self) -> tuple[Any, ...]:
        return ArrayFile, (self.path,)

    def read_into(self, first: int, rows: Tensor) -> None:
        """Read the rows from number `first` on, as many as there is room for.

        Raises:
            DataError: The file has become shorter.
        """
        room: Any = memoryview(rows.numpy().reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        done = 0
        while done < len(room):
            begin = self._offset + first * self._row_bytes + done
            got = _read_at(self._file, room[done:], begin)
            if not got:
                raise DataError(
                    f"{self.path.name} ends before row {first + len(rows):,}.",
                    where=str(self.path),
                    mend="Do not change a file that is trained on; write it anew.",
                )
            done += got


class Mapped:
    """Rows in `.npy` files that are mapped into memory; implements `batches.Data`.

    A batch is a copy of its rows. Missing values are what the files hold: NaN.

    Args:
        inputs: Path of a `.npy` file with first axis n, or a tuple or dict of them; uint8 images,
            shape (n, c, h, w), stay uint8.
        targets: The same of the targets; a tensor stays in memory.
        weights: The same of sample weights, float32, shape (n,); None where all count the same.
        block: Rows that are shuffled together; by their size when absent.
    """

    def __init__(
        self, inputs: Any, targets: Any, weights: Any = None, *, block: int | None = None
    ) -> None:
        self._files: list[ArrayFile] = []
        self._rows = tuple(self._opened(each) for each in (inputs, targets, weights))
        each = list(tensors_of(self._rows))
        lengths = {len(tensor) for tensor in each}
        if len(lengths) != 1:
            raise DataError(
                f"Inputs, targets and weights have different numbers of rows: {sorted(lengths)}.",
                where=", ".join(str(file.path) for file in self._files),
                mend="Give files that were written of the same rows.",
            )
        self._n = lengths.pop()
        self._row_bytes = row_bytes(self._rows)
        self._is_small = self.size_bytes <= SMALL_BYTES
        by_size = 1 if self._is_small else max(1, BLOCK_BYTES // self._row_bytes)
        self.block = block or by_size
        self._read_together = max(self.block, BLOCK_BYTES // self._row_bytes)
        self._held: _Held | None = None

    @classmethod
    def of_table(
        cls,
        paths: Path | Sequence[Path],
        *,
        inputs: Sequence[str],
        targets: str | Sequence[str],
        folder: Path,
        codes: Sequence[str] = (),
        weights: str | None = None,
        block: int | None = None,
    ) -> Mapped:
        """Columns of Parquet or Arrow files, rewritten row by row the first time (`conversion`).

        Args:
            paths: One file, or several of the same columns, whose rows follow on each other.
            inputs: Columns of numbers, as float32, shape (n, d); or one column of lists of fixed
                size, as it is, shape (n, ...).
            targets: A column of whole numbers (int64) or values (float32), shape (n,); or several
                of them, shape (n, m).
            folder: Where what is rewritten is kept and found again.
            codes: Columns of whole numbers, int64, shape (n, k); the inputs are then both in turn.
            weights: A column of sample weights.
            block: As in `Mapped`.

        Raises:
            DataError: A column is not there, holds no numbers, or lacks values where it must not.
        """
        wanted = {"inputs": tuple(inputs), "codes": tuple(codes)}
        wanted["targets"] = (targets,) if isinstance(targets, str) else tuple(targets)
        wanted["weights"] = () if weights is None else (weights,)
        flat = {"weights", *(("targets",) if isinstance(targets, str) else ())}
        several = [paths] if isinstance(paths, Path) else list(paths)
        files = converted(several, wanted, frozenset(flat), folder)
        both = (files["inputs"], files["codes"]) if codes else files["inputs"]
        return cls(both, files["targets"], files.get("weights"), block=block)

    def __len__(self) -> int:
        return self._n

    def __reduce__(self) -> tuple[Any, ...]:
        return _mapped_again, (self._sources, self.block)

    @property
    def size_bytes(self) -> int:
        return self._n * self._row_bytes

    @property
    def window(self) -> int:
        return max(1, WINDOW_BYTES // self._row_bytes)

    def take(self, index: Tensor) -> Batch:
        """The rows of these numbers, int64, shape (n,), in this order."""
        if self._is_small:
            return Batch(*mapped(self._rows, lambda each: selected(each, index)))
        if self._held is None:  # in the process that reads
            self._held = _Held(self._files, self._n, self._read_together)
        held, where = self._held, self._held.positions(index)
        if where is None:
            return Batch(*mapped(self._rows, lambda each: selected(each, index)))

        def rows_of(each: Tensor) -> Tensor:
            there = held.rows.get(id(each))
            return selected(each, index) if there is None else selected(there, where)

        return Batch(*mapped(self._rows, rows_of))

    @property
    def _sources(self) -> Any:
        """What was given: a path for each tensor of a file."""
        paths = {id(file.tensor): file.path for file in self._files}
        return mapped(self._rows, lambda tensor: paths.get(id(tensor), tensor))

    def _opened(self, given: Any) -> Any:
        if isinstance(given, (str, Path)):
            file = ArrayFile(Path(given))
            self._files.append(file)
            return file.tensor
        if isinstance(given, dict):
            return {name: self._opened(each) for name, each in given.items()}
        if isinstance(given, (tuple, list)):
            return tuple(self._opened(each) for each in given)
        return given


class _Held:
    """Blocks of rows that were read last, side by side.

    Attributes:
        rows: Of each file, by the identity of its tensor.
    """

    def __init__(self, files: Sequence[ArrayFile], n: int, block: int) -> None:
        self._files, self._n, self._block = files, n, block
        self._slots = np.full(-(-n // block), -1)
        block_bytes = block * row_bytes([each.tensor for each in files])
        self._make_room(min(_BLOCKS_AT_ONCE, len(self._slots), HELD_BYTES // block_bytes))

    def _make_room(self, n_blocks: int) -> None:
        """For as many blocks, none of which is there yet."""
        self._room, self._used = n_blocks, 0
        self._slots[:] = -1
        self.rows = {
            id(each.tensor): each.tensor.new_empty(n_blocks * self._block, *each.tensor.shape[1:])
            for each in self._files
        }

    def positions(self, index: Tensor) -> Tensor | None:
        """Where the rows of these numbers are, once they were read.

        None if their blocks are too large: more than there is room for, and than the rows take.
        """
        numbers = index.numpy()
        blocks = numbers // self._block
        wanted = np.flatnonzero(np.bincount(blocks, minlength=len(self._slots)))
        if len(wanted) > self._room:
            if len(wanted) * self._block > len(index):
                return None
            self._make_room(len(wanted))
        missing = wanted[self._slots[wanted] < 0]
        if self._used + len(missing) > self._room:
            self._slots[:] = -1
            self._used, missing = 0, wanted
        for number in missing.tolist():
            self._read(number)
        return torch.from_numpy(self._slots[blocks] * self._block + numbers % self._block)

    def _read(self, number: int) -> None:
        first, to = number * self._block, self._used * self._block
        size = min(self._block, self._n - first)
        for each in self._files:
            each.read_into(first, self.rows[id(each.tensor)][to : to + size])
        self._slots[number] = self._used
        self._used += 1


def _read_at(file: int, room: memoryview, begin: int) -> int:
    """Read from a place in a file on, and say how many bytes; Windows and some macOS lack `preadv`.

    Without it no two processes may share the file, and none do: they are not forked there.
    """
    if hasattr(os, "preadv"):
        return os.preadv(file, [room], begin)
    with io.FileIO(file, closefd=False) as handle:
        handle.seek(begin)
        return handle.readinto(room) or 0


def _mapped_again(sources: Any, block: int) -> Mapped:
    return Mapped(*sources, block=block)


def _header(path: Path) -> np.memmap[Any, Any]:
    """A view of the file, which has read its header only."""
    try:
        array: np.memmap[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{path.name} cannot be mapped into memory: {error}.",
            where=str(path),
            mend="Write it with numpy.save, of an array of numbers.",
        ) from error
    if not array.flags.c_contiguous or not array.dtype.isnative or array.ndim == 0:
        raise DataError(
            f"The rows of {path.name} do not lie together, or not in this machine's byte order.",
            where=f"{path}: {array.dtype.str}, shape {array.shape}",
            mend="Write it with numpy.save(path, numpy.ascontiguousarray(array)).",
        )
    return array
