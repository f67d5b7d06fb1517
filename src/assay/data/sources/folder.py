"""Folders: files of one form and one schema are one table; images or texts are one too.

In sub-folders named `key=value` (Hive's way to partition) the key is a column of text. Names that
begin with a dot or an underscore are skipped. What Hugging Face's `save_to_disk` wrote is read as
its own lists say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from assay.data.sources import documents, huggingface, pictured
from assay.data.sources.forms import FORMS, Form, ending_of
from assay.data.sources.refusals import other_columns, several_types
from assay.errors import DataError

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class _Contents:
    """The files that make the table, sorted by path, and what reads them; None for documents."""

    files: tuple[Path, ...]
    form: Form | None


def read(folder: Path) -> pa.Table:
    """All files as one table, in the order of their paths.

    Raises:
        DataError: The files are of several forms or schemas, or one of them is broken.
    """
    if huggingface.is_saved(folder):
        return huggingface.read(folder)
    contents = _contents(folder)
    if contents.form is None:
        return documents.read(folder, contents.files)
    first, *rest = contents.files
    tables = [_partitioned(contents.form.read(first), first, folder)]
    for file in rest:
        table = _partitioned(contents.form.read(file), file, folder)
        tables.append(_in_order(table, file, tables[0], first))
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise several_types(folder.name, "in one file or another", error) from None


def batches(folder: Path, rows: int) -> Iterator[pa.Table]:
    """All files piece by piece.

    Raises:
        DataError: As `read` does.
    """
    if huggingface.is_saved(folder):
        yield from huggingface.batches(folder, rows)
        return
    contents = _contents(folder)
    if contents.form is None:
        for start in range(0, len(contents.files), rows):
            yield documents.read(folder, contents.files[start : start + rows])
        return
    expected: pa.Table | None = None
    for file in contents.files:
        for batch in contents.form.batches(file, rows):
            table = _partitioned(batch, file, folder)
            expected = table.slice(0, 0) if expected is None else expected
            yield _in_order(table, file, expected, contents.files[0])


def files_of(folder: Path) -> list[Path]:
    """The files of a folder and all below that can be read, hidden ones left out, by path."""
    if huggingface.is_saved(folder):
        return huggingface.files_of(folder)
    return sorted(
        path
        for path in folder.rglob("*")
        if _group(path) and path.is_file() and not _is_hidden(path.relative_to(folder))
    )


def _contents(folder: Path) -> _Contents:
    if (folder / "_delta_log").is_dir():
        raise DataError(
            f"{folder.name} is a Delta table.",
            where=str(folder),
            mend=f"source: delta://{folder}",
        )
    if apart := huggingface.saved_below(folder):
        raise DataError(
            f"{folder.name} holds several datasets, each saved for itself: {', '.join(apart)}.",
            where=str(folder),
            mend=f"give one of them: {folder / apart[0]}; or save them as one: "
            "datasets.DatasetDict(...).save_to_disk('FOLDER')",
        )
    groups: dict[str, list[Path]] = {}
    for file in files_of(folder):
        groups.setdefault(_group(file), []).append(file)
    if len(groups) != 1:
        found = ", ".join(f"{len(files)} {group}" for group, files in groups.items())
        raise DataError(
            f"{folder.name} is not one table: it holds {found or 'no file that can be read here'}.",
            where=str(folder),
            mend="give one file, or a folder with files of one form: "
            + ", ".join([*FORMS, "images", "texts"]),
        )
    [(group, files)] = groups.items()
    return _Contents(tuple(files), FORMS.get(group))


def _group(file: Path) -> str:
    ending = ending_of(file)
    if ending in pictured.ENDINGS:
        return "images"
    if ending in documents.TEXTS:
        return "texts"
    alike = [each for each in FORMS if FORMS[each] is FORMS.get(ending)]
    return alike[0] if alike else ""


def _is_hidden(relative: Path) -> bool:
    return any(
        part.startswith(".") or (part.startswith("_") and "=" not in part)
        for part in relative.parts
    )


def _partitioned(table: pa.Table, file: Path, folder: Path) -> pa.Table:
    """The table of one file with the columns that the names of its folders say."""
    for part in file.relative_to(folder).parts[:-1]:
        key, sign, value = part.partition("=")
        if sign and unquote(key) not in table.column_names:
            said = None if value == _NO_VALUE else unquote(value)
            constant = pa.repeat(pa.scalar(said, pa.string()), table.num_rows)
            table = table.append_column(unquote(key), constant)
    return table


def _in_order(table: pa.Table, file: Path, expected: pa.Table, first: Path) -> pa.Table:
    """The table with its columns in the order of the first file's."""
    if set(table.column_names) != set(expected.column_names):
        raise other_columns(file, table.column_names, first, expected.column_names)
    return table.select(expected.column_names)
