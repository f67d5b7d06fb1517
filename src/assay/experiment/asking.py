"""What is asked for: an experiment file or a data frame, refused early where it can be."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay import provenance
from assay.data.sources import from_frame, read_versioned, shown
from assay.errors import InputError
from assay.experiment.reading import LoadedExperiment, experiment_from, load_experiment
from assay.learners.adapt import adapt, resolve_learner
from assay.learners.protocol import Learner

IN_MEMORY = "(data frame)"


@dataclass(frozen=True)
class Asked:
    """A valid experiment with its table and its learner.

    Attributes:
        loaded: The experiment.
        table: The whole source, with settled types.
        where: What to call the table in errors.
        learner: The learner to be trained.
        about: Provenance, taken before anything else was done.
        version: Which version of the source was read, as far as anybody keeps versions of it.
        started: When that was, in seconds of `time.perf_counter()`.
    """

    loaded: LoadedExperiment
    table: pa.Table
    where: str
    learner: Learner
    about: Mapping[str, Any]
    version: Mapping[str, Any]
    started: float


def ask(
    source: Any,
    *,
    target: str | None,
    learner: Any,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
) -> Asked:
    """Read what is asked for.

    Args:
        source: An experiment file, or a table in memory with `target`.
        target: The column to predict of a table in memory.
        learner: A learner's name, import path, an estimator, or a learner; of a file's experiment
            it replaces the learner that the file names.
        settings: More settings for a table in memory, nested as in the file.
        overrides: `key=value` each.

    Raises:
        InputError: What is asked for cannot be done.
    """
    started = time.perf_counter()
    given = None if learner is None or isinstance(learner, str) else adapt(learner)
    named = learner if isinstance(learner, str) else None
    if isinstance(source, str | Path):
        if target is not None or settings:
            raise InputError(
                "An experiment file says itself what is the target.",
                mend=f"assay.train({str(source)!r}, overrides=['data.target=...'])",
            )
        if named is not None:
            overrides = [*overrides, f"model.learner={named}"]
        loaded = load_experiment(source, overrides)
        about = provenance.collect(loaded.folder)
        _make_importable(loaded.folder)
        data = loaded.experiment.data
        table, version = read_versioned(loaded.source, query=data.query, sheet=data.sheet)
        where = shown(loaded.source)
    else:
        loaded = _of_frame(target, given, named, settings, overrides)
        about = provenance.collect(loaded.folder)
        where = "the data frame"
        table, version = from_frame(source, where), {}
    recipe = given or resolve_learner(loaded.experiment.model)
    return Asked(loaded, table, where, recipe, about, version, started)


def _make_importable(folder: Path) -> None:
    """Learners of one's own may lie beside the experiment file; workers find them there too."""
    path = str(folder.absolute())
    if path not in sys.path:
        sys.path.insert(0, path)


def _of_frame(
    target: str | None,
    given: Learner | None,
    named: str | None,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
) -> LoadedExperiment:
    if target is None:
        raise InputError("A table needs a target.", mend="assay.train(frame, target='COLUMN')")
    # An object has no name that a file could use; its class says at least what it was.
    kind = named or ("boosting" if given is None else f"python:{given.name}")
    blocks = {name: dict(value) for name, value in settings.items() if isinstance(value, Mapping)}
    rest = {name: value for name, value in settings.items() if name not in blocks}
    whole = {
        **rest,
        **blocks,
        "data": {"source": IN_MEMORY, "target": target, **blocks.get("data", {})},
        "model": {"learner": kind, **blocks.get("model", {})},
    }
    return experiment_from(whole, Path.cwd(), overrides)
