"""Registering: a run's model becomes the next version under a name, bound to it, and numbered."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from assay.errors import InputError
from assay.provenance import account
from assay.registry import stages
from assay.registry.database import alone
from assay.registry.numbering import numbered
from assay.registry.versions import MODEL, SEMANTIC_VERSION, Version, version_from, versions_of
from assay.tracking.mlflow_client import DIGEST, client, logged_model, told

T = TypeVar("T")

_LONGEST_NAME = 250
_ATTEMPTS = 20
_PAUSE_S = 0.2


def register(
    tracking_uri: str,
    model_uri: str,
    *,
    name: str,
    run_id: str,
    digest: str,
    tags: Mapping[str, str],
) -> Version:
    """Register a model under a name; the same model is registered once.

    Args:
        tracking_uri: The store.
        model_uri: The logged model, which the version is bound to.
        name: The name.
        run_id: The run that trained it.
        digest: Of its files.
        tags: What it carries; `numbering` says what its semantic version is made of.

    Raises:
        InputError: The name cannot be one.
    """
    _refuse_name(name)
    with told(tracking_uri):
        asked = client(tracking_uri)
        with alone(tracking_uri, name):
            known = _known(tracking_uri, name, model_uri)
            if known is None:
                with _racing():
                    asked.create_registered_model(name)
                carried = {DIGEST: digest, MODEL: model_uri, **tags}
                made = _created(tracking_uri, name, model_uri, run_id, carried)
                known = _only(tracking_uri, made)
        _once_more(partial(_bind, tracking_uri, known))
        return _once_more(partial(_with_number, tracking_uri, known))


def _known(tracking_uri: str, name: str, model_uri: str) -> Version | None:
    """The version that was made of a model: the first, should there be several."""
    found = (each for each in versions_of(tracking_uri, name) if each.model_uri == model_uri)
    return min(found, key=lambda each: each.version, default=None)


def _only(tracking_uri: str, made: Version) -> Version:
    """The version that was made, or that of who was first, in whose favour ours is deleted.

    A server lets in two at once. Versions are counted up, so that of two who made one each the
    later one sees both, and both keep the same.
    """
    first = _known(tracking_uri, made.name, made.model_uri) or made
    if first.version < made.version:
        why = f"the same model was registered at the same time as version {first.version}"
        with suppress(InputError):  # it is in use already, and stays
            stages.delete(tracking_uri, made.name, made.version, by=account(), reason=why)
    return first if first.version < made.version else made


def _created(
    tracking_uri: str, name: str, model_uri: str, run_id: str, tags: Mapping[str, str]
) -> Version:
    """The next version. Of many who register at once MLflow turns some away, who come again."""
    from mlflow.exceptions import MlflowException

    asked, logged = client(tracking_uri), logged_model(tracking_uri, model_uri)
    for attempt in range(_ATTEMPTS):
        try:
            made = asked.create_model_version(
                name,
                # The place itself: for a URI MLflow would ask the store that is global.
                source=logged.artifact_location,
                run_id=run_id,
                model_id=logged.model_id,  # a server accepts the place as that of this model only
                tags=dict(tags),
            )
        except MlflowException as error:
            if attempt + 1 == _ATTEMPTS or not _is_crowded(error):
                raise
            time.sleep(_PAUSE_S * random.uniform(0.1, 1))
            known = _known(tracking_uri, name, model_uri)  # it may have been heard all the same
            if known is not None:
                return known
        else:
            return version_from(made, {})
    raise AssertionError


def _bind(tracking_uri: str, version: Version) -> None:
    """Let the logged model know its version, as a server and MLflow's `register_model` do."""
    from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

    logged = logged_model(tracking_uri, version.model_uri)
    bound = json.loads(logged.tags.get(MLFLOW_MODEL_VERSIONS, "[]"))
    if any((each["name"], str(each["version"])) == (version.name, str(version.version))
           for each in bound):  # fmt: skip
        return
    bound.append({"name": version.name, "version": version.version})
    tags = {MLFLOW_MODEL_VERSIONS: json.dumps(bound)}
    client(tracking_uri).set_logged_model_tags(logged.model_id, tags)


def _is_crowded(error: Any) -> bool:
    """Whether it was refused because of others, so that it may be taken another time."""
    return error.error_code == "TEMPORARILY_UNAVAILABLE" or "Giving up after" in str(error)


def _with_number(tracking_uri: str, version: Version) -> Version:
    """The version with its semantic version, which follows from those before it."""
    if version.semantic_version:
        return version
    upto = [
        each for each in versions_of(tracking_uri, version.name) if each.version <= version.version
    ]
    number = numbered(upto)
    if not number:
        return version
    client(tracking_uri).set_model_version_tag(
        version.name, str(version.version), SEMANTIC_VERSION, number
    )
    return replace(version, tags={**version.tags, SEMANTIC_VERSION: number})


def _refuse_name(name: str) -> None:
    """Refuse what could not be told from NAME/VERSION, NAME@ALIAS, runs:/ID or a folder."""
    is_plain = name == name.strip() and name.isprintable() and not name.startswith(".")
    if not (is_plain and 0 < len(name) <= _LONGEST_NAME) or re.search(r"[/:@\\]", name):
        short = re.sub(r"[^\w.' -]+", "-", name)[:_LONGEST_NAME].strip("-. ")
        raise InputError(
            f"{name!r} cannot be the name of a model.",
            mend=f"use letters, digits, '.', '_' and '-': {short or 'model'}",
        )


def _once_more(write: Callable[[], T]) -> T:
    """Of two who write the same at once a store turns one away, who finds it written then."""
    from mlflow.exceptions import MlflowException

    try:
        return write()
    except MlflowException:
        return write()


@contextmanager
def _racing() -> Iterator[None]:
    """Two who create the same name at once, or one who comes second, both go on."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
