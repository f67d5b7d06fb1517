"""Images are decoded to one size, once, and what cannot be is named."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.data.images import LARGEST, ImageSize, decoded, fingerprint_of, size_of
from assay.errors import DataError
from assay.workspace import Workspace


def pixels(height: int = 6, width: int = 5, channels: int = 1, seed: int = 0) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def file_of(content: np.ndarray, form: str = "png", **given: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(content).save(file, form, **given)
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["png", "bmp", "tiff", "webp"])
def test_files_without_loss_come_back_pixel_by_pixel(channels: int, form: str) -> None:
    given = [pixels(channels=channels, seed=seed) for seed in range(3)]
    files = [
        file_of(each, form, **({"lossless": True} if form == "webp" else {})) for each in given
    ]
    size = size_of([file_of(each) for each in given])
    assert size == ImageSize(6, 5, channels)
    expected = np.stack(given).reshape(3, 6, 5, channels).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(decoded(files, size), expected)
    np.testing.assert_array_equal(decoded(given, size), expected)


def test_the_number_of_threads_changes_nothing() -> None:
    files = [file_of(pixels(20 + seed, 30, 3, seed), "jpeg") for seed in range(40)]
    size = ImageSize(16, 16, 3)
    one, four = (decoded(files, size, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_the_size_is_the_median_and_no_larger_than_need_be() -> None:
    cells = [pixels(height, 10) for height in (4, 6, 30)]
    assert size_of(cells) == ImageSize(6, 10, 1)
    assert size_of([pixels(LARGEST * 2, LARGEST)]) == ImageSize(LARGEST, LARGEST // 2, 1)
    assert size_of(cells, size=(300, 20)) == ImageSize(300, 20, 1)
    assert decoded(cells, ImageSize(300, 20, 1)).shape == (3, 1, 300, 20)


def test_one_image_in_colour_makes_all_of_them_so() -> None:
    cells = [pixels(), pixels(channels=3)]
    size = size_of(cells)
    images = decoded(cells, size)
    assert size.channels == 3
    np.testing.assert_array_equal(images[0], np.stack([cells[0]] * 3))


def test_a_photo_is_turned_as_its_camera_was_held() -> None:
    content = np.zeros((8, 16), dtype=np.uint8)
    content[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    photo = file_of(content, "png", exif=exif)
    size = size_of([photo])
    assert (size.height, size.width) == (16, 8)
    image = decoded([photo], size)[0, 0]
    assert image[:8].min() == 255
    assert image[8:].max() == 0


def test_sixteen_bits_become_eight() -> None:
    deep = np.array([[0, 256], [65535, 32768]], dtype=np.uint16)
    file = file_of(deep)
    np.testing.assert_array_equal(
        decoded([file], size_of([file]))[0, 0], np.array([[0, 1], [255, 128]])
    )


def test_what_was_decoded_is_kept_and_found_again(tmp_path: Path) -> None:
    cells = [pixels(seed=seed) for seed in range(5)]
    size = size_of(cells)
    folder = Workspace(tmp_path).images_folder
    first = decoded(cells, size, folder=folder)
    [path] = folder.iterdir()
    assert path.stem == fingerprint_of(cells, size)
    written = path.stat().st_mtime_ns
    again = decoded([each.copy() for each in cells], size, folder=folder)
    assert isinstance(again, np.memmap)
    assert path.stat().st_mtime_ns == written
    np.testing.assert_array_equal(first, decoded(cells, size))
    np.testing.assert_array_equal(again, first)


def test_the_eight_that_are_newest_are_kept(tmp_path: Path) -> None:
    for side in range(2, 12):
        decoded([pixels()], ImageSize(side, side, 1), folder=tmp_path)
    kept = {np.load(path, mmap_mode="r").shape[2] for path in tmp_path.iterdir()}
    assert kept == set(range(4, 12))


def test_what_another_process_forgets_meanwhile_is_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look for the file and its opening eight others were kept."""
    cells = [pixels(seed=seed) for seed in range(3)]
    size = size_of(cells)
    first = np.array(decoded(cells, size, folder=tmp_path))
    load = np.load

    def forgotten(path: Path, **given: Any) -> Any:
        path.unlink()
        return load(path, **given)

    monkeypatch.setattr(np, "load", forgotten)
    np.testing.assert_array_equal(decoded(cells, size, folder=tmp_path), first)


def test_other_images_another_order_or_another_size_are_kept_apart() -> None:
    cells, size = [pixels(seed=seed) for seed in range(3)], ImageSize(6, 5, 1)
    known = {
        fingerprint_of(cells, size),
        fingerprint_of(cells[::-1], size),
        fingerprint_of(cells[:2], size),
        fingerprint_of([file_of(each) for each in cells], size),
        fingerprint_of(cells, ImageSize(6, 6, 1)),
        fingerprint_of(cells, ImageSize(6, 5, 3)),
    }
    assert len(known) == 6


def test_nothing_is_kept_of_images_one_of_which_is_broken(tmp_path: Path) -> None:
    cells = [file_of(pixels()), file_of(pixels())[:-30]]
    with pytest.raises(DataError, match=r"The image of row 1 cannot be read: .*truncated"):
        decoded(cells, ImageSize(6, 5, 1), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"no image", "it is no file of an image that Pillow knows"),
        (np.nan, "there is none"),
        (file_of(pixels())[:50], "rows? 70"),
    ],
)
def test_images_that_cannot_be_read_are_named_by_their_rows(bad: Any, reason: str) -> None:
    cells = [file_of(pixels()), bad, file_of(pixels()), bad]
    rows = np.array([50, 70, 60, 90])
    with pytest.raises(DataError, match=reason) as caught:
        decoded(cells, ImageSize(6, 5, 1), rows=rows)
    assert "The image of row 70 cannot be read" in caught.value.what
    assert caught.value.where == "rows 70, 90, counted from 0"
