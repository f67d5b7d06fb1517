"""What is to be searched: refused before the first trial where it cannot be."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from assay import steps
from assay.errors import ExperimentError, InputError
from assay.evaluation.metrics import METRICS
from assay.experiment.asking import Asked
from assay.experiment.reading import LoadedExperiment, experiment_from, load_experiment
from assay.learners.adapt import resolve_learner, trained_as
from assay.learners.protocol import Learner
from assay.place import Place
from assay.tracking.recorder import flattened
from assay.tuning.defaults import default_space
from assay.tuning.methods import Methods
from assay.tuning.objective import COSTS, Objective
from assay.tuning.settings import TuningSettings
from assay.tuning.space import Space, space_of
from assay.tuning.study import StudyPlace
from assay.tuning.worker import Search
from assay.workspace import file_name

_NOT_OF_TRIALS = ("name", "tuning", "tracking", "registry", "checks", "prediction")


@dataclass(frozen=True)
class Maker:
    """Makes the learner of a trial; pickles.

    Attributes:
        loaded: The experiment as it was read.
    """

    loaded: LoadedExperiment

    def __call__(self, settings: Mapping[str, Any]) -> Learner:
        """The learner with these settings, by dotted name.

        Raises:
            ExperimentError: They do not go together.
        """
        loaded = with_settings(self.loaded, settings)
        experiment = loaded.experiment
        learner = resolve_learner(experiment.model, loaded.folder)
        return trained_as(learner, experiment.training.of_the_loop)


def changes_of(loaded: LoadedExperiment, settings: Mapping[str, Any]) -> list[str]:
    """Settings as overrides of the experiment; another learner begins with its own defaults."""
    changes = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    now = loaded.experiment.model.learner
    return ["model.options={}", *changes] if settings.get("model.learner", now) != now else changes


def with_settings(loaded: LoadedExperiment, settings: Mapping[str, Any]) -> LoadedExperiment:
    """The experiment with other settings.

    Raises:
        ExperimentError: They do not go together.
    """
    changes = changes_of(loaded, settings)
    if loaded.path is not None:
        return load_experiment(loaded.path, [*loaded.overrides, *changes])
    return experiment_from(loaded.written, loaded.folder, changes)


@dataclass(frozen=True)
class Asking:
    """A search that can be done: everything that is known before the first trial."""

    ready: steps.Ready
    settings: TuningSettings
    search: Search
    objective: Objective
    make: Maker


def asked_for(asked: Asked, study: str | None, place: Place) -> Asking:
    """What is to be searched, refused where it cannot be.

    Raises:
        InputError: The space or an objective is impossible.
    """
    if asked.is_given:
        raise InputError(
            "A learner that is handed over as an object cannot be tuned: it has no settings by "
            "name.",
            mend="name it: learner='package.module:factory'",
        )
    ready = steps.made_ready(asked)
    loaded = ready.asked.loaded
    settings = loaded.experiment.tuning
    space = _space(loaded, settings)
    names = _objectives(ready, settings)
    data = ready.data
    objective = Objective(
        development=data.development,
        folding=data.folding,
        seed=ready.plan.seed,
        names=names,
        deterministic=loaded.experiment.training.deterministic,
        by_rounds=settings.pruner != "wilcoxon",
        cumulated=settings.pruner != "wilcoxon",
    )
    name = study or loaded.name
    search = Search(
        place=StudyPlace(name, place.workspace.studies_folder / file_name(name), settings.storage),
        about={
            "data": data.fingerprint,
            "space": space.digest,
            "objectives": ", ".join(names),
            "experiment": digest_of(loaded),
        },
        space=space,
        fixed=flattened(loaded.experiment.model_dump(mode="json")),
        methods=Methods(settings.sampler, settings.pruner, ready.plan.seed),
        most=settings.most_trials,
        until=None if settings.seconds is None else time.time() + settings.seconds,
        patience=settings.patience,
    )
    return Asking(ready, settings, search, objective, Maker(loaded))


def _space(loaded: LoadedExperiment, settings: TuningSettings) -> Space:
    """The space, each end of which the experiment takes.

    Raises:
        ExperimentError: It does not.
    """
    given = settings.space or default_space(loaded.experiment.model.learner)
    space = space_of(given)
    known = {each.key for each in space.dimensions}
    for each in space.dimensions:
        for key in each.when:
            if key not in known and key not in flattened(loaded.experiment.model_dump(mode="json")):
                raise ExperimentError(
                    f"The condition of {each.key} is about {key}, which is neither searched nor "
                    "set.",
                    where="tuning.space",
                    mend=f"set {key}, or search it",
                )
        conditions = {key: values[0] for key, values in each.when.items()}
        for value in each.ends:
            with_settings(loaded, {**conditions, each.key: value})
    return space


def _objectives(ready: steps.Ready, settings: TuningSettings) -> tuple[str, ...]:
    names = settings.objectives or (ready.primary,)
    known = METRICS[ready.data.schema.task]
    for name in names:
        if name not in known and name not in COSTS:
            raise ExperimentError(
                f"{name} is neither a metric of a {ready.data.schema.task} task nor a cost.",
                where="tuning.objectives",
                mend=f"one of {', '.join([*known, *COSTS])}",
            )
    if len({*names}) < len(names):
        raise ExperimentError(
            "tuning.objectives names one twice.", where="tuning.objectives", mend="once each"
        )
    return names


def digest_of(loaded: LoadedExperiment) -> str:
    """Of what the experiment sets, but for what is not of the trials."""
    settings = loaded.experiment.model_dump(mode="json", exclude=set(_NOT_OF_TRIALS))
    settings["training"].pop("seeds", None)
    settings["data"].pop("source", None)  # another machine may have it elsewhere
    return sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
