"""Folders of images or texts, in a sub-folder for each label: a table with a row for each file.

Images are read as the bytes of their files, to be decoded by whoever learns from them.

The path is relative to the folder and only says which row it is: the label stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from assay.data.sources.pictured import IMAGE, contents
from assay.data.sources.refusals import reason_of
from assay.data.sources.settling import NAMES_ROW
from assay.errors import DataError

TEXTS = frozenset({".txt"})
PATH, TEXT, LABEL = "path", "text", "label"


def read(folder: Path, files: Sequence[Path]) -> pa.Table:
    """Columns `path`, `image` or `text`, and `label`, in the order of the paths.

    Args:
        folder: What the paths are relative to.
        files: All images, or all texts.

    Raises:
        DataError: A file is not in a sub-folder of the folder, no text in UTF-8, or no image.
    """
    for file in files:
        if file.parent.parent != folder:
            raise DataError(
                f"{file.relative_to(folder)} is not in a folder that names its label.",
                where=str(folder),
                mend="put each file into a folder named by its label: "
                f"{folder.name}/LABEL/{file.name}",
            )
    columns = {PATH: pa.array([file.relative_to(folder).as_posix() for file in files])}
    if files[0].suffix.lower() in TEXTS:
        columns[TEXT] = pa.array([_text(file) for file in files])
    else:
        columns[IMAGE] = contents(files)
    columns[LABEL] = pa.array([file.parent.name for file in files])
    fields = [
        pa.field(name, values.type, metadata=NAMES_ROW if name == PATH else None)
        for name, values in columns.items()
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(
            f"{file.name} is not readable text: {reason_of(error)}.",
            where=str(file),
            mend="write it in UTF-8, for example by iconv -f latin1 -t utf-8",
        ) from None
