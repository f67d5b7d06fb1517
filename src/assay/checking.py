"""Checking: known mistakes looked for without training anything.

Looks at an experiment as its training would, at one table, or at training and test rows that
somebody else divided, with whatever else is handed over of how a model came about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay import steps
from assay.checks.as612_absolute_path import absolute_paths
from assay.checks.base import Given, View
from assay.checks.builtin import CHECKS
from assay.checks.evidence import answers_of
from assay.checks.history import history_of
from assay.checks.run import CheckResults, run_checks
from assay.data.handed_over import hand_over
from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import read_batches, read_table, shown
from assay.errors import DataError, NotFoundError
from assay.experiment.asking import Asked
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.publishing import known_run
from assay.run import Run
from assay.run_evidence import looked_at_since
from assay.tracking.recorder import flattened
from assay.tracking.store import Store


@dataclass(frozen=True)
class Tables:
    """What is handed over to be checked.

    Attributes:
        train: Rows to learn from.
        test: Rows to judge on.
        serving: Rows that the model meets in use.
        before: All rows before they were prepared and divided.
        predictions: Answers for rows, with their truth.
        log: The record of the runs that led to a model, JSON.
        series: Column of entities that are followed over time.
        metric: Name of the metric that the claim is about.
        claim: What is said of the model.
    """

    train: Path
    test: Path | None = None
    serving: Path | None = None
    before: Path | None = None
    predictions: Path | None = None
    log: Path | None = None
    series: str | None = None
    metric: str | None = None
    claim: str | None = None


def check_experiment(asked: Asked, announce: Announce = silent) -> CheckResults:
    """What training would find before its first fit.

    Raises:
        InputError: What is asked for cannot be done.
    """
    ready = steps.made_ready(asked)
    announce(Step("Looking for known mistakes"))
    loaded = ready.asked.loaded
    accept = loaded.experiment.checks.accept
    found = run_checks(steps.view_of(ready.data), CHECKS, accept=accept)
    return found.joined_by(absolute_paths(flattened(loaded.written)), accept)


def check_run(run: Run | str, store: Store | None = None) -> CheckResults:
    """What was found of a run, when it was trained and since.

    Raises:
        NotFoundError: There is no such run, or it has no result.
    """
    place = Place.to_find(store)
    with place.workspace.scratch_to_read() as scratch:
        return looked_at_since(known_run(run, place, scratch), place)


def check_tables(
    tables: Tables,
    settings: DataSettings,
    accept: Mapping[str, str] | None = None,
    announce: Announce = silent,
) -> CheckResults:
    """Look at tables; one alone is divided at random first, or as its roles say.

    Args:
        tables: What is handed over.
        settings: The target, and what columns are there for.
        accept: Reason for living with a finding, by code.
        announce: Told what is being done.

    Raises:
        NotFoundError: A file is not there.
        DataError: A table cannot be read, or does not fit the settings; or evidence that is not in
            the form of docs/checks/evidence.md.
    """
    announce(Step("Reading the tables"))
    view = _view(tables, settings)
    for read in (answers_of, history_of):  # what cannot be read is refused before the checks
        read(view)
    announce(Step("Looking for known mistakes"))
    return run_checks(view, CHECKS, accept=accept)


def _view(tables: Tables, settings: DataSettings) -> View:
    where = shown(tables.train)
    train = read_table(tables.train)
    given = Given(
        train=_stored(tables.train),
        test=None if tables.test is None else _stored(tables.test),
        serving=None if tables.serving is None else read_table(tables.serving),
        before=None if tables.before is None else read_table(tables.before),
        predictions=None if tables.predictions is None else read_table(tables.predictions),
        log=None if tables.log is None else _log(tables.log),
        series=tables.series,
        metric=tables.metric,
        claim=tables.claim,
    )
    if tables.test is None:
        data = prepare(train, settings, where)
        return View(**{**vars(steps.view_of(data)), "given": given})
    both = hand_over(train, read_table(tables.test), settings, where)
    return View(both.schema, both.train, both.test, both.raw_train, both.raw_test, given=given)


def _stored(path: Path) -> pa.Schema:
    """Names and types of the columns as they are stored."""
    return next(iter(read_batches(path, rows=1))).schema


def _log(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise NotFoundError(f"There is no file {path.name}.", where=str(path), mend="give its path")
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            f"{path.name} is not JSON: {error}.",
            where=str(path),
            mend="give a record of runs as docs/checks/evidence.md describes it",
        ) from None
    if not isinstance(log, dict):
        raise DataError(
            f"{path.name} holds no record of runs but a {type(log).__name__}.",
            where=str(path),
            mend='give an object, as in {"metric": "roc_auc", "runs": [...]}',
        )
    return log
