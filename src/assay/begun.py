"""Begun: a run that has its place, its recorder and its rows, for the first time or again.

A run that was killed, stopped or failed goes on under its own id, as it was asked for: what it has
recorded stays and is not recorded twice, and a fit that goes step by step goes on from its last
checkpoint.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import pyarrow as pa

from assay import provenance
from assay.errors import DataError, InputError, NotFoundError
from assay.experiment.again import asked_again, recorded_learner, refuse_hidden
from assay.experiment.asking import Asked
from assay.experiment.finding import find_data
from assay.experiment.recipe import RECIPE_FILE, Recipe
from assay.learners.protocol import chosen_in
from assay.monitor import Announce, Step
from assay.place import Place
from assay.run import Run
from assay.steps import PROVENANCE_FILE, Ready, made_ready
from assay.tracking.recorded import Recorded
from assay.tracking.recorder import Status
from assay.tracking.runs import FINGERPRINT, SPLIT, find_run
from assay.tracking.spooled import SpooledRecorder
from assay.tracking.store import RunRecord, Store
from assay.tracking.terminal import LOG

_PATIENCE_S = 10.0
_VERB = "assay.train(resume=run, learner=...)"
_DATA = "give the table as it was, in Python: assay.train(frame, resume=run)"


@dataclass(frozen=True)
class Begun:
    """A run under way.

    Attributes:
        ready: What is known before the first fit.
        place: Where it is.
        recorder: Its recorder.
        log: Where its terminal log is written.
        resumes: Whether an earlier process began it.
        lasted_s: How long the machine was watched for it before, in seconds.
    """

    ready: Ready
    place: Place
    recorder: SpooledRecorder
    log: Path
    resumes: bool = False
    lasted_s: int = 0

    @contextmanager
    def checkpoints(self) -> Iterator[Path]:
        """The folder for checkpoints: gone once the run has finished, kept if it did not."""
        folder = self.place.workspace.checkpoints_folder / self.recorder.run_id
        reference = f"{self.ready.asked.loaded.name}/{self.recorder.name}"
        try:
            yield folder
        except BaseException as error:
            if any(path.is_file() for path in folder.rglob("*")):
                error.add_note(f"To go on with it: assay train --resume {quote(reference)}")
            raise
        shutil.rmtree(folder, ignore_errors=True)


def begin(
    asked: Asked, tags: Mapping[str, str], *, store: Store | None, announce: Announce
) -> Begun:
    """A new run.

    Raises:
        InputError: What is asked for does not fit the data.
    """
    ready, loaded = made_ready(asked), asked.loaded
    place = Place.to_begin(loaded.tracking_uri, store, loaded.experiment.tracking.artifacts)
    recorder = place.begin(
        loaded.name, ready.name, {**ready.tags, **tags}, mirrors=ready.mirrors, announce=announce
    )
    return Begun(ready, place, recorder, recorder.growing(LOG))


def resume(
    run: Run | str, *, data: Any, learner: Any, store: Store | None, announce: Announce
) -> Begun:
    """A run that did not finish, to go on with.

    Args:
        run: The run, or what it is called; 'last' is the newest of all.
        data: The table it is trained on, where that is not found by itself.
        learner: The learner, where it was handed over as an object that cannot be recorded.
        store: Where the run is kept.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such run.
        InputError: It finished, still goes on, or was stopped before it said what it does.
        DataError: The data has changed, or would be parted otherwise.
    """
    place = Place.to_find(store, settles=False)  # which would not wait until all has arrived
    for notice in place.settle(_PATIENCE_S, announce).notices:
        announce(Step(notice, lasting=True))
    record = _unfinished(run.run_id if isinstance(run, Run) else run, place)
    with place.workspace.scratch() as scratch:
        known = _known(record, place, scratch)
        refuse_hidden(known)
        found = find_data(known, place.workspace, data, mend=_DATA)
        recorded = Recorded.of(place.store, record.run_id)
        fits = recorded.children.get("fit", Recorded())
        now = provenance.collect(Path(known.recipe.folder))
        created = known.provenance.get("created", now["created"])
        asked = asked_again(
            known,
            found,
            learner=learner,
            about={**now, "created": created, "resumed": now["created"]},
            uri=place.named,
            verb=_VERB,
            called=record.name,
            fixed=chosen_in(fits.params),
        )
        log = _log(place.store, record, scratch)
    ready = made_ready(asked)
    _refuse_otherwise(ready, record)
    recorder = place.resume(record.run_id, recorded, mirrors=ready.mirrors, announce=announce)
    growing = recorder.growing(LOG)
    growing.write_bytes(log)
    return Begun(ready, place, recorder, growing, resumes=True, lasted_s=recorded.lasted_s)


def refuse_changes(**given: Any) -> None:
    """Refuse to change what a run is asked for that goes on.

    Raises:
        InputError: Something was given.
    """
    asked = [name for name, value in given.items() if value]
    if asked:
        raise InputError(
            f"A run that resumes goes on as it was asked for: {', '.join(asked)} cannot be given.",
            mend="leave it out, or train a new run",
        )


@dataclass(frozen=True)
class _Known:
    """What there is of a run that did not finish."""

    reference: str
    recipe: Recipe
    text: str
    fingerprint: str
    provenance: Mapping[str, Any]
    learner: Path | None

    def unlike(self, table: pa.Table) -> str:
        """All that can be said: the columns were not taken down yet."""
        return f"{table.num_rows:,} rows now, others than it was trained on"


def _unfinished(reference: str, place: Place) -> RunRecord:
    """The run, if it can be gone on with."""
    runs = place.store.runs() if reference == "last" else []
    record = runs[0] if runs else find_run(place.store, reference)
    where = f"run {record.run_id}"
    if record.status is Status.FINISHED:
        raise InputError(
            f"{record.reference} has finished: there is nothing to go on with.",
            where=where,
            mend=f"look at it: assay show {quote(record.reference)}; or train again",
        )
    if record.status is Status.RUNNING:
        raise InputError(
            f"{record.reference} is still running.",
            where=where,
            mend="wait for its end, or end its process; one on another machine goes on there",
        )
    if place.unsent(record.run_id):
        raise InputError(
            f"Something that {record.reference} recorded has not reached the store yet.",
            where=where,
            mend="send it first: assay sync",
        )
    return record


def _known(record: RunRecord, place: Place, scratch: Path) -> _Known:
    try:
        path = place.store.fetch(record.run_id, RECIPE_FILE, scratch)
    except NotFoundError:
        raise InputError(
            f"{record.reference} was stopped before it had recorded what it does.",
            where=f"run {record.run_id}",
            mend="train again: assay train EXPERIMENT",
        ) from None
    recipe = Recipe.from_dict(json.loads(path.read_text(encoding="utf-8")))
    about = place.store.fetch(record.run_id, PROVENANCE_FILE, scratch)
    text = place.store.fetch(record.run_id, recipe.file or "experiment.yaml", scratch)
    return _Known(
        reference=record.reference,
        recipe=recipe,
        text=text.read_text(encoding="utf-8"),
        fingerprint=record.tags[FINGERPRINT],
        provenance=json.loads(about.read_text(encoding="utf-8")),
        learner=recorded_learner(
            place.store, record.run_id, scratch, mend=f"give it again: {_VERB}"
        )
        if recipe.given
        else None,
    )


def _log(store: Store, record: RunRecord, scratch: Path) -> bytes:
    """What was shown until it was stopped."""
    try:
        return store.fetch(record.run_id, LOG, scratch).read_bytes()
    except NotFoundError:
        return b""


def _refuse_otherwise(ready: Ready, record: RunRecord) -> None:
    if ready.split != record.tags.get(SPLIT):
        raise DataError(
            f"The rows of {record.reference} would be parted otherwise than they were.",
            where=f"split {ready.split[:12]}, before {record.tags.get(SPLIT, '')[:12]}",
            mend="go on with the version of Assay that began it, or train again",
        )
