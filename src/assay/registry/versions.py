"""Versions of models under a name, in MLflow's registry, with their lineage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assay.errors import InputError, NotFoundError
from assay.tracking.mlflow_client import (
    DIGEST,
    client,
    local_model,
    logged_model,
    model_of_run,
    told,
)
from assay.tracking.mlflow_experiments import every

ARCHIVED = "assay.archived"
"""The tag of a version that is put away: when that was done."""
SEMANTIC_VERSION = "assay.semantic_version"
_MODEL = "assay.model"
_LONGEST_NAME = 250


@dataclass(frozen=True)
class Version:
    """One registered version of a model.

    Attributes:
        name: The name it is registered under.
        version: Its number, counted from one.
        model_uri: The model it was made of: 'models:/m-...'.
        run_id: The run that trained it.
        created: When it was registered, ISO 8601, UTC.
        aliases: What it is also called, for example 'production'.
        digest: Digest of its files when they were saved.
        tags: Short texts.
    """

    name: str
    version: int
    model_uri: str
    run_id: str
    created: str
    aliases: tuple[str, ...]
    digest: str
    tags: Mapping[str, str]

    @property
    def semantic_version(self) -> str:
        """MAJOR.MINOR.PATCH, counted by what changed; empty if it was registered without Assay."""
        return self.tags.get(SEMANTIC_VERSION, "")

    @property
    def is_archived(self) -> bool:
        """Whether it is put away."""
        return ARCHIVED in self.tags

    @property
    def reference(self) -> str:
        """How to name it on the command line: NAME/VERSION."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class FoundModel:
    """A model that a reference means.

    Attributes:
        uri: Where it is: a URI of MLflow's, or a folder.
        digest: The digest its files must have; empty for a folder, of which none is known.
        tracking_uri: The store it is in; empty for a folder.
        version: The registered version; None if it is none.
    """

    uri: str
    digest: str
    tracking_uri: str
    version: Version | None = None

    def local(self, into: Path) -> Path:
        """Its folder, copied below `into` unless it is a local one anyway."""
        if not self.tracking_uri:
            return Path(self.uri)
        with told(self.tracking_uri):
            return local_model(self.tracking_uri, self.uri, into)


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

    Raises:
        InputError: The name cannot be one.
    """
    _refuse_name(name)
    with told(tracking_uri):
        asked = client(tracking_uri)
        for each in versions_of(tracking_uri, name):
            if each.model_uri == model_uri:
                return each
        with _racing():
            asked.create_registered_model(name)
        logged = logged_model(tracking_uri, model_uri)
        made = asked.create_model_version(
            name,
            # The place itself: for a URI MLflow would ask the store that is global to the process.
            source=logged.artifact_location,
            run_id=run_id,
            model_id=logged.model_id,  # a server accepts the place as that of this model only
            tags={DIGEST: digest, _MODEL: model_uri, **tags},
        )
        return _version(made, {})


def list_versions(tracking_uri: str) -> list[Version]:
    """All registered versions, by name, the newest first."""
    with told(tracking_uri):
        return [
            version for name in _names(tracking_uri) for version in versions_of(tracking_uri, name)
        ]


def find_model(tracking_uri: str, reference: str) -> FoundModel:
    """The model that NAME, NAME/VERSION, NAME@ALIAS, runs:/ID, models:/ID or a folder means.

    Raises:
        NotFoundError: There is none; the message names what there is.
    """
    if Path(reference).is_dir():
        return FoundModel(reference, "", "")
    with told(tracking_uri):
        if reference.startswith("runs:/"):
            run_id = reference.removeprefix("runs:/").split("/")[0]
            return FoundModel(*model_of_run(tracking_uri, run_id), tracking_uri)
        if reference.startswith("models:/m-"):
            digest = logged_model(tracking_uri, reference).tags.get(DIGEST, "")
            return FoundModel(reference, digest, tracking_uri)
        version = _registered(tracking_uri, reference.removeprefix("models:/"))
        return FoundModel(version.model_uri, version.digest, tracking_uri, version)


def registered_model(tracking_uri: str, name: str) -> Any:
    """What MLflow knows of all that is registered under a name; None if that is nothing."""
    from mlflow.exceptions import MlflowException

    try:
        return client(tracking_uri).get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def version_of(tracking_uri: str, name: str, number: int) -> Version:
    """One version by its number.

    Raises:
        NotFoundError: There is no such version.
    """
    with told(tracking_uri):
        return _registered(tracking_uri, f"{name}/{number}")


def _registered(tracking_uri: str, reference: str) -> Version:
    match = re.fullmatch(r"(?P<name>[^/@]+)(/(?P<number>\d+)|@(?P<alias>.+))?", reference)
    versions = versions_of(tracking_uri, match["name"]) if match else []
    if not match or not versions:
        raise _no_model(tracking_uri, reference)
    for version in versions:
        if match["number"] in (None, str(version.version)) and (
            match["alias"] is None or match["alias"] in version.aliases
        ):
            return version
    known = ", ".join(
        each.reference + "".join(f" @{alias}" for alias in each.aliases) for each in versions[:8]
    )
    raise NotFoundError(
        f"There is no model {reference!r}.", where=f"versions: {known}", mend=versions[0].reference
    )


def versions_of(tracking_uri: str, name: str) -> list[Version]:
    """All versions of a model, the newest first."""
    # MLflow's filters have no way to write a quote.
    wanted = {} if re.search(r"['\"\\]", name) else {"filter_string": f"name = '{name}'"}
    with told(tracking_uri):
        found = every(client(tracking_uri).search_model_versions, **wanted)
        # Aliases are told of a model, and of a single version, but not of versions searched for.
        model = registered_model(tracking_uri, name)
    aliases = {} if model is None else model.aliases
    mine = [_version(each, aliases) for each in found if each.name == name]
    return sorted(mine, key=lambda each: each.version, reverse=True)


def _names(tracking_uri: str) -> list[str]:
    return sorted(each.name for each in every(client(tracking_uri).search_registered_models))


def _version(found: Any, aliases: Mapping[str, Any]) -> Version:
    """One version, as MLflow tells it."""
    tags = dict(found.tags)
    number = int(found.version)
    return Version(
        name=found.name,
        version=number,
        model_uri=tags.pop(_MODEL, found.source),
        run_id=found.run_id,
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(
            timespec="seconds"
        ),
        aliases=tuple(sorted(name for name, of in aliases.items() if int(of) == number)),
        digest=tags.pop(DIGEST, ""),
        tags=tags,
    )


def _refuse_name(name: str) -> None:
    """Refuse what could not be told from NAME/VERSION, NAME@ALIAS, runs:/ID or a folder."""
    is_plain = name == name.strip() and name.isprintable() and not name.startswith(".")
    if not (is_plain and 0 < len(name) <= _LONGEST_NAME) or re.search(r"[/:@\\]", name):
        short = re.sub(r"[^\w.' -]+", "-", name)[:_LONGEST_NAME].strip("-. ")
        raise InputError(
            f"{name!r} cannot be the name of a model.",
            mend=f"use letters, digits, '.', '_' and '-': {short or 'model'}",
        )


def _no_model(tracking_uri: str, reference: str) -> NotFoundError:
    names = _names(tracking_uri)
    close = get_close_matches(reference, names, n=1)
    if not names:
        return NotFoundError(
            f"There is no model {reference!r}: none is registered.",
            mend="assay register last --as NAME, or name a folder",
        )
    return NotFoundError(
        f"There is no model {reference!r}.",
        where=f"models: {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}",
        mend=close[0] if close else names[0],
    )


@contextmanager
def _racing() -> Iterator[None]:
    """Two who create the same name at once, or one who comes second, both go on."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
