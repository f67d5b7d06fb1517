"""Hugging Face datasets: folders that `save_to_disk` has written, and the objects themselves.

Arrow alone reads the folders: `datasets` need not be installed, and what is read does not depend on
whether it is imported. Only the files that the folder's own list names are read; caches that lie
beside them are no rows. The splits of a `DatasetDict` stand below each other, and the column
`split` says which is which.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.data.sources import arrow
from assay.data.sources.featured import featured
from assay.data.sources.refusals import no_rows, several_types
from assay.data.sources.settling import SAYS_PART
from assay.errors import DataError

SPLIT = "split"
_SPLITS, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_SHARDS = "data-*-of-*.arrow"
_CACHE = "cache-"
_Called = tuple[str, pa.Table]
"""A piece of the table, and what to call it."""
_DATASET, _DICTIONARY = "datasets.arrow_dataset.Dataset", "datasets.dataset_dict.DatasetDict"


@dataclass(frozen=True)
class _Saved:
    """One dataset of a folder.

    Attributes:
        folder: Where it is.
        split: What it is called among several; None if it is the only one.
        files: Its rows, in this order.
        features: What its columns mean.
    """

    folder: Path
    split: str | None
    files: tuple[Path, ...]
    features: Mapping[str, Any]


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` has written this folder, be it whole or not."""
    if (folder / _SPLITS).is_file():
        return True
    n_told = sum((folder / name).is_file() for name in (_STATE, _INFO))
    return n_told == 2 or (n_told == 1 and any(folder.glob(_SHARDS)))


def saved_below(folder: Path) -> list[str]:
    """Folders directly in this one that `save_to_disk` has written, each for itself."""
    return sorted(each.parent.name for each in folder.glob(f"*/{_STATE}") if is_saved(each.parent))


