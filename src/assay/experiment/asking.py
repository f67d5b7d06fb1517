"""What is asked for: an experiment file or a data frame, refused early where it can be."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay import provenance
from assay.data.sources import from_frame, read_versioned, shown
from assay.data.split import said_by_source
from assay.errors import InputError
from assay.evaluation.result import Corrected
from assay.experiment.reading import LoadedExperiment, experiment_from, load_experiment
from assay.learners.adapt import adapt, resolve_learner, trained_as
from assay.learners.own import is_network_class, path_of
from assay.learners.protocol import Learner, StepwiseLearner
from assay.training.settings import LoopSettings

if TYPE_CHECKING:
    from assay.tuning.building import Built

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
        is_given: Whether the learner was handed over as an object, whatever the settings name.
        called: What the run is to be called; by what varies if empty.
        tags: What else the run is to be found by.
        fixed: What an earlier run chose, and the fit takes over, where rows are held out.
        corrected: What the settings are worth, where they are the best that a search found.
        built: The ensemble of `auto` that a search has built; None to build it in the run.
    """

    loaded: LoadedExperiment
    table: pa.Table
    where: str
    learner: Learner
    about: Mapping[str, Any]
    version: Mapping[str, Any]
    started: float
    is_given: bool = False
    called: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    corrected: Corrected | None = None
    built: Built | None = None

    def trained_on(self, n_rows: int) -> dict[str, Any]:
        """How the learner trains in steps on so many rows; empty if it does not.

        Its own defaults are included, so that it can be asked again when these have changed.
        """
        if not isinstance(self.learner, StepwiseLearner):
            return {}
        settings: dict[str, Any] = self.learner.trained_on(n_rows).model_dump(mode="json")
        return {name: settings[name] for name in LoopSettings.model_fields}


def ask(
    source: Any,
    *,
    target: str | Iterable[str] | None,
    learner: Any,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
) -> Asked:
    """Read what is asked for.

    Args:
        source: An experiment file, or a table in memory with `target`; or what was asked before.
        target: The column to predict of a table in memory, or several, each a label.
        learner: A learner's name, import path, an estimator, a learner, or a class of networks,
            which counts as its import path; of a file's experiment it replaces the learner that
            the file names.
        settings: More settings for a table in memory, nested as in the file.
        overrides: `key=value` each.

    Raises:
        InputError: What is asked for cannot be done.
    """
    if isinstance(source, Asked):
        return source
    started = time.perf_counter()
    named = path_of(learner) if is_network_class(learner) else learner
    given = None if named is None or isinstance(named, str) else adapt(named)
    named = named if isinstance(named, str) else None
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
        make_importable(loaded.folder)
        recipe = _recipe(loaded, given)
        data = loaded.experiment.data
        table, version = read_versioned(loaded.source, query=data.query, sheet=data.sheet)
        where = shown(loaded.source)
    else:
        loaded = _of_frame(target, given, named, settings, overrides)
        about = provenance.collect(loaded.folder)
        recipe = _recipe(loaded, given)
        where = "the data frame"
        table, version = from_frame(source, where), {}
    loaded = _sealed_as_parted(loaded, table)
    return Asked(loaded, table, where, recipe, about, version, started, given is not None)


def _recipe(loaded: LoadedExperiment, given: Learner | None) -> Learner:
    """The learner, trained as the experiment says."""
    experiment = loaded.experiment
    learner = given or resolve_learner(experiment.model, loaded.folder)
    return trained_as(learner, experiment.training.of_the_loop)


def _sealed_as_parted(loaded: LoadedExperiment, table: pa.Table) -> LoadedExperiment:
    """The experiment; where it does not say which rows are sealed, those its source calls test."""
    data = loaded.experiment.data
    roles, split = data.roles, data.split
    column = said_by_source(table, data.target_column)
    played = {roles.id, roles.time, roles.weight, *roles.groups, *roles.segments}
    played |= {*roles.ignore}
    if column is None or column in played or {"by", "column", "test"} & split.model_fields_set:
        return loaded
    data = data.model_copy(update={"split": split.model_copy(update={"column": column})})
    return replace(loaded, experiment=loaded.experiment.model_copy(update={"data": data}))


def make_importable(folder: Path) -> None:
    """Learners of one's own may lie beside the experiment file; workers find them there too."""
    path = str(folder.absolute())
    if path not in sys.path:
        sys.path.insert(0, path)


def _of_frame(
    target: str | Iterable[str] | None,
    given: Learner | None,
    named: str | None,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
) -> LoadedExperiment:
    if target is None:
        raise InputError("A table needs a target.", mend="assay.train(frame, target='COLUMN')")
    target = target if isinstance(target, str) else [str(each) for each in target]
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
