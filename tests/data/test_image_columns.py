"""Images in tables: found whatever they come as, and the same features in training and after."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import assay
from assay.data.features import feature_frame
from assay.data.images import decoded, size_of
from assay.data.kinds import infer_schema
from assay.data.preparation import prepare
from assay.data.schema import Kind, Role
from assay.data.settings import DataSettings
from assay.data.sources import from_frame, read_batches, read_table
from assay.errors import DataError, LearnerError
from assay.tracking.memory import MemoryStore

N = 20


def pixels(n: int = N) -> np.ndarray:
    return np.random.default_rng(0).integers(2, 256, size=(n, 6, 5), dtype=np.uint8)


def png(content: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(content).save(file, "png")
    return file.getvalue()


def files() -> list[bytes]:
    return [png(each) for each in pixels()]


def labels() -> list[str]:
    return ["cat", "dog"] * (N // 2)


def schema_of(table: pa.Table, **settings: object):
    return infer_schema(table, DataSettings(source="t", target="label", **settings))


IN_MEMORY = {
    "files": lambda: pd.DataFrame({"image": files(), "label": labels()}),
    "arrays": lambda: pd.DataFrame({"image": list(pixels()), "label": labels()}),
    "lists": lambda: pd.DataFrame({"image": pixels().tolist(), "label": labels()}),
    "fractions": lambda: pd.DataFrame({"image": (pixels() / 255).tolist(), "label": labels()}),
    "colours": lambda: pd.DataFrame(
        {"image": np.repeat(pixels()[..., None], 3, 3).tolist(), "label": labels()}
    ),
    "channels first": lambda: pd.DataFrame(
        {"image": np.repeat(pixels()[:, None], 3, 1).tolist(), "label": labels()}
    ),
    "a Hugging Face column": lambda: pa.table(
        {"image": [{"bytes": each, "path": None} for each in files()], "label": labels()}
    ),
    "arrays of fixed size": lambda: pa.table(
        {
            "image": pa.FixedSizeListArray.from_arrays(
                pa.FixedSizeListArray.from_arrays(pa.array(pixels().ravel()), 5), 6
            ),
            "label": labels(),
        }
    ),
}


@pytest.mark.parametrize("form", IN_MEMORY)
def test_images_in_any_form_are_one_feature_of_the_same_pixels(form: str) -> None:
    data = prepare(from_frame(IN_MEMORY[form]()), DataSettings(source="t", target="label"), "t")
    assert data.schema.named(Kind.IMAGE) == ["image"]
    cells = data.development.features["image"].tolist()
    images = decoded(cells, size_of(cells))
    np.testing.assert_array_equal(images[:, 0], pixels()[data.development.rows])
    sealed = decoded(data.test.features["image"].tolist(), size_of(cells))
    np.testing.assert_array_equal(sealed[:, 0], pixels()[data.test.rows])
    assert data.unreadable == {}


@pytest.mark.parametrize("form", IN_MEMORY)
def test_raw_rows_are_read_as_those_of_training(form: str) -> None:
    given = IN_MEMORY[form]()
    data = prepare(from_frame(given), DataSettings(source="t", target="label"), "t")
    frame = given if isinstance(given, pd.DataFrame) else given.to_pandas()
    again = feature_frame(frame.iloc[data.development.rows], data.schema.reading)
    cells, expected = again["image"], data.development.features["image"]
    assert all(np.array_equal(a, b) for a, b in zip(cells, expected, strict=True))


def test_flat_pixels_are_an_image_where_that_is_said() -> None:
    square = pixels()[:, :5].reshape(N, 25).tolist()
    table = from_frame(pd.DataFrame({"flat": square, "label": labels()}))
    with pytest.raises(DataError, match="'flat' holds list<item: int64>"):
        schema_of(table)
    schema = schema_of(table, kinds={"flat": "image"})
    [cell] = feature_frame(table.slice(0, 1).to_pandas(), schema.reading)["flat"]
    np.testing.assert_array_equal(cell, pixels()[0, :5])


def test_bytes_that_are_no_images_are_refused_as_before() -> None:
    table = from_frame(pd.DataFrame({"blob": [b"abc"] * N, "label": labels()}))
    with pytest.raises(DataError, match="'blob' holds large_binary, which no learner can use"):
        schema_of(table)


def folder_of_images(folder: Path) -> Path:
    for number, (label, content) in enumerate(zip(labels(), files(), strict=True)):
        (folder / label).mkdir(exist_ok=True, parents=True)
        (folder / label / f"{number:02}.png").write_bytes(content)
    return folder


def test_a_folder_of_images_is_read_with_what_the_files_hold(tmp_path: Path) -> None:
    table = read_table(folder_of_images(tmp_path))
    schema = schema_of(table)
    assert table.column_names == ["path", "image", "label"]
    assert {column.name: column.role for column in schema.columns}["path"] is Role.ID
    assert schema.named(Kind.IMAGE) == ["image"]
    assert table["image"].to_pylist() == files()[::2] + files()[1::2]
    pieces = list(read_batches(tmp_path, rows=8))
    assert [piece.num_rows for piece in pieces] == [8, 8, 4]
    assert pa.concat_tables(pieces)["image"].to_pylist() == table["image"].to_pylist()


def test_a_table_of_paths_is_read_with_what_the_files_hold(tmp_path: Path) -> None:
    folder_of_images(tmp_path / "photos")
    paths = [f"photos/{label}/{n:02}.png" for n, label in enumerate(labels())]
    frame = pd.DataFrame({"photo": paths, "age": range(N), "label": labels()})
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = read_table(tmp_path / "t.csv")
    assert table.column_names == ["photo", "image", "age", "label"]
    assert table["image"].to_pylist() == files()
    assert [column.name for column in schema_of(table).features] == ["image", "age"]
    pieces = list(read_batches(tmp_path / "t.csv", rows=7))
    assert pa.concat_tables(pieces)["image"].to_pylist() == files()


def test_a_kept_copy_of_such_a_table_is_the_table(tmp_path: Path) -> None:
    folder_of_images(tmp_path)
    pd.DataFrame({"photo": ["cat/00.png"] * 2, "label": ["a", "b"]}).to_csv(tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    pq.write_table(table, tmp_path / "kept.parquet")
    assert read_table(tmp_path / "kept.parquet").equals(table)


def test_file_names_that_are_no_files_here_stay_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("photo,label\na.png,1\nb.png,2\n")
    assert read_table(tmp_path / "t.csv").column_names == ["photo", "label"]


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"", "it is empty"), (b"text", "is no image")]
)
def test_a_file_that_is_no_image_is_named_with_its_row(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    (tmp_path / "a.png").write_bytes(files()[0])
    if content is not None:
        (tmp_path / "b.png").write_bytes(content)
    (tmp_path / "t.csv").write_text("photo,label\na.png,1\nb.png,2\n")
    with pytest.raises(DataError, match=rf"The image b.png cannot be read: .*{reason}") as caught:
        read_table(tmp_path / "t.csv")
    assert caught.value.where == f"row 1, counted from 0: {tmp_path / 'b.png'}"


def test_pixels_beyond_what_a_pixel_can_be_are_refused() -> None:
    with pytest.raises(ValueError, match="column 'image' is image, but row 1 is none: its pixels"):
        feature_frame(pd.DataFrame({"image": [[[1, 2]], [[1, 300]]]}), {"image": "image"})


@pytest.mark.parametrize("learner", ["linear", "boosting", "forest"])
def test_learners_of_tables_refuse_images_before_any_work(learner: str) -> None:
    frame = IN_MEMORY["files"]()
    with pytest.raises(LearnerError, match=f"{learner} cannot see images, and 'image' holds some"):
        assay.train(frame, target="label", learner=learner, store=MemoryStore())
