"""The shelf: what each trial predicted out of fold, kept beside the study for the correction."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from assay.predictions import Predictions
from assay.tuning.leases import making_tables
from assay.tuning.study import StudyPlace, driver
from assay.workspace import atomic_write

_TABLE = "assay_predictions"


class Shelf(Protocol):
    """Keeps predictions by the number of their trial."""

    def put(self, number: int, predictions: Predictions) -> None:
        """Keep them; whole or not at all."""
        ...

    def get(self, number: int) -> Predictions | None:
        """Those of a trial; None if there are none."""
        ...


def shelf_of(place: StudyPlace) -> Shelf:
    """The shelf of a study: files in its folder, or a table of its database."""
    return FolderShelf(place.folder / "trials") if place.url is None else TableShelf(place)


class FolderShelf:
    """A file for each trial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, number: int, predictions: Predictions) -> None:
        atomic_write(self._folder / f"{number}.npz", _packed(predictions), mode=0o600)

    def get(self, number: int) -> Predictions | None:
        path = self._folder / f"{number}.npz"
        return _unpacked(path.read_bytes()) if path.exists() else None


class TableShelf:
    """A row for each trial."""

    def __init__(self, place: StudyPlace) -> None:
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        assert place.url is not None
        self._text, self._study = text, place.name
        self._engine = create_engine(driver(place.url), poolclass=NullPool)
        with making_tables(driver(place.url)), self._engine.begin() as connection:
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {_TABLE} (study text, number integer, "
                    "packed bytea, PRIMARY KEY (study, number))"
                )
            )

    def put(self, number: int, predictions: Predictions) -> None:
        self._do(
            f"INSERT INTO {_TABLE} VALUES (:study, :number, :packed) "
            "ON CONFLICT (study, number) DO UPDATE SET packed = EXCLUDED.packed",
            number,
            packed=_packed(predictions),
        )

    def get(self, number: int) -> Predictions | None:
        found = self._do(
            f"SELECT packed FROM {_TABLE} WHERE study = :study AND number = :number", number
        ).first()
        return _unpacked(bytes(found[0])) if found else None

    def _do(self, sql: str, number: int, **more: Any) -> Any:
        given = {"study": self._study, "number": number, **more}
        with self._engine.begin() as connection:
            return connection.execute(self._text(sql), given)


def _packed(predictions: Predictions) -> bytes:
    arrays = {
        name: value
        for name, value in vars(predictions).items()
        if value is not None and name not in ("classes", "scores")
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _unpacked(packed: bytes) -> Predictions:
    """What was packed; classes are those of the schema and are put in by who knows it."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        held = dict(arrays)
    if "probabilities" in held:
        held["classes"] = np.arange(held["probabilities"].shape[1])
    return Predictions(**held)
