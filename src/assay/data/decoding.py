"""Decoding: the file or the pixels of one image become pixels of a given size.

This module stands alone (NumPy and Pillow only), because its text travels inside every logged
model: images are decoded for plain MLflow as they were for training.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np


def pixels_of(
    cells: Sequence[Any], shape: tuple[int, int, int], rows: Sequence[int]
) -> np.ndarray[Any, Any]:
    """All images as one array, uint8, shape (n, c, h, w), decoded in parallel.

    Args:
        cells: Files of images as bytes, or pixels, as `feature_frame` gives them, length n.
        shape: What each is made: (c, h, w), with 1 channel for grey or 3 for colours.
        rows: Their numbers, for errors.

    Raises:
        ValueError: An image is missing or broken; it names the first of them.
    """
    images = np.empty((len(cells), *shape), dtype=np.uint8)

    def decode(place: int) -> None:
        try:
            images[place] = decoded_image(cells[place], shape)
        except Exception as error:  # Pillow's plugins raise whatever they like
            reason = str(error) or type(error).__name__
            raise ValueError(f"the image of row {rows[place]} cannot be read: {reason}") from None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(decode, range(len(cells))):
            pass
    return images


def decoded_image(cell: Any, shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """One image, uint8, of this shape (c, h, w); turned as its camera says, and squashed.

    Raises:
        ValueError: There is none. Pillow raises whatever it likes of one that is broken.
    """
    from PIL import Image, ImageOps

    channels, *sides = shape
    wanted = (sides[1], sides[0])
    if isinstance(cell, np.ndarray):
        image = Image.fromarray(cell[:, :, 0] if cell.ndim == 3 and cell.shape[2] == 1 else cell)
    else:
        image = opened_image(cell)
        image.draft(image.mode, wanted)  # JPEG is decoded no larger than it is needed
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits: the lower ones go
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != wanted:
        image = image.resize(wanted, Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if channels == 1 else np.moveaxis(pixels, 2, 0)


def opened_image(cell: Any) -> Any:
    """An image of Pillow, not decoded yet, from the bytes of its file.

    Raises:
        ValueError: These are no bytes, or not those of an image.
    """
    from PIL import Image, UnidentifiedImageError

    if not isinstance(cell, bytes):
        raise ValueError("there is none")
    try:
        return Image.open(BytesIO(cell))
    except UnidentifiedImageError:
        raise ValueError("it is no file of an image that Pillow knows") from None
