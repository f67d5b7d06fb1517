"""Labelled rows: what was asked and what came of it, as the test rows of a table to train on.

Rows that were answered after the models were made are new to all of them; whoever trains on the
table has these rows sealed, and the other ones to learn from. Rows may have been sent that are not
new at all: those to learn from are left out, and looks at sealed ones are carried over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.data.schema import Task
from assay.data.sources.settling import settled_apart
from assay.data.vault import Vault
from assay.errors import DataError, InputError, NotFoundError
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.store import TrafficStore
from assay.serving.traffic.worn import looks_noted, met
from assay.workspace import written_aside

_COLUMNS = ("part", "assay_part", "assay_traffic_part")
"""What the column may be called that says which rows are the test's."""
_QUERY = """SELECT asked, outcome FROM answers JOIN outcomes USING (request_id, row)
    WHERE contest = ? AND asked IS NOT NULL ORDER BY answers.at, request_id, row"""


@dataclass(frozen=True)
class Refreshed:
    """A table with new test rows.

    Attributes:
        path: The file.
        column: Its column that says 'test' of them, and 'train' of all others.
        target: What is predicted.
        n_test: Rows that were answered and whose outcome is known.
        n_train: The other ones.
        n_left_out: Rows that were answered and are among those to learn from.
        n_alike: Test rows that equal rows to learn from, where that is natural: they stay.
        looks: How often the test rows have been looked at already.
    """

    path: Path
    column: str
    target: str
    n_test: int
    n_train: int
    n_left_out: int
    n_alike: int
    looks: int


def refresh(
    store: TrafficStore, contests: Sequence[Contest], table: pa.Table, out: Path, vault: Vault
) -> Refreshed:
    """Write a table whose test rows are those that were answered and whose outcome is known.

    Looks that they have had are in the ledger afterwards.

    Args:
        store: Of a model.
        contests: Whose rows to take.
        table: Rows to learn from, with the target.
        out: Where to write: a Parquet file.
        vault: Sealed rows, and the ledger of looks.

    Raises:
        NotFoundError: No rows were kept, or no outcome has come.
        DataError: The table lacks a column, has all of the rows, or an outcome or a value is not of
            its kind.
        VaultError: The ledger cannot be read or written.
        InputError: A row may have several labels.
    """
    found, judged = _found(store, contests)
    target = contests[-1].target
    _refuse_unfit(table, contests[-1], found)
    column = next(name for name in _COLUMNS if name not in table.column_names)
    cells = {
        field.name: _column(field, [asked.get(field.name) for asked, _ in found])
        for field in table.schema
        if field.name != target
    }
    cells[target] = _outcomes(table, contests[-1], [outcome for _, outcome in found])
    new = pa.table({name: cells[name] for name in table.column_names}, schema=table.schema)
    read = [name for name in table.column_names if name != target and name in found[0][0]]
    is_met, is_natural = met(table, new, [*read, target])
    n_met = int(is_met.sum())
    if n_met == len(new) and not is_natural:
        raise DataError(
            f"All {len(new):,} rows that were answered are rows of the table.",
            mend="take new rows for the test, or a table without these: --beside",
        )
    if not is_natural:
        new = new.filter(pa.array(~is_met))
    whole, test = (
        each.append_column(column, pa.array([part] * len(each)))
        for each, part in ((table, "train"), (new, "test"))
    )
    _, sealed, _ = settled_apart(whole, test, out.name)
    looks = looks_noted(vault, sealed, read, judged)
    with written_aside(out, mode=0o600) as aside:
        pq.write_table(pa.concat_tables([whole, test]), aside, compression="zstd")
    left_out, alike = (0, n_met) if is_natural else (n_met, 0)
    return Refreshed(out, column, target, len(new), len(table), left_out, alike, looks)


def _found(
    store: TrafficStore, contests: Sequence[Contest]
) -> tuple[list[tuple[dict[str, Any], Any]], list[Contest]]:
    """What was asked and what came of it, and the contests in which it was."""
    with store.connected() as database:
        by_contest = [(e, database.execute(_QUERY, (e.id,)).fetchall()) for e in contests]
    found = [row for _, rows in by_contest for row in rows]
    if not found:
        raise NotFoundError(
            "No row was kept whose outcome is known.",
            where=str(store.path),
            mend="serve with keep_rows: true (traffic, in the settings file), and send outcomes to "
            "/feedback",
        )
    judged = [contest for contest, rows in by_contest if rows]
    return [(json.loads(asked), json.loads(outcome)) for asked, outcome in found], judged


def _refuse_unfit(
    table: pa.Table, contest: Contest, found: Sequence[tuple[Mapping[str, Any], Any]]
) -> None:
    if contest.task is Task.MULTILABEL:
        raise InputError(
            "Rows with several labels cannot become a test set this way.",
            mend="take them from the answers in .assay/traffic",
        )
    missing = sorted({contest.target, *found[0][0]} - set(table.column_names))
    if missing:
        raise DataError(
            f"The table has no column {missing[0]!r}, which the model reads or predicts.",
            where=f"columns: {', '.join(table.column_names[:20])}",
            mend="name the table that the model was trained on",
        )


def _column(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """The cells of a column in the type that the table has."""
    try:
        return pa.array(values, type=field.type)
    except (pa.ArrowException, TypeError, ValueError):
        texts = [None if value is None else str(value) for value in values]
    try:
        return pa.array(texts, type=pa.string()).cast(field.type)
    except pa.ArrowException as error:
        raise DataError(
            f"Values that were asked do not fit the column {field.name!r}, of type {field.type}: "
            f"{str(error).splitlines()[0]}",
            mend="name the table that the model was trained on",
        ) from None


def _outcomes(table: pa.Table, contest: Contest, outcomes: Sequence[Any]) -> pa.Array:
    """The target of rows whose outcome is known, as the table writes it."""
    kind = table.schema.field(contest.target).type
    if contest.task is Task.REGRESSION:
        return pa.array(outcomes, type=pa.float64()).cast(kind, safe=False)
    known = {str(label): label for label in table[contest.target].unique().to_pylist()}
    unknown = sorted(set(outcomes) - set(known))
    if unknown:
        raise DataError(
            f"No row of the table has {unknown[0]!r} in {contest.target!r}, which came true.",
            mend="name the table that the model was trained on",
        )
    return pa.array([known[each] for each in outcomes], type=kind)