def files_of(folder: Path) -> list[Path]:
    """The files that make the table, by path; what `datasets` keeps for itself is left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.name in (_SPLITS, _STATE, _INFO)
        or (path.suffix == ".arrow" and not path.name.startswith(_CACHE))
    )


def read(folder: Path) -> pa.Table:
    """All rows of all splits.

    Raises:
        DataError: A file is missing or broken, or the splits do not go together.
    """
    tables = [
        (_called(file, folder), _featured(arrow.read(file), saved))
        for saved in _saved(folder)
        for file in saved.files
    ]
    return _below_each_other(tables, folder.name, str(folder))


def batches(folder: Path, rows: int) -> Iterator[pa.Table]:
    """All rows of all splits, piece by piece.

    Raises:
        DataError: As `read` does.
    """
    first: _Called | None = None
    for saved in _saved(folder):
        for file in saved.files:
            for batch in arrow.batches(file, rows):
                piece = (_called(file, folder), _featured(batch, saved))
                first = first or (piece[0], piece[1].slice(0, 0))
                yield _in_order(piece, first, str(folder))


def is_dataset(data: Any) -> bool:
    """Whether it is a `Dataset` or a `DatasetDict`; nothing is imported to find out."""
    return bool({_DATASET, _DICTIONARY} & _classes(data))


def table_of(data: Any, name: str) -> pa.Table:
    """The rows of a `Dataset`, those that it selects; of a `DatasetDict` all splits.

    Paths of images in it are relative to the current folder.

    Raises:
        DataError: It has no rows, an image cannot be read, or the splits do not go together.
    """
    splits = data if _DICTIONARY in _classes(data) else {name: data}
    tables = []
    for key, part in splits.items():
        split = str(key)  # which may be a `datasets.Split`
        if len(part) == 0:
            continue
        stored, features = part.with_format("arrow")[:], part.features.to_dict()
        table = featured(stored, features, Path.cwd(), name)
        tables.append((split, _marked(table, split if len(splits) > 1 else None, name)))
    return _below_each_other(tables, name, name)


def _classes(data: Any) -> set[str]:
    return {f"{each.__module__}.{each.__qualname__}" for each in type(data).__mro__}


def _saved(folder: Path) -> Iterator[_Saved]:
    """The datasets of a folder, in their order."""
    if not (folder / _SPLITS).is_file():
        yield _one(folder, None)
        return
    splits = _texts(_json(folder / _SPLITS).get("splits"))
    if splits is None:
        raise _unknown(folder / _SPLITS, "a list of splits")
    for split in splits:
        yield _one(folder / split, split if len(splits) > 1 else None)


def _one(folder: Path, split: str | None) -> _Saved:
    state, features = _json(folder / _STATE), _json(folder / _INFO).get("features")
    names = _texts(state.get("_data_files"), key="filename")
    if names is None:
        raise _unknown(folder / _STATE, "a list of data files")
    if state.get("_indices_data_files"):
        raise _unknown(folder / _STATE, "all rows in their order, but a selection of them")
    if not isinstance(features, Mapping):
        raise _unknown(folder / _INFO, "the features")
    files = tuple(folder / name for name in names)
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise _torn(missing[0], f"{folder.name}/{_STATE} lists it")
    return _Saved(folder, split, files, features)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise _torn(path, "datasets writes it with the rows") from None
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, Mapping):
        raise _unknown(path, "readable JSON")
    return content


def _texts(listed: Any, key: str | None = None) -> list[str] | None:
    """The texts of a list, or those that its records have by a key; None if it is none of these."""
    if not isinstance(listed, list):
        return None
    if key is not None:
        listed = [each.get(key) if isinstance(each, Mapping) else None for each in listed]
    return listed if all(isinstance(each, str) for each in listed) else None


def _featured(table: pa.Table, saved: _Saved) -> pa.Table:
    name = saved.folder.name
    return _marked(featured(table, saved.features, saved.folder, name), saved.split, name)


def _marked(table: pa.Table, split: str | None, name: str) -> pa.Table:
    """The table with the column that says which split its rows are of, if there are several."""
    if split is None:
        return table
    if SPLIT in table.column_names:
        raise DataError(
            f"{name} has a column {SPLIT!r}, which is how the splits are told apart.",
            where=f"split: {split}",
            mend=f"give it another name: dataset.rename_column({SPLIT!r}, 'part')",
        )
    said = pa.repeat(pa.scalar(split, pa.string()), table.num_rows)
    return table.append_column(pa.field(SPLIT, pa.string(), metadata=SAYS_PART), said)


def _called(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _below_each_other(tables: Sequence[_Called], name: str, where: str) -> pa.Table:
    if not tables:
        raise no_rows(name)
    ordered = [_in_order(each, tables[0], where) for each in tables]
    try:
        return pa.concat_tables(ordered, promote_options="permissive")
    except pa.ArrowException as error:
        raise several_types(name, "in one split or another", error) from None


def _in_order(piece: _Called, first: _Called, where: str) -> pa.Table:
    """A piece with its columns in the order of the first one's."""
    (called, table), (before, expected) = piece, first
    has, wanted = set(table.column_names), set(expected.column_names)
    if has == wanted:
        return table.select(expected.column_names)
    said = [f"lacks {', '.join(sorted(wanted - has))}"] * bool(wanted - has)
    said += [f"has {', '.join(sorted(has - wanted))}"] * bool(has - wanted)
    raise DataError(
        f"{called} has other columns than {before}: it {' and '.join(said)}.",
        where=where,
        mend="give one split alone, or write all of them with the same columns",
    )


def _torn(path: Path, why: str) -> DataError:
    return DataError(
        f"{path.parent.name} is no whole dataset: {path.name} is missing.",
        where=f"{path}; {why}",
        mend="write it again: dataset.save_to_disk('FOLDER'); or copy the folder whole",
    )


def _unknown(path: Path, what: str) -> DataError:
    return DataError(
        f"{path.parent.name} is not a dataset that can be read here: {path.name} does not hold "
        f"{what}.",
        where=str(path),
        mend="write it again: datasets.load_from_disk('FOLDER').save_to_disk('OTHER')",
    )
