"""Pairs of runs: whether they can be compared, and what tells their names apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from assay.errors import DataError
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import from_table
from assay.place import Place
from assay.run import Run


def names_apart(*runs: Run) -> tuple[str, ...]:
    """Names that differ where the runs do."""
    many = len({each.run_id for each in runs})
    names = [
        tuple(each.name for each in runs),
        tuple(each.reference for each in runs),
        tuple(each.run_id for each in runs),
    ]
    return next((each for each in names if many > 1 and len(set(each)) == many), names[1])


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


def on_common_rows(runs: Sequence[Run], place: Place) -> tuple[Outcome, ...]:
    """What runs predicted in training, each on the rows that all predicted.

    Raises:
        DataError: Their data or targets differ, or there is no such row.
    """
    first, *others = runs
    for each in others:
        refuse_unlike(first, each)
    outcomes = [
        from_table(place.store.table(each.run_id, each.announced_table), each.schema)
        for each in runs
    ]
    common = reduce(np.intersect1d, (each.rows for each in outcomes)).tolist()
    if common:
        return tuple(each.on_rows(common) for each in outcomes)
    *names, last = names_apart(*runs)
    counts = " and ".join(f"{len(each):,}" for each in outcomes)
    said = " and ".join(dict.fromkeys(each.evaluation.rows for each in runs))
    by = "both" if len(runs) == 2 else "all"
    raise DataError(
        f"{', '.join(names)} and {last} cannot be compared: no row was predicted by {by}.",
        where=f"{said}: {counts} rows, other ones",
        mend="train them with the same data.split",
    )
