"""Rows in files that are mapped into memory: training on more than memory holds.

What is resident stays the same however many rows there are: whole blocks are asked for before rows
are copied out of them, and the mapping is let go of when others are wanted. The system's cache
keeps the pages for as long as nobody else wants the memory.

Rows must lie together on the disk for that. Twenty Arrow columns take 12,000 microseconds for 128
random rows, the same numbers row by row 5; so columns are rewritten once (`conversion`).
"""

from __future__ import annotations

import mmap
import warnings
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
"""Up to here any row is as near as another: it is shuffled as a whole and never let go of."""
_BLOCKS_AT_ONCE = 64  # as many as are shuffled together


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
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        here: np.ndarray[Any, Any] = np.ndarray(array.shape, array.dtype, self._map, self._offset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it cannot be written to
            self.tensor = torch.from_numpy(here)
        self._row_bytes = row_bytes(self.tensor)

    def __reduce__(self) -> tuple[Any, ...]:
        return ArrayFile, (self.path,)

    def expect(self, first: int, stop: int) -> None:
        """Have these rows read from the disk."""
        begin = self._offset + first * self._row_bytes
        begin -= begin % mmap.PAGESIZE
        end = min(self._offset + stop * self._row_bytes, len(self._map))
        self._map.madvise(mmap.MADV_WILLNEED, begin, end - begin)

    def release(self) -> None:
        """Let go of what is resident; the next look reads it again."""
        self._map.madvise(mmap.MADV_DONTNEED)


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
        self._expected = np.zeros(self._n // self._read_together + 1, dtype=bool)

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
        if not self._is_small:
            self._expect(index)
        return Batch(*mapped(self._rows, lambda each: selected(each, index)))

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

    def _expect(self, index: Tensor) -> None:
        """Whole blocks are asked for at once: from a cold disk that is twice as fast."""
        wanted = np.zeros_like(self._expected)
        wanted[index.numpy() // self._read_together] = True
        if not (wanted & ~self._expected).any():
            return
        if self._expected.sum() >= _BLOCKS_AT_ONCE:
            self._release()
        wanted &= ~self._expected
        for block in np.flatnonzero(wanted).tolist():
            first = block * self._read_together
            for file in self._files:
                file.expect(first, min(first + self._read_together, self._n))
        self._expected |= wanted

    def _release(self) -> None:
        for file in self._files:
            file.release()
        self._expected[:] = False


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
