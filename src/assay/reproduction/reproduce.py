"""Reproduction: a run is trained again, as it was asked for, and compared with itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from assay import lifecycle, provenance
from assay.experiment.again import asked_again
from assay.experiment.finding import Found, find_data
from assay.inference.loading import load_folder
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.reproduction.causes import why
from assay.reproduction.environment import Change, changes
from assay.reproduction.recollection import Recollection, recalled
from assay.reproduction.verdict import (
    TOLERANCE,
    Compared,
    Verdict,
    choices,
    numbers,
    overall,
    predictions,
)
from assay.reproduction.verdict import tables as compared_tables
from assay.run import CHOSEN, Run
from assay.tracking.runs import REPRODUCED, REPRODUCES
from assay.tracking.store import Store


@dataclass(frozen=True)
class Reproduction:
    """What came of doing a run again.

    Attributes:
        original: The run, as EXPERIMENT/RUN.
        original_id: Its id.
        run: The second run.
        verdict: Whether it is the same.
        tolerance: What counted as rounding.
        compared: What was compared, number by number.
        changes: In what the environment differs.
        causes: Why the numbers differ, if they do; what is known for certain comes first.
        data: Where the data was found.
        created: When, ISO 8601 with offset.
    """

    original: str
    original_id: str
    run: Run
    verdict: Verdict
    tolerance: float
    compared: tuple[Compared, ...]
    changes: tuple[Change, ...]
    causes: tuple[str, ...]
    data: str
    created: str

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__ if name != "run"},
            "run_id": self.run.run_id,
            "name": self.run.name,
            "verdict": self.verdict.value,
            "compared": [each.as_dict() for each in self.compared],
            "changes": [each.as_dict() for each in self.changes],
            "causes": list(self.causes),
        }

    def __repr__(self) -> str:
        why = f": {self.causes[0]}" if self.causes else ""
        return f"Reproduction({self.original}: {self.verdict}{why})"


def reproduce(
    run: Run | str | Path,
    *,
    data: Any = None,
    learner: Any = None,
    tolerance: float = TOLERANCE,
    workers: int | None = None,
    store: Store | None = None,
    announce: Announce = silent,
) -> Reproduction:
    """Train a run again with what was recorded, and compare the predictions bit by bit.

    The sealed test rows stay sealed. The second run is kept beside the first.

    Args:
        run: A run, what it is called, or a folder that `lock` wrote.
        data: The table it was trained on, where that is not found by itself: a source or a frame.
        learner: The learner, where it was handed over as an object that cannot be recorded.
        tolerance: What counts as rounding: absolute in probabilities, relative in values.
        workers: Parallel fits; they change no bit.
        store: Where the run is kept.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        DataError: The data it was trained on is not to be found.
        InputError: It cannot be asked for again: a secret or a variable is missing.
        LearnerError: The learner cannot be had again, or failed.
    """
    announce(Step("Reading what was recorded"))
    with recalled(run, store) as known:
        surroundings = now(known, learner)
        return again(known, surroundings, data=data, learner=learner, tolerance=tolerance,
                     workers=workers, store=store, announce=announce)  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What a run is done again in.

    Attributes:
        about: Provenance of this process.
        changes: In what that differs from the run's, first what matters.
    """

    about: Mapping[str, Any]
    changes: tuple[Change, ...]


def now(known: Recollection, learner: Any = None) -> Surroundings:
    """The environment as it is, beside that of the run."""
    about = provenance.collect(Path(known.recipe.folder))
    seen = {**about, "back ends": provenance.back_ends()}
    return Surroundings(
        about, changes(known.provenance, seen, known.recipe, learner_is_own=learner is not None)
    )


def again(
    known: Recollection,
    surroundings: Surroundings,
    *,
    data: Any,
    learner: Any,
    tolerance: float,
    workers: int | None,
    store: Store | None,
    announce: Announce,
) -> Reproduction:
    """Find the data, train, compare, say why, and take it down; as `reproduce`."""
    place = _place_of(known, store)
    announce(Step("Looking for the data"))
    found = find_data(known, place.workspace, data)
    asked = asked_again(
        known,
        found,
        learner=learner,
        about=surroundings.about,
        uri=place.named,
        verb="assay.reproduce(run, learner=...)",
        called=f"{known.name}-again",
        tags={REPRODUCES: known.run_id},
        fixed=known.chosen,
    )
    run = lifecycle.train(asked, workers=workers, store=store, announce=announce)
    differing = changes(
        known.provenance, run.provenance, known.recipe, learner_is_own=learner is not None
    )
    announce(Step("Comparing"))
    compared = _compared(known, found, run, place, tolerance)
    verdict = overall(compared)
    causes: tuple[str, ...] = ()
    if verdict is Verdict.DIFFERENT:
        announce(Step("Looking for the cause"))
        with place.workspace.scratch() as scratch:
            causes = why(asked, differing, scratch)
    done = Reproduction(
        original=known.reference,
        original_id=known.run_id,
        run=run,
        verdict=verdict,
        tolerance=tolerance,
        compared=compared,
        changes=differing,
        causes=causes,
        data=found.how,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    _take_down(done, known, place)
    return done


def _place_of(known: Recollection, store: Store | None) -> Place:
    """Where the run is kept; of a locked folder, wherever runs go here."""
    return Place.to_find(store) if known.folder is None else Place.to_begin(None, store)


def _compared(
    known: Recollection, found: Found, run: Run, place: Place, tolerance: float
) -> tuple[Compared, ...]:
    """Predictions of training, the finished models on the same rows, metrics, what was chosen."""
    table = place.store.table(run.run_id, run.announced_table)
    rows = known.out_of_fold["row"].to_numpy()
    metrics = {name: each.value for name, each in run.evaluation.metrics.items()}
    compared = [
        compared_tables(f"{known.rows} predictions", known.out_of_fold, table, tolerance),
        _models(known, found.table, rows, run, place, tolerance),
        numbers("metrics", known.metrics, metrics, tolerance),
    ]
    if known.chosen or run.chosen:
        compared.append(choices(CHOSEN[known.rows], known.chosen, run.chosen, tolerance))
    return tuple(compared)


def _models(
    known: Recollection,
    table: pa.Table,
    rows: np.ndarray[Any, Any],
    run: Run,
    place: Place,
    tolerance: float,
) -> Compared:
    what = "predictions of the final model"
    before = known.predicted
    if before is None and known.model is not None:
        before = predictions(known.model, table, rows)
    if before is None:
        note = "the recorded model cannot be loaded with the packages that are here"
        return Compared(what, 0, None, float("nan"), note=note)
    with place.workspace.scratch() as scratch:
        folder, digest = place.store.model(run.run_id, scratch)
        model = load_folder(folder, name=run.name, expected=digest, trust=None)
        return compared_tables(what, before, predictions(model, table, rows), tolerance)


def _take_down(done: Reproduction, known: Recollection, place: Place) -> None:
    """Keep the verdict with the second run, and with the first where that is here."""
    with place.workspace.scratch() as scratch:
        path = scratch / f"{done.run.run_id}.json"
        path.write_text(json.dumps(done.as_dict(), indent=1), encoding="utf-8")
        runs = [done.run.run_id] + ([known.run_id] if known.folder is None else [])
        for run_id in runs:
            recorder = place.store.attach(run_id)
            recorder.artifact(path, "reproductions")
            recorder.tags({REPRODUCED: f"{done.verdict} at {done.created}"})
