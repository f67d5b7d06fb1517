"""The vault: sealed test rows, opened only after the look has been written into the ledger."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from assay.data.fingerprint import Hashes, row_hashes, rows_digest
from assay.data.ledger import Ledger, Look
from assay.errors import VaultError
from assay.predictions import Rows

_ROW = "__assay_row__"


@dataclass(frozen=True, repr=False)
class SealedRows:
    """Test rows on their way into the vault; only the vault unpacks them.

    Attributes:
        _table: All columns of the test rows, the target included.
        _rows: Their row numbers in the source.
        hashes: One hash per row, by which the ledger knows them.
        digest: SHA-256 over the hashes: the name of this test set.
    """

    _table: pa.Table
    _rows: Rows
    hashes: Hashes
    digest: str

    def __repr__(self) -> str:
        return f"SealedRows({len(self._rows)} rows, {self.digest[:12]})"


@dataclass(frozen=True)
class OpenedRows:
    """Test rows after the look was recorded.

    Attributes:
        table: All columns of the test rows, the target included.
        rows: Their row numbers in the source.
        looks: How often this test set has now been looked at, this time included.
    """

    table: pa.Table
    rows: Rows
    looks: int


class Vault:
    """A folder of sealed test sets, each a Parquet file named by its digest."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger

    def seal(self, sealed: SealedRows) -> None:
        """Store test rows; the same rows are stored once."""
        path = self._path(sealed.digest)
        if path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = path.with_suffix(f".{os.getpid()}.part")
        table = sealed._table.append_column(_ROW, pa.array(sealed._rows))
        with aside.open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o600)
        aside.replace(path)

    def open(self, digest: str, look: Look) -> OpenedRows:
        """Count the look, then hand out the rows.

        Raises:
            VaultError: The rows are not here, were changed, or the look cannot be recorded.
        """
        path = self._path(digest)
        if not path.exists():
            raise VaultError(
                "The sealed test rows of this run are not in this workspace.",
                where=str(path),
                mend="run the command in the workspace that trained the run",
            )
        table = pyarrow.parquet.read_table(path)
        rows = table[_ROW].to_numpy()
        table = table.drop_columns([_ROW])
        hashes = row_hashes(table)
        if rows_digest(hashes) != digest:
            raise VaultError(
                "The sealed test rows were changed after they were sealed.",
                where=str(path),
                mend="train again: a new run seals the rows of the source",
            )
        looks = self.ledger.record(look, digest, hashes)
        return OpenedRows(table, np.asarray(rows, dtype=np.int64), looks)

    def looks(self, digest: str) -> int:
        """How often the test set was looked at so far, without looking."""
        path = self._path(digest)
        if not path.exists():
            return 0
        table = pyarrow.parquet.read_table(path)
        return self.ledger.looks_at(row_hashes(table.drop_columns([_ROW])))

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.parquet"
