"""Pairs of runs: whether they can be compared, and what tells their names apart."""

from __future__ import annotations

from assay.errors import DataError
from assay.run import Run


def names_apart(first: Run, second: Run) -> tuple[str, str]:
    """Two names that differ if the runs do."""
    names = [
        (first.name, second.name),
        (first.reference, second.reference),
        (first.run_id, second.run_id),
    ]
    return next((pair for pair in names if pair[0] != pair[1]), names[1])


def refuse_unlike(first: Run, second: Run) -> None:
    """Refuse to compare what has nothing in common.

    Raises:
        DataError: They were trained on different data, or predict different things.
    """
    a, b = first.schema, second.schema
    if (first.fingerprint, a.target, a.classes) == (second.fingerprint, b.target, b.classes):
        return
    names = names_apart(first, second)
    raise DataError(
        f"{names[0]} and {names[1]} cannot be compared: their data or their targets differ.",
        where=f"{a.target} of {first.fingerprint[:12]}, {b.target} of {second.fingerprint[:12]}",
        mend="train both on the same table",
    )
