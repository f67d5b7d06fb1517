"""Pairs of runs: whether they can be compared, and what tells their names apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from assay.errors import DataError
from assay.evaluation.design import Design
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.recorded import from_table
from assay.evaluation.time_blocks import time_blocks
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
    """What runs predicted in training, each on the rows that all predicted, of one design.

    Raises:
        DataError: Their data or targets differ, they weigh rows differently, or there is no such
            row.
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
        return _of_one_design([each.on_rows(common) for each in outcomes], names_apart(*runs))
    *names, last = names_apart(*runs)
    counts = " and ".join(f"{len(each):,}" for each in outcomes)
    said = " and ".join(dict.fromkeys(each.evaluation.rows for each in runs))
    by = "both" if len(runs) == 2 else "all"
    raise DataError(
        f"{', '.join(names)} and {last} cannot be compared: no row was predicted by {by}.",
        where=f"{said}: {counts} rows, other ones",
        mend="train them with the same data.split",
    )


def _of_one_design(outcomes: Sequence[Outcome], names: Sequence[str]) -> tuple[Outcome, ...]:
    """The same predictions of rows that came about in one way, whichever run comes first.

    What one run declares of the rows is true of them all: groups, of which the fewest are the
    widest, else an order in time. Class counts are fixed where all runs say so.

    Raises:
        DataError: They weigh rows differently.
    """
    known = [
        (name, each.weights)
        for name, each in zip(names, outcomes, strict=True)
        if each.weights is not None
    ]
    for name, weights in known[1:]:
        if not np.array_equal(weights, known[0][1]):
            raise DataError(
                f"{known[0][0]} and {name} cannot be compared: they weigh rows differently.",
                where="data.roles.weight",
                mend="train both with the same weights",
            )
    shared, design = known[0][1] if known else None, Design.CHANCE
    clusters = _fewest([each.groups for each in outcomes])
    if clusters is None:
        clusters = _fewest([_blocks(each) for each in outcomes])
        fixed = all(each.design is Design.CLASSES for each in outcomes)
        design = Design.CLASSES if fixed else Design.CHANCE if clusters is None else Design.TIME
    return tuple(
        replace(each, weights=shared, clusters=clusters, design=design) for each in outcomes
    )


def _blocks(outcome: Outcome) -> Codes | None:
    """The blocks of time of these rows, if they have an order."""
    if outcome.design is not Design.TIME or outcome.times is None:
        return outcome.clusters
    return time_blocks(outcome.times)


def _fewest(known: Sequence[Codes | None]) -> Codes | None:
    """Those that are the fewest, of clusters of the same rows."""
    given = [each for each in known if each is not None]
    return min(given, key=lambda each: len(np.unique(each)), default=None)
