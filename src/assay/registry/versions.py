"""Versions of models under a name, in MLflow's registry: what there is, and which is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assay.errors import NotFoundError
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
MODEL = "assay.model"
"""The tag that says which logged model a version was made of."""


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

    def as_dict(self) -> dict[str, Any]:
        """As `--json` gives it."""
        own = {"semantic_version": self.semantic_version, "archived": self.is_archived}
        return {**vars(self), "aliases": list(self.aliases), "tags": dict(self.tags), **own}


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


def list_versions(tracking_uri: str) -> list[Version]:
    """All registered versions, by name, the newest first."""
    return [each for _, versions in catalogue(tracking_uri) for each in versions]


def catalogue(tracking_uri: str) -> list[tuple[Any, list[Version]]]:
    """Every registered model, as MLflow knows it, with its versions, the newest first."""
    with told(tracking_uri):
        asked = client(tracking_uri)
        models = list(every(asked.search_registered_models))
        by_name: dict[str, list[Version]] = {each.name: [] for each in models}
        aliases = {each.name: each.aliases for each in models}
        for found in every(asked.search_model_versions):
            if found.name in by_name:  # else it was created in between
                by_name[found.name].append(version_from(found, aliases[found.name]))
    return [
        (each, sorted(by_name[each.name], key=lambda version: -version.version))
        for each in sorted(models, key=lambda model: model.name)
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

    with told(tracking_uri):
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
        raise no_model(tracking_uri, reference)
    meant = [
        version
        for version in versions
        if match["number"] in (None, str(version.version))
        and (match["alias"] is None or match["alias"] in version.aliases)
    ]
    if meant:  # the newest, but not one that is put away while there are others
        return next((each for each in meant if not each.is_archived), meant[0])
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
    mine = [version_from(each, aliases) for each in found if each.name == name]
    return sorted(mine, key=lambda each: each.version, reverse=True)


def _names(tracking_uri: str) -> list[str]:
    return sorted(each.name for each in every(client(tracking_uri).search_registered_models))


def version_from(found: Any, aliases: Mapping[str, Any]) -> Version:
    """One version, as MLflow tells it."""
    tags = dict(found.tags)
    number = int(found.version)
    return Version(
        name=found.name,
        version=number,
        model_uri=tags.pop(MODEL, found.source),
        run_id=found.run_id,
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(
            timespec="seconds"
        ),
        aliases=tuple(sorted(name for name, of in aliases.items() if int(of) == number)),
        digest=tags.pop(DIGEST, ""),
        tags=tags,
    )


def no_model(tracking_uri: str, reference: str) -> NotFoundError:
    """The error that says which models there are instead."""
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
