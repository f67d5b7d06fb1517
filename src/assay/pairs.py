"""Pairs of runs: whether they can be compared, and what tells their names apart."""

from __future__ import annotations

import numpy as np

from assay.errors import DataError
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import from_table
from assay.place import Place
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


def on_common_rows(first: Run, second: Run, place: Place) -> tuple[Outcome, Outcome]:
    """What two runs predicted in training, each on the rows that both predicted.

    Raises:
        DataError: Their data or targets differ, or there is no such row.
    """
    refuse_unlike(first, second)
    outcomes = [
        from_table(place.store.table(each.run_id, each.announced_table), each.schema)
        for each in (first, second)
    ]
    common = np.intersect1d(outcomes[0].rows, outcomes[1].rows).tolist()
    if common:
        return outcomes[0].on_rows(common), outcomes[1].on_rows(common)
    names = names_apart(first, second)
    counts = " and ".join(f"{len(each):,}" for each in outcomes)
    said = " and ".join(dict.fromkeys(each.evaluation.rows for each in (first, second)))
    raise DataError(
        f"{names[0]} and {names[1]} cannot be compared: no row was predicted by both.",
        where=f"{said}: {counts} rows, other ones",
        mend="train both with the same data.split",
    )
