"""Worn: what is known already of answered rows that are to become a test set (laws 1 and 2).

Columns that no model reads are empty in these rows, so they are held against others in the columns
that were asked alone: against the rows to learn from, which they must not be, and against sealed
test rows, whose looks go with them. A contest has judged models by its rows: that was a look, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from assay.data.aspects import Aspect, Cells, Mask
from assay.data.fingerprint import among, row_hashes, rows_digest
from assay.data.ledger import Look
from assay.data.vault import Vault
from assay.serving.traffic.contest import Contest

_NATURAL = 0.1
"""Share of rows to learn from that look like others from which on equal rows are natural."""


def met(train: pa.Table, new: pa.Table, columns: Sequence[str]) -> tuple[Mask, bool]:
    """Which rows are rows to learn from, in some columns, and whether that is natural.

    Where many rows to learn from look like others of them, so do rows to come: without these the
    rest would not be like them.

    Args:
        train: Rows to learn from.
        new: The other rows.
        columns: Those that were asked, and the target.

    Returns:
        A mask, shape (new rows,); and whether equal rows are natural here.
    """
    aspect = Aspect.of(Cells(train.select(columns)), range(len(columns)))
    alike = among(Cells(new.select(columns)).together(range(len(columns))), aspect.hashes)
    return alike, max(aspect.repeats, aspect.twins) > _NATURAL


def looks_noted(
    vault: Vault, test: pa.Table, columns: Sequence[str], contests: Sequence[Contest]
) -> int:
    """Note in the ledger what looks these rows have had, and return how many they are.

    Asking again notes nothing again.

    Args:
        vault: Sealed rows, with the ledger.
        test: The rows, as they will be sealed.
        columns: Those that were asked, without the target.
        contests: Whose rows these are.

    Raises:
        VaultError: The ledger cannot be read or written, so nobody would know.
    """
    ledger, hashes, cells = vault.ledger, row_hashes(test), Cells(test)
    vault.recognise(test.select(columns))
    known = ledger.looks_at(hashes, cells)
    noted = {look.run_id for _, look in ledger.looks()} if known else set()
    for each in contests:
        name = f"contest {each.id}"
        if each.others and name not in noted:
            reason = f"it has compared {', '.join((each.champion, *each.others))} by these rows"
            look = Look(name, each.champion, str(vault.folder.parent), reason)
            known = ledger.record(look, rows_digest(hashes), hashes, cells)
    return known
