"""The place: where a verb finds and leaves things, that is workspace, store of runs and vault."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from assay.data.ledger import Ledger
from assay.data.vault import Vault
from assay.errors import NotFoundError, TrackingError
from assay.experiment.variables import substituted
from assay.provenance import HIDDEN, masked
from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Recorder
from assay.tracking.store import Store
from assay.workspace import WORKSPACE_VARIABLE, Workspace

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class Place:
    """Where runs, models, reports and sealed rows are.

    Attributes:
        workspace: The folder.
        store: The store of runs.
        vault: The sealed test sets.
        uri: Tracking URI of the registry.
        address: The tracking URI as it may be written down: with ${VAR}, without credentials.
    """

    workspace: Workspace
    store: Store
    vault: Vault
    uri: str
    address: str

    @classmethod
    def to_begin(cls, uri: str | None, store: Store | None) -> Place:
        """Where a new run goes; what does not exist yet is created.

        Args:
            uri: The tracking URI as the experiment names it: with ${VAR}.
            store: A store to use instead.
        """
        workspace = Workspace.find().ensure()
        uri = uri or os.environ.get(TRACKING_VARIABLE) or workspace.own_tracking_uri
        return cls._of(workspace, uri, store)

    @classmethod
    def to_find(cls, store: Store | None = None) -> Place:
        """Where earlier runs are; nothing is created.

        Raises:
            NotFoundError: There is no workspace here.
            TrackingError: The store of runs needs a password that is not in the environment.
        """
        workspace = Workspace.find()
        if not workspace.exists and store is None and TRACKING_VARIABLE not in os.environ:
            raise NotFoundError(
                "There is no workspace here: nothing has been trained yet.",
                where=str(workspace.root),
                mend=f"assay train EXPERIMENT, or name the workspace: {WORKSPACE_VARIABLE}=FOLDER",
            )
        uri = os.environ.get(TRACKING_VARIABLE) or workspace.tracking_uri
        return cls._of(workspace, uri, store)

    def begin(self, experiment: str, name: str, tags: Mapping[str, str]) -> Recorder:
        """Begin a run; from now on this is where runs are looked for."""
        recorder = self.store.begin(experiment, name, tags)
        if isinstance(self.store, MlflowStore):
            self.workspace.remember(self.address)
        return recorder

    @classmethod
    def _of(cls, workspace: Workspace, written: str, store: Store | None) -> Place:
        vault = Vault(workspace.vault_folder, Ledger.of_user())
        if isinstance(store, MlflowStore):
            return cls(workspace, store, vault, store.uri, masked(store.uri))
        if store is not None:
            return cls(workspace, store, vault, written, written)
        is_own = written == workspace.own_tracking_uri
        uri, address = (written, written) if is_own else (_resolved(written), masked(written))
        return cls(workspace, MlflowStore(uri, workspace.artifacts_folder), vault, uri, address)


def _resolved(written: str) -> str:
    """The tracking URI with what it reads from the environment."""
    uri, missing = substituted(written)
    if missing:
        raise TrackingError(
            f"The store of runs needs the environment variable {missing[0]}, which is not set.",
            where=masked(written),
            mend=f"export {missing[0]}=...",
        )
    if HIDDEN in uri:
        raise TrackingError(
            "The store of runs needs a password, which is never written down.",
            where=uri,
            mend=f"export {TRACKING_VARIABLE}=..., or name the password as ${{VAR}} in "
            "tracking.uri and train again",
        )
    return uri
