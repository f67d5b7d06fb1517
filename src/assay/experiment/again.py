"""Asking again: what a run was asked for, as it was recorded, to the letter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from assay.errors import InputError, LearnerError, NotFoundError, UnsafeModelError
from assay.experiment.asking import Asked, make_importable
from assay.experiment.finding import Found, Known
from assay.experiment.recipe import LEARNER_DIGEST, LEARNER_FILE
from assay.learners.adapt import adapt, resolve_learner, trained_as
from assay.learners.own import is_network_class, path_of
from assay.learners.protocol import Learner
from assay.learners.trust import load_skops, untrusted_types
from assay.provenance import HIDDEN
from assay.tracking.store import Store

_MAY_BE_HIDDEN = ("tracking", "registry")
_OF_THE_SOURCE = ("data.source", "data.query")


def asked_again(
    known: Known,
    found: Found,
    *,
    learner: Any,
    about: Mapping[str, Any],
    uri: str | None,
    verb: str,
    called: str = "",
    tags: Mapping[str, str] | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> Asked:
    """What a run was asked, to be asked again.

    Args:
        known: The run.
        found: Its data.
        learner: The learner, where it was handed over as an object that cannot be recorded.
        about: Provenance of this process.
        uri: The store, as an experiment names it; None for the one at hand.
        verb: How to give the learner again, for the error.
        called: What the run is to be called.
        tags: What else it is to be found by.
        fixed: What the fit takes over, where rows are held out.

    Raises:
        LearnerError: The learner was an object that could not be recorded, and is not given.
    """
    settings = {**known.recipe.settings, "data": _data_block(known)}
    settings["tracking"] = {**settings.get("tracking", {}), "uri": uri}
    recipe = replace(known.recipe, settings=settings)
    folder = Path(recipe.folder)
    make_importable(folder if folder.is_dir() else Path.cwd())
    loaded = recipe.loaded(known.text)
    given = _given(known, learner, verb)
    return Asked(
        loaded,
        found.table,
        found.where,
        trained_as(
            given or resolve_learner(loaded.experiment.model),
            recipe.training or loaded.experiment.training.of_the_loop,
        ),
        about,
        found.version,
        time.perf_counter(),
        is_given=given is not None and not _is_named(learner, loaded.experiment.model.learner),
        called=called,
        tags=tags or {},
        fixed=fixed or {},
    )


def recorded_learner(store: Store, run_id: str, scratch: Path, *, mend: str) -> Path | None:
    """The estimator that a run recorded, if it is what was recorded: then it holds what it held.

    Raises:
        UnsafeModelError: It was changed since.
    """
    try:
        path = store.fetch(run_id, LEARNER_FILE, scratch)
    except NotFoundError:
        return None
    digest, record = sha256(path.read_bytes()).hexdigest(), store.get(run_id)
    if record.tags.get(LEARNER_DIGEST) != digest:
        raise UnsafeModelError(
            f"The learner of {record.name} was changed after it was recorded.",
            where=f"run {run_id}: {LEARNER_FILE}",
            mend=mend,
        )
    return path


def refuse_hidden(known: Known) -> None:
    """Refuse what cannot be asked for again: a secret is recorded nowhere.

    Raises:
        InputError: A setting that training needs is one.
    """
    blocks = {k: v for k, v in known.recipe.settings.items() if k not in _MAY_BE_HIDDEN}
    for key, value in _texts(blocks):
        if HIDDEN in value and key not in _OF_THE_SOURCE:
            raise InputError(
                f"{key} was a secret that is recorded nowhere, so it cannot be set again.",
                where=f"run {known.reference}: {key}: {value}",
                mend=f"let the file read it from the environment, {key}: ${{VAR}}, and train again",
            )


def _data_block(known: Known) -> dict[str, Any]:
    """The `data` block; the source, which was found, needs no variables any more."""
    data = dict(known.recipe.settings["data"])
    return {**data, "source": data["source"].replace("${", "$${")}


def _given(known: Known, learner: Any, verb: str) -> Learner | None:
    """The learner that was handed over as an object; None where the settings name it."""
    if learner is not None:
        return adapt(learner, known.recipe.settings["model"].get("options"))
    if not known.recipe.given:
        return None
    if known.learner is None:
        raise LearnerError(
            f"The learner of {known.reference} was handed over as an object and is not recorded.",
            where=f"model.learner: {known.recipe.settings['model']['learner']}",
            mend=f"give it again: {verb}\n"
            "or train with one that has a name: learner='package.module:factory'",
        )
    return adapt(load_skops(known.learner, untrusted_types(known.learner)))  # its digest is known


def _is_named(learner: Any, path: str) -> bool:
    """Whether it is the class of networks that a path leads to."""
    return is_network_class(learner) and path_of(learner) == path


def _texts(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in nested settings, with its dotted key."""
    if isinstance(settings, Mapping):
        for name, inner in settings.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(settings, list | tuple):
        for each in settings:
            yield from _texts(each, key)
    elif isinstance(settings, str):
        yield key, settings
