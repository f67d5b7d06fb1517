"""Images: files and pixels of any size become one array of uint8, decoded in parallel, once.

What was decoded is kept by the fingerprint of the files, so that the next fit, seed or trial finds
it, mapped into memory. Images are turned as their cameras say, and squashed to one size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.decoding import decoded_image, opened_image
from assay.errors import DataError
from assay.predictions import Rows
from assay.threads import cores
from assay.workspace import forget_all_but_newest, written_aside

Pixels = NDArray[np.uint8]
LARGEST = 224
"""Sides beyond this are shrunk, unless a size is asked for."""
_VERSION = 1
"""Of how images are decoded: what an older one kept is not found again."""
_LOOKED_AT = 1000
_MOST_KEPT = 8
_AT_ONCE = 256
_ORIENTATION = 0x0112
"""The tag in which a camera says how it was held (EXIF)."""
_FIRST_ON_ITS_SIDE = 5
_SHOWN = 5


@dataclass(frozen=True)
class ImageSize:
    """What all images of a column are made.

    Attributes:
        height: In pixels.
        width: In pixels.
        channels: 1 for grey, 3 for red, green and blue.
    """

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w)."""
        return self.channels, self.height, self.width

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def size_of(
    cells: Sequence[Any], size: tuple[int, int] | None = None, rows: Rows | None = None
) -> ImageSize:
    """The size for some images: the medians of their sides, and grey if all of them are.

    At most a thousand of them are looked at, evenly spread.

    Args:
        cells: As `decoded` takes them.
        size: Height and width, where they are chosen.
        rows: Their numbers in the table, for errors.

    Raises:
        DataError: One of them is missing or broken.
    """
    every = range(0, len(cells), max(1, len(cells) // _LOOKED_AT))
    seen = list(_each(_looked_at, cells, rows, every, threads=1))
    height, width = (round(float(np.median([each[axis] for each in seen]))) for axis in (0, 1))
    if size is not None:
        height, width = size
    elif max(height, width) > LARGEST:
        shrink = LARGEST / max(height, width)
        height, width = max(1, round(height * shrink)), max(1, round(width * shrink))
    return ImageSize(height, width, max(each[2] for each in seen))


def decoded(
    cells: Sequence[Any],
    size: ImageSize,
    *,
    folder: Path | None = None,
    rows: Rows | None = None,
    threads: int | None = None,
) -> Pixels:
    """All images as one array, uint8, shape (n, c, h, w).

    Args:
        cells: Files of images as bytes, or pixels, as `feature_frame` gives them, length n.
        size: What they are made.
        folder: Where what is decoded is kept, and found again; None to keep it in memory only.
        rows: Their numbers in the table, for errors; counted from zero when None.
        threads: How many decode at the same time; as many as there are processors when None.

    Raises:
        DataError: Images are missing or broken; it names the first of them with its reason.
    """

    def one(cell: Any) -> Pixels:
        return decoded_image(cell, size.shape)

    threads = threads or cores()
    every = range(len(cells))
    if folder is None:
        images = np.empty((len(cells), *size.shape), dtype=np.uint8)
        for place, image in enumerate(_each(one, cells, rows, every, threads)):
            images[place] = image
        return images
    path = _path(folder, cells, size)
    if not path.exists():
        with written_aside(path, mode=0o600) as aside:
            mapped = np.lib.format.open_memmap(
                aside, mode="w+", dtype=np.uint8, shape=(len(cells), *size.shape)
            )
            for place, image in enumerate(_each(one, cells, rows, every, threads)):
                mapped[place] = image
            mapped.flush()
        forget_all_but_newest(folder, "*.npy", _MOST_KEPT)
    try:
        # To write into it changes the copy in memory only: PyTorch warns of arrays that refuse it.
        kept: Pixels = np.load(path, mmap_mode="c")
    except FileNotFoundError:  # another process has kept so many since that this one is forgotten
        return decoded(cells, size, rows=rows, threads=threads)
    return kept


def kept_or_decoded(cells: Sequence[Any], size: ImageSize, *, folder: Path | None) -> Pixels:
    """As `decoded`, from what is kept if that is there; nothing new is kept.

    So rows that are seen once, to be predicted, leave nothing behind.
    """
    if folder is not None and _path(folder, cells, size).exists():
        return decoded(cells, size, folder=folder)
    return decoded(cells, size)


def fingerprint_of(cells: Sequence[Any], size: ImageSize) -> str:
    """SHA-256 of the images and of what they are made."""
    digest = hashlib.sha256(f"{_VERSION} {size.shape} {len(cells)}".encode())
    for cell in cells:
        if isinstance(cell, bytes):
            digest.update(b"file %d " % len(cell) + cell)
        elif isinstance(cell, np.ndarray):
            digest.update(f"pixels {cell.shape} ".encode() + cell.tobytes())
        else:
            digest.update(b"none")
    return digest.hexdigest()


def _path(folder: Path, cells: Sequence[Any], size: ImageSize) -> Path:
    return folder / f"{fingerprint_of(cells, size)}.npy"


def _each(
    read: Callable[[Any], Any],
    cells: Sequence[Any],
    rows: Rows | None,
    places: range,
    threads: int,
) -> Iterator[Any]:
    """What `read` gives for the cells at these places, in their order.

    Raises:
        DataError: It failed; all cells of its stretch that did are counted.
    """

    def tried(place: int) -> tuple[Any, str]:
        try:
            return read(cells[place]), ""
        except Exception as error:  # Pillow's plugins raise whatever they like
            return None, str(error) or type(error).__name__

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(places), _AT_ONCE):
            here = places[start : start + _AT_ONCE]
            results = list(pool.map(tried, here) if threads > 1 else map(tried, here))
            failed = [place for place, (_, reason) in zip(here, results, strict=True) if reason]
            if failed:
                reason = next(reason for _, reason in results if reason)
                raise _broken([n if rows is None else int(rows[n]) for n in failed], reason)
            yield from (result for result, _ in results)


def _broken(rows: Sequence[int], reason: str) -> DataError:
    shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return DataError(
        f"The image of row {rows[0]} cannot be read: {reason.rstrip('.')}.",
        where=f"rows {shown}, counted from 0" if len(rows) > 1 else f"row {rows[0]}, from 0",
        mend="mend the file, or leave the row out",
    )


def _looked_at(cell: Any) -> tuple[int, int, int]:
    """Height, width and channels of an image, without decoding it where that can be avoided."""
    if isinstance(cell, np.ndarray):
        return cell.shape[0], cell.shape[1], 1 if cell.ndim == 2 or cell.shape[2] == 1 else 3
    image = opened_image(cell)
    width, height = image.size
    if image.getexif().get(_ORIENTATION, 1) >= _FIRST_ON_ITS_SIDE:
        width, height = height, width
    return height, width, 1 if _is_grey(image) else 3


def _is_grey(image: Any) -> bool:
    return image.mode in ("1", "L", "LA") or image.mode.startswith("I")
