"""What Hugging Face `datasets` has saved, and its objects: one table, as its features mean it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from PIL import Image

from assay.data.fingerprint import fingerprint
from assay.data.kinds import infer_schema
from assay.data.schema import Kind, Role, Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame, read_batches, read_table
from assay.errors import DataError

datasets.disable_progress_bars()

FEATURES = datasets.Features(
    {
        "size": datasets.Value("float32"),
        "label": datasets.ClassLabel(names=["cat", "dog"]),
        "image": datasets.Image(),
        "where": {
            "room": datasets.ClassLabel(names=["in", "out"]),
            "floor": datasets.Value("int8"),
        },
        "tags": datasets.List(datasets.ClassLabel(names=["a", "b"])),
        "drawn": datasets.Array2D((2, 2), "uint8"),
    }
)


def png(grey: int) -> bytes:
    file = BytesIO()
    Image.new("L", (4, 4), grey).save(file, "png")
    return file.getvalue()


def pets(n: int = 6) -> datasets.Dataset:
    rows = {
        "size": [None if i == 1 else float(i) for i in range(n)],
        "label": [-1 if i == 2 else i % 2 for i in range(n)],
        "image": [{"bytes": png(i), "path": None} for i in range(n)],
        "where": [{"room": i % 2, "floor": i} for i in range(n)],
        "tags": [[i % 2] for i in range(n)],
        "drawn": [[[i, 2], [3, 4]] for i in range(n)],
    }
    return datasets.Dataset.from_dict(rows, features=FEATURES)


def saved(made: Any, folder: Path, **given: Any) -> Path:
    made.save_to_disk(folder, **given)
    return folder


def in_splits(**splits: list[int]) -> datasets.DatasetDict:
    made = pets(12)
    return datasets.DatasetDict({name: made.select(rows) for name, rows in splits.items()})


def test_columns_are_what_their_features_mean(tmp_path: Path) -> None:
    table = read_table(saved(pets(), tmp_path / "pets"))
    assert table["label"].to_pylist() == ["cat", "dog", None, "dog", "cat", "dog"]
    assert table["where.room"].to_pylist() == ["in", "out"] * 3
    assert table["where.floor"].to_pylist() == list(range(6))
    assert table["tags"].to_pylist() == [["a"], ["b"]] * 3
    assert table["size"].to_pylist() == [0.0, None, 2.0, 3.0, 4.0, 5.0]
    assert table["image"].to_pylist() == [png(i) for i in range(6)]
    settings = DataSettings(source="t", target="label", roles={"ignore": ["tags"]})
    assert infer_schema(table, settings).named(Kind.IMAGE) == ["image", "drawn"]


@pytest.mark.parametrize(
    "lists", [datasets.List, datasets.LargeList, datasets.Sequence], ids=lambda each: each.__name__
)
def test_lists_of_classes_are_labels(tmp_path: Path, lists: Any) -> None:
    features = datasets.Features(
        {"a": datasets.Value("int64"), "tags": lists(datasets.ClassLabel(names=["hot", "wet"]))}
    )
    held = [[0], [0, 1], [], None, [1, -1], [1]]
    made = datasets.Dataset.from_dict({"a": range(6), "tags": held}, features=features)
    table = read_table(saved(made, tmp_path / "weather"))
    assert table["tags"].to_pylist() == [["hot"], ["hot", "wet"], [], None, ["wet"], ["wet"]]
    schema = infer_schema(table, DataSettings(source="t", target="tags"))
    assert (schema.task, schema.classes) == (Task.MULTILABEL, ("hot", "wet"))


def test_lists_are_refused_as_everywhere(tmp_path: Path) -> None:
    table = read_table(saved(pets(), tmp_path / "pets"))
    with pytest.raises(DataError, match=r"'tags' holds list<.*>, which no learner can use"):
        infer_schema(table, DataSettings(source="t", target="label"))


@pytest.mark.parametrize("n_shards", [1, 4])
@pytest.mark.parametrize("rows", [1, 4, 100])
def test_shards_and_pieces_are_the_same_rows(tmp_path: Path, n_shards: int, rows: int) -> None:
    whole = from_frame(pets())
    folder = saved(pets(), tmp_path / "pets", num_shards=n_shards)
    assert fingerprint(read_table(folder)) == fingerprint(whole)
    pieces = list(read_batches(folder, rows=rows))
    assert max(piece.num_rows for piece in pieces) == min(rows, 6)
    assert fingerprint(from_frame(pa.concat_tables(pieces))) == fingerprint(whole)


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.select([3, 0, 1]),
        lambda made: made.shuffle(seed=0),
        lambda made: made.with_format("numpy", columns=["size"]),
        lambda made: made.filter(lambda row: row["size"] != 3, load_from_cache_file=False),
    ],
    ids=["selected", "shuffled", "of another format", "filtered"],
)
def test_an_object_is_the_table_that_it_saves(
    tmp_path: Path, change: Callable[[datasets.Dataset], datasets.Dataset]
) -> None:
    made = change(pets())
    table = from_frame(made)
    assert table.equals(read_table(saved(made, tmp_path / "pets")))
    expected = [each["floor"] for each in made.with_format(None)["where"]]
    assert table["where.floor"].to_pylist() == expected


def test_it_is_read_without_datasets_and_is_the_same_table(tmp_path: Path) -> None:
    """Which types Arrow knows by name hangs on what is imported."""
    folder = saved(pets(), tmp_path / "pets")
    code = (
        "import sys; from pathlib import Path\n"
        "sys.modules['datasets'] = None\n"
        "from assay.data.fingerprint import fingerprint\n"
        "from assay.data.sources import read_table\n"
        f"print(fingerprint(read_table(Path({str(folder)!r}))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == fingerprint(read_table(folder))


def test_images_that_stand_in_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(7))
    made = datasets.Dataset.from_dict(
        {"photo": [str(tmp_path / "a.png"), None]},
        features=datasets.Features({"photo": datasets.Image()}),
    )
    assert from_frame(made)["photo"].to_pylist() == [png(7), None]
    folder = saved(made, tmp_path / "photos")
    (tmp_path / "a.png").unlink()
    assert read_table(folder)["photo"].to_pylist() == [png(7), None]
    with pytest.raises(DataError, match=r"The image a.png cannot be read: .*No such file"):
        from_frame(made)


def test_what_datasets_caches_beside_the_rows_is_none_of_them(tmp_path: Path) -> None:
    folder = saved(pets(), tmp_path / "pets")
    loaded = datasets.load_from_disk(folder)
    loaded.map(lambda row: {"size": 99.0}, load_from_cache_file=False)
    assert list(folder.glob("cache-*.arrow"))
    assert fingerprint(read_table(folder)) == fingerprint(from_frame(pets()))


def test_splits_stand_below_each_other_and_say_which_they_are(tmp_path: Path) -> None:
    made = in_splits(train=[0, 1, 3], validation=[4], test=[5, 6])
    folder = saved(made, tmp_path / "pets")
    table = read_table(folder)
    assert table["where.floor"].to_pylist() == [0, 1, 3, 4, 5, 6]
    assert table["split"].to_pylist() == ["train"] * 3 + ["validation"] + ["test"] * 2
    assert table.equals(from_frame(made))
    pieces = list(read_batches(folder, rows=4))
    assert [piece.num_rows for piece in pieces] == [4, 2]
    assert fingerprint(from_frame(pa.concat_tables(pieces))) == fingerprint(table)


def test_splits_may_be_named_as_datasets_names_them() -> None:
    made = pets(4)
    named = {datasets.Split.TRAIN: made.select([0, 1]), datasets.Split.TEST: made.select([2])}
    table = from_frame(datasets.DatasetDict(named))
    assert table["split"].to_pylist() == ["train", "train", "test"]
    plain = datasets.DatasetDict({str(name): part for name, part in named.items()})
    assert table.equals(from_frame(plain))


def test_the_split_is_no_feature(tmp_path: Path) -> None:
    table = read_table(saved(in_splits(train=[0, 1], other=[3, 4]), tmp_path / "pets"))
    settings = DataSettings(source="t", target="label", roles={"ignore": ["tags"]})
    roles = {column.name: column.role for column in infer_schema(table, settings).columns}
    assert roles["split"] is Role.IGNORED


def test_one_split_alone_is_a_table_like_any_other(tmp_path: Path) -> None:
    folder = saved(in_splits(train=[0, 1, 3]), tmp_path / "pets")
    assert "split" not in read_table(folder).column_names
    assert read_table(folder).equals(read_table(folder / "train"))


def test_classes_of_other_numbers_are_told_by_their_names(tmp_path: Path) -> None:
    other = pets(2).cast_column("label", datasets.ClassLabel(names=["wolf", "cat"]))
    table = from_frame(datasets.DatasetDict(train=pets(2), test=other))
    assert table["label"].to_pylist() == ["cat", "dog", "wolf", "cat"]


def test_splits_with_other_columns_are_refused(tmp_path: Path) -> None:
    made = datasets.DatasetDict(train=pets(), test=pets().remove_columns("label"))
    with pytest.raises(DataError, match=r"test has other columns than train: it lacks label\."):
        from_frame(made)
    folder = saved(made, tmp_path / "pets")
    for read in (read_table, lambda path: list(read_batches(path))):
        with pytest.raises(DataError, match=r"test/data-0.* than train/data-0.*: it lacks label"):
            read(folder)
    with pytest.raises(DataError, match="values are of several types") as caught:
        from_frame(
            datasets.DatasetDict(
                train=datasets.Dataset.from_dict({"a": [1]}),
                test=datasets.Dataset.from_dict({"a": ["x"]}),
            )
        )
    assert "in one split or another" in caught.value.what


def test_a_column_that_is_called_as_ours_is_refused() -> None:
    made = pets().rename_column("size", "split")
    with pytest.raises(DataError, match="has a column 'split'") as caught:
        from_frame(datasets.DatasetDict(train=made, test=made))
    assert "rename_column('split', 'part')" in caught.value.mend


def test_a_class_without_a_name_is_refused() -> None:
    made = datasets.Dataset(
        pa.table({"label": [0, 7]}),
        info=datasets.DatasetInfo(
            features=datasets.Features({"label": datasets.ClassLabel(names=["cat", "dog"])})
        ),
    )
    with pytest.raises(DataError, match="'label' holds the class 7, which has no name") as caught:
        from_frame(made)
    assert "its 2 classes are numbered from 0" in caught.value.where


def edited(name: str, **changes: Any) -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        content = {**json.loads((folder / name).read_text()), **changes}
        (folder / name).write_text(json.dumps(content))

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda f: next(f.glob("*.arrow")).unlink(), "is no whole dataset: data-0.* is missing"),
        (lambda f: (f / "state.json").unlink(), "is no whole dataset: state.json is missing"),
        (lambda f: (f / "dataset_info.json").unlink(), "dataset_info.json is missing"),
        (lambda f: (f / "state.json").write_text("{"), "does not hold readable JSON"),
        (lambda f: (f / "state.json").write_text("[]"), "does not hold readable JSON"),
        (edited("state.json", _data_files=None), "does not hold a list of data files"),
        (edited("state.json", _data_files=[{}]), "does not hold a list of data files"),
        (edited("state.json", _indices_data_files=[{}]), "but a selection of them"),
        (edited("dataset_info.json", features=None), "does not hold the features"),
        (lambda f: next(f.glob("*.arrow")).write_bytes(b"x" * 99), "is not a readable Arrow file"),
    ],
)
def test_what_is_torn_or_unknown_is_told(
    tmp_path: Path, change: Callable[[Path], Any], what: str
) -> None:
    folder = saved(pets(), tmp_path / "pets")
    change(folder)
    for read in (read_table, lambda path: list(read_batches(path))):
        with pytest.raises(DataError, match=what) as caught:
            read(folder)
        assert "write" in caught.value.mend
        assert str(folder) in caught.value.where


def test_a_torn_dictionary_is_told(tmp_path: Path) -> None:
    folder = saved(in_splits(train=[0, 1], test=[3]), tmp_path / "pets")
    (folder / "test" / "state.json").unlink()
    with pytest.raises(DataError, match=r"test is no whole dataset: state.json is missing"):
        read_table(folder)
    edited("dataset_dict.json", splits={"train": 1})(folder)
    with pytest.raises(DataError, match=r"dataset_dict.json does not hold a list of splits"):
        read_table(folder)


def test_datasets_that_were_saved_apart_are_not_taken_for_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        saved(pets(), tmp_path / name)
    with pytest.raises(DataError, match=r"holds several datasets, .*: a, b") as caught:
        read_table(tmp_path)
    assert str(tmp_path / "a") in caught.value.mend


@pytest.mark.parametrize(
    "made",
    [
        pets().select([]),
        datasets.DatasetDict(train=pets().select([]), test=pets().select([])),
        datasets.DatasetDict(),
    ],
    ids=["no rows", "no rows in any split", "no splits"],
)
def test_what_is_empty_is_refused(tmp_path: Path, made: Any) -> None:
    folder = saved(made, tmp_path / "pets")
    for read in (read_table, lambda path: list(read_batches(path))):
        with pytest.raises(DataError, match="pets has no rows"):
            read(folder)
    with pytest.raises(DataError, match="has no rows"):
        from_frame(made)


def test_a_split_without_rows_is_none(tmp_path: Path) -> None:
    made = datasets.DatasetDict(train=pets(), test=pets().select([]))
    table = read_table(saved(made, tmp_path / "pets"))
    assert set(table["split"].to_pylist()) == {"train"}
    assert from_frame(made).equals(table)


def test_a_stream_of_rows_is_no_table() -> None:
    with pytest.raises(DataError, match="is a IterableDataset, which is no table"):
        from_frame(pets().to_iterable_dataset())


@pytest.mark.parametrize("name", ["train/state.json", "dataset_dict.json", "test/data-*.arrow"])
def test_a_folder_that_changes_while_it_is_read_is_refused(tmp_path: Path, name: str) -> None:
    folder = saved(in_splits(train=[0, 1], test=[3]), tmp_path / "pets")
    batches = read_batches(folder, rows=1)
    next(batches)
    [file] = folder.glob(name)
    os.utime(file, ns=(1, 1))
    with pytest.raises(DataError, match="was changed while it was read"):
        list(batches)


def test_caches_may_come_while_it_is_read(tmp_path: Path) -> None:
    folder = saved(pets(), tmp_path / "pets")
    batches = read_batches(folder, rows=1)
    next(batches)
    (folder / "cache-0123.arrow").write_bytes(b"")
    assert len(list(batches)) == 5
