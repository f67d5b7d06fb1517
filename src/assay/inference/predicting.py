"""Predicting whole tables: rows in, their predictions out, in the same order.

A table of any size is read, predicted and written piece by piece, in memory that does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from assay.data.schema import Role
from assay.data.sources import located, read_batches
from assay.errors import InputError
from assay.inference.loading import LoadedModel, as_frame
from assay.monitor import Announce, Step
from assay.workspace import check_folder, written_aside

LABELS_APART = "; "
"""What stands between the labels of a row in a CSV file."""
_FORMS = (".csv", ".parquet")


@dataclass(frozen=True)
class PredictedFile:
    """Predictions that were written.

    Attributes:
        model: The model that made them, with its version.
        n: Number of rows.
        path: The file.
    """

    model: str
    n: int
    path: Path


def predict_frame(model: LoadedModel, rows: Any) -> pd.DataFrame:
    """Predictions of a table: its id column if the model knows one, labels, probabilities.

    The id column keeps its name: where it is called as one of ours is, ours gets a '_' more.

    Args:
        model: What predicts.
        rows: A table, as in `as_frame`; the predictions have its index.

    Raises:
        DataError: The table does not fit the model.
    """
    frame = as_frame(rows)
    predicted = _predicted(model, frame)
    ids = [each.name for each in model.schema.columns if each.role is Role.ID]
    kept = frame[[name for name in ids if name in frame.columns]]
    told = pd.concat([kept, predicted.rename(columns=lambda name: _free(name, ids))], axis=1)
    told.attrs = {"model": model.name}
    return told


def refuse_settings_of_sources(query: str | None, sheet: str | None) -> None:
    """Refuse what says how a source is read, of a table in memory.

    Raises:
        InputError: One of them is given.
    """
    for name, given in (("query", query), ("sheet", sheet)):
        if given is not None:
            raise InputError(
                f"A {name} goes with a source, and the data is a table in memory.",
                mend=f"leave {name} out",
            )


def batches_of(
    source: str | Path, query: str | None = None, sheet: str | None = None
) -> Iterator[pa.Table]:
    """A source piece by piece: a path or an address, as in an experiment file.

    Raises:
        NotFoundError: There is no such file; raised at once.
    """
    return read_batches(located(str(source), Path.cwd()), query=query, sheet=sheet)


def predict_batches(
    model: LoadedModel, batches: Iterable[pa.Table], announce: Announce
) -> Iterator[pd.DataFrame]:
    """Predictions of a table that comes piece by piece; their index counts its rows.

    Raises:
        DataError: The table does not fit the model.
    """
    n = 0
    for batch in batches:
        frame = as_frame(batch)
        frame.index = pd.RangeIndex(n, n + len(frame))
        yield predict_frame(model, frame)
        n += len(frame)
        announce(Step(f"Predicted {n:,} rows"))


def check_out(path: Path, data: Any = None) -> None:
    """Refuse a file that predictions cannot be written to, before they are made.

    Args:
        path: Where predictions are to go.
        data: What is predicted; if it is a file or folder, it is never written over.

    Raises:
        InputError: Its form is unknown, its folder cannot be written, or it is the data.
    """
    if path.suffix not in _FORMS or path.is_dir():
        raise InputError(
            f"Predictions cannot be written to {path.name}.",
            where=str(path),
            mend=f"name a file that ends in {' or '.join(_FORMS)}",
        )
    if isinstance(data, str | Path) and _is_within(path, Path(data)):
        raise InputError(
            f"Predictions would be written over the data, {Path(data).name}.",
            where=str(path),
            mend=f"name another file, for example predictions{path.suffix}",
        )
    check_folder(path)


def write_frames(frames: Iterable[pd.DataFrame], path: Path) -> int:
    """Write predictions as CSV or Parquet, by the ending of the path; all or nothing.

    Returns:
        The number of rows.
    """
    n = 0
    with written_aside(path) as aside, closing(_Writer(aside, path.suffix)) as writer:
        for frame in frames:
            writer.write(frame)
            n += len(frame)
    return n


def for_csv(frame: pd.DataFrame) -> pd.DataFrame:
    """Predictions as they stand in CSV: the labels of a row are one text, empty without any."""
    of_lists = [name for name in frame if len(frame) and isinstance(frame[name].iloc[0], list)]
    texts = {
        name: [LABELS_APART.join(map(str, labels)) for labels in frame[name]] for name in of_lists
    }
    return frame.assign(**texts)


class _Writer:
    """Appends frames of the same columns to a file."""

    def __init__(self, path: Path, form: str) -> None:
        self._path = path
        self._form = form
        self._parquet: Any = None
        self._begun = False

    def write(self, frame: pd.DataFrame) -> None:
        if self._form == ".csv":
            for_csv(frame).to_csv(self._path, mode="a", header=not self._begun, index=False)
            self._begun = True
            return
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if self._parquet is None:
            # An id that is missing in all rows of the first piece may be text in the next, and so
            # may labels, of which no row has any.
            known = [pa.field(each.name, _of_text(each.type)) for each in table.schema]
            self._parquet = pyarrow.parquet.ParquetWriter(self._path, pa.schema(known))
        self._parquet.write_table(table.cast(self._parquet.schema))

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()


def _predicted(model: LoadedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Labels or values and probabilities of some rows."""
    if not model.classes:
        return pd.DataFrame({"prediction": model.predict(frame)}, index=frame.index)
    probabilities = model.predict_proba(frame)
    columns = {"prediction": model.decide(probabilities)}
    for position, label in enumerate(model.classes):
        columns[f"probability_{label}"] = probabilities[:, position]
    return pd.DataFrame(columns, index=frame.index)


def _of_text(kind: pa.DataType) -> pa.DataType:
    """The type of a column, text where no value tells it."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_of_text(kind.value_type))
    return kind


def _free(name: str, taken: list[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _is_within(path: Path, data: Path) -> bool:
    """Whether a path is the data, by whatever name, or lies inside it."""
    if path.exists() and data.exists() and path.samefile(data):
        return True
    return path.resolve().is_relative_to(data.resolve())
