"""Checking: known mistakes looked for without training anything.

Looks at an experiment as its training would, at a run, at one table, or at training and test rows
that somebody else divided, with whatever else is handed over of how a model came about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay import steps
from assay.checks.as612_absolute_path import absolute_paths
from assay.checks.base import Given, View
from assay.checks.evidence import answers_of
from assay.checks.history import history_of
from assay.checks.known import known_checks
from assay.checks.run import CheckResults, run_checks
from assay.data.handed_over import hand_over
from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame, read_batches, read_table, shown
from assay.errors import DataError, InputError, NotFoundError
from assay.experiment.asking import IN_MEMORY, ask
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.publishing import known_run
from assay.run import Run
from assay.run_evidence import looked_at_since
from assay.tracking.recorder import flattened
from assay.tracking.store import Store

_EXPERIMENTS = (".yaml", ".yml", ".toml")


@dataclass(frozen=True)
class Evidence:
    """What is handed over beside the training rows; each table a file or a data frame.

    Attributes:
        test: Rows to judge on.
        serving: Rows that the model meets in use.
        before: All rows before they were prepared and divided.
        predictions: Answers for rows, with their truth.
        log: The record of the runs that led to a model: a JSON file, or what it would hold.
        series: Column of entities that are followed over time.
        metric: Name of the metric that the claim is about.
        claim: What is said of the model.
    """

    test: Any = None
    serving: Any = None
    before: Any = None
    predictions: Any = None
    log: Any = None
    series: str | None = None
    metric: str | None = None
    claim: str | None = None


def check(
    source: Any,
    *,
    target: str | tuple[str, ...] | None = None,
    settings: Mapping[str, Any] | None = None,
    evidence: Evidence = Evidence(),
    store: Store | None = None,
    announce: Announce = silent,
) -> CheckResults:
    """Look for known mistakes; nothing is trained and nothing is kept.

    Args:
        source: An experiment file, a run or what it is called; or a table, as a file or a data
            frame, with its `target`: alone it is divided as `settings` say, with test rows as
            `evidence` its rows are those to learn from.
        target: The column to predict of a table, or several, each a label.
        settings: More of the `data` block of a table, as in the experiment file.
        evidence: What is handed over beside a table.
        store: Where runs are kept.
        announce: Told what is being done.

    Raises:
        NotFoundError: There is no such file or run.
        DataError: A table cannot be read, or does not fit the settings; or evidence that is not in
            the form of docs/checks/evidence.md.
        InputError: What is asked for cannot be done.
    """
    if target is not None:
        named = str(source) if isinstance(source, str | Path) else IN_MEMORY
        given = {"source": named, "target": target, **(settings or {})}
        return _of_tables(source, DataSettings.model_validate(given), evidence, announce)
    if settings or any(each is not None for each in vars(evidence).values()):
        raise InputError("A table does not say what is to be predicted from it.", mend="target=...")
    if isinstance(source, str | Path) and Path(source).suffix.lower() in _EXPERIMENTS:
        return _of_experiment(Path(source), announce)
    if isinstance(source, Run | str):
        place = Place.to_find(store)
        with place.workspace.scratch_to_read() as scratch:
            return looked_at_since(known_run(source, place, scratch), place)
    raise InputError(
        "This is neither an experiment file nor a run.",
        where=str(source)[:200],
        mend="a table needs its target: assay.check(table, target='COLUMN')",
    )


def _of_experiment(path: Path, announce: Announce) -> CheckResults:
    ready = steps.made_ready(ask(path, target=None, learner=None, settings={}, overrides=()))
    announce(Step("Looking for known mistakes"))
    loaded = ready.asked.loaded
    accept = loaded.experiment.checks.accept
    found = run_checks(steps.view_of(ready.data), known_checks(), accept=accept)
    return found.joined_by(absolute_paths(flattened(loaded.written)), accept)


def _of_tables(
    train: Any, settings: DataSettings, evidence: Evidence, announce: Announce
) -> CheckResults:
    announce(Step("Reading the tables"))
    view = view_of(train, settings, evidence)
    for read in (answers_of, history_of):  # what cannot be read is refused before the checks
        read(view)
    announce(Step("Looking for known mistakes"))
    return run_checks(view, known_checks())


def view_of(train: Any, settings: DataSettings, evidence: Evidence) -> View:
    """What checks may see of a table and what is handed over beside it.

    Args:
        train: Rows to learn from, or to be divided, as a file or a data frame.
        settings: The `data` block.
        evidence: What is handed over.

    Raises:
        NotFoundError: A file is not there.
        DataError: A table cannot be read, or does not fit the settings.
    """
    where = shown(train) if isinstance(train, str | Path) else "the data frame"
    table, test = _table(train), _table(evidence.test)
    given = Given(
        train=_stored(train),
        test=None if test is None else _stored(evidence.test),
        serving=_table(evidence.serving),
        before=_table(evidence.before),
        predictions=_table(evidence.predictions),
        log=_log(evidence.log),
        series=evidence.series,
        metric=evidence.metric,
        claim=evidence.claim,
    )
    if test is None:
        return replace(steps.view_of(prepare(table, settings, where)), given=given)
    both = hand_over(table, test, settings, where)
    return View(both.schema, both.train, both.test, both.raw_train, both.raw_test, given=given)


def _table(source: Any) -> Any:
    """A settled table; None where none is handed over."""
    if source is None:
        return None
    return read_table(source) if isinstance(source, str | Path) else from_frame(source)


def _stored(source: Any) -> pa.Schema:
    """Names and types of the columns as they are stored."""
    if isinstance(source, str | Path):
        return next(iter(read_batches(source, rows=1))).schema
    return from_frame(source, settle=False).schema


def _log(log: Any) -> Mapping[str, Any] | None:
    if log is None or isinstance(log, Mapping):
        return log
    path = Path(log)
    if not path.is_file():
        raise NotFoundError(f"There is no file {path.name}.", where=str(path), mend="give its path")
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            f"{path.name} is not JSON: {error}.",
            where=str(path),
            mend="give a record of runs as docs/checks/evidence.md describes it",
        ) from None
    if not isinstance(read, dict):
        raise DataError(
            f"{path.name} holds no record of runs but a {type(read).__name__}.",
            where=str(path),
            mend='give an object, as in {"metric": "roc_auc", "runs": [...]}',
        )
    return read
