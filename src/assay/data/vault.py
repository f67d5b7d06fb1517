"""The vault: sealed test rows, opened only after the look has been written into the ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from assay.data.aspects import Aspect, Cells
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
        """Store test rows; rows that are here already, as they were sealed, are left alone."""
        path = self._path(sealed.digest)
        if path.exists() and self._is_whole(sealed.digest):
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

    def features(self, digest: str, target: str) -> pa.Table:
        """All columns of sealed rows but the target, which is not even read: this is no look.

        Raises:
            VaultError: The rows are not here, or not readable.
        """
        return self._read(digest, without=(target, _ROW))

    def open(self, digest: str, look: Look) -> OpenedRows:
        """Count the look, then hand out the rows.

        Raises:
            VaultError: The rows are not here, were changed, or the look cannot be recorded.
        """
        table, rows, hashes = self._whole(digest)
        looks = self.ledger.record(look, digest, hashes, Cells(table))
        return OpenedRows(table, rows, looks)

    def looks(self, digest: str) -> int:
        """How often the test set was looked at so far, without looking.

        Raises:
            VaultError: The rows or the ledger cannot be read, so nobody knows.
        """
        if not self.ledger.path.exists():
            return 0
        table, _, hashes = self._whole(digest)
        return self.ledger.looks_at(hashes, Cells(table))

    def recognise(self, table: pa.Table) -> None:
        """Have the ledger know these rows, where they are sealed ones that somebody looked at.

        They are compared in the columns of the table, and no others are read: without the target
        this is no look.

        Args:
            table: Rows, in some columns.

        Raises:
            VaultError: Sealed rows cannot be read, or the ledger cannot be written.
        """
        cells = Cells(table)
        for digest in sorted({digest for digest, _ in self.ledger.looks()}):
            if not self._path(digest).exists():
                continue  # another workspace has these
            sealed = self._read(digest, only=table.column_names)
            if sealed.num_columns == table.num_columns:
                aspect = Aspect.of(Cells(sealed), range(sealed.num_columns))
                if aspect.seen_among(cells).any():
                    self.ledger.know_by(digest, aspect)

    def _whole(self, digest: str) -> tuple[pa.Table, Rows, Hashes]:
        """Sealed rows as they were sealed, their numbers, and their hashes."""
        table = self._read(digest)
        if _ROW in table.column_names:
            rows = table[_ROW].to_numpy()
            table = table.drop_columns([_ROW])
            hashes = row_hashes(table)
            if rows_digest(hashes) == digest:
                return table, np.asarray(rows, dtype=np.int64), hashes
        raise _broken("were changed after they were sealed", self._path(digest))

    def _is_whole(self, digest: str) -> bool:
        try:
            self._whole(digest)
        except VaultError:
            return False
        return True

    def _read(
        self, digest: str, without: Sequence[str] = (), only: Sequence[str] | None = None
    ) -> pa.Table:
        path = self._path(digest)
        if not path.exists():
            raise VaultError(
                "The sealed test rows of this run are not in this workspace.",
                where=str(path),
                mend="run the command in the workspace that trained the run",
            )
        try:
            names = pyarrow.parquet.read_schema(path).names
            wanted = names if only is None else [name for name in only if name in names]
            columns = [name for name in wanted if name not in without]
            return pyarrow.parquet.read_table(path, columns=columns)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise _broken(f"cannot be read: {reason}", path) from None

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.parquet"


def _broken(how: str, path: Path) -> VaultError:
    return VaultError(
        f"The sealed test rows {how}.",
        where=str(path),
        mend="train again: that seals the rows of the source anew",
    )
