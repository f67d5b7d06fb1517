"""The place: where a verb finds and leaves things, that is workspace, store of runs and vault."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.data.ledger import Ledger
from assay.data.vault import Vault
from assay.errors import NotFoundError, TrackingError
from assay.experiment.variables import substituted
from assay.monitor import Announce, AssayWarning, silent
from assay.provenance import HIDDEN, masked
from assay.tracking.leftovers import Sent, send_left
from assay.tracking.mirror import Mirror
from assay.tracking.mirrors import mirrors_of
from assay.tracking.mlflow import MlflowStore
from assay.tracking.mlflow_client import database_of
from assay.tracking.recorded import Recorded
from assay.tracking.recorder import Status, now
from assay.tracking.routes import Routes
from assay.tracking.settings import TrackingSettings
from assay.tracking.spool import About, Spool, left
from assay.tracking.spooled import Session, SpooledRecorder
from assay.tracking.store import RunRecord, Store
from assay.workspace import WORKSPACE_VARIABLE, Workspace, is_writable

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
_GIVEN = "store:"
"""How the address of a store begins that was handed over as an object."""


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

    @property
    def is_handed_over(self) -> bool:
        """Whether the store was handed over as an object, so that no address leads to it."""
        return self.address.startswith(_GIVEN)

    @classmethod
    def to_begin(cls, uri: str | None, store: Store | None, artifacts: str | None = None) -> Place:
        """Where a new run goes; what does not exist yet is created.

        Args:
            uri: The tracking URI as the experiment names it: with ${VAR}.
            store: A store to use instead.
            artifacts: Where a new experiment keeps files, if no server decides that.
        """
        workspace = Workspace.find().ensure()
        uri = uri or os.environ.get(TRACKING_VARIABLE) or workspace.own_tracking_uri
        return cls._of(workspace, uri, store, artifacts)

    @classmethod
    def to_find(cls, store: Store | None = None, *, settles: bool = True) -> Place:
        """Where earlier runs are; nothing is created.

        Args:
            store: A store to use instead.
            settles: Whether to send first what killed processes have left, if that can be done.

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
        place = cls._of(workspace, uri, store)
        if settles:
            for each in place.settle(patience_s=0).notices:
                warnings.warn(AssayWarning(each), stacklevel=3)
        return place

    def begin(
        self,
        experiment: str,
        name: str,
        tags: Mapping[str, str],
        *,
        mirrors: Mapping[str, Any] | None = None,
        announce: Announce = silent,
    ) -> SpooledRecorder:
        """Begin a run; from now on this is where runs are looked for.

        Args:
            experiment: The experiment it belongs to.
            name: What to call it; a name that is taken gets a number.
            tags: Short texts.
            mirrors: The settings in `tracking` that say who is told as well, with ${VAR}.
            announce: Told of what goes wrong, and of the end that is waited for.

        Raises:
            TrackingError: The store cannot be reached; later on that would stop nothing.
        """
        run_id = self.store.begin(experiment, name, tags).run_id
        if isinstance(self.store, MlflowStore):
            self.workspace.remember(self.address)
        about = replace(self._about(self.store.get(run_id), tags), mirrors=mirrors or {})
        return self._recorder(about, announce)

    def resume(
        self,
        run_id: str,
        known: Recorded,
        *,
        mirrors: Mapping[str, Any] | None = None,
        announce: Announce = silent,
    ) -> SpooledRecorder:
        """Go on with a run that has ended, or whose process is gone.

        Args:
            run_id: The run.
            known: What it has recorded, which is not recorded again.
            mirrors: As for `begin`.
            announce: As for `begin`.

        Raises:
            TrackingError: The store cannot be reached.
        """
        self.store.resume(run_id)
        for child in self.store.children(run_id):
            if child.status is not Status.FINISHED:
                self.store.resume(child.run_id)
        record = self.store.get(run_id)
        about = replace(self._about(record, record.tags), mirrors=mirrors or {})
        return self._recorder(about, announce, known)

    def unsent(self, run_id: str) -> bool:
        """Whether something that a run recorded has not reached the store, or it is recording."""
        for folder in left(self.workspace.spool_folder):
            if not folder.name.startswith(f"{run_id}-"):
                continue
            spool = Spool.take_over(folder)
            if spool is None:
                return True
            waits = spool.sent("store") < spool.log.size
            spool.close(keep=True)
            if waits:
                return True
        return False

    @property
    def named(self) -> str | None:
        """The tracking URI as an experiment names it; None where it names none."""
        is_own = self.address == self.workspace.own_tracking_uri
        is_unnamed = is_own or self.is_handed_over or TRACKING_VARIABLE in os.environ
        return None if is_unnamed else self.address

    def attach(self, run_id: str, announce: Announce = silent) -> SpooledRecorder:
        """The recorder of a run that has ended; to be closed."""
        about = self._about(self.store.get(run_id), {})
        return self._recorder(replace(about, begins=False), announce)

    def settle(self, patience_s: float, announce: Announce = silent) -> Sent:
        """Send what earlier processes have left, to wherever it was to go."""
        if not self.workspace.spool_folder.is_dir() or not is_writable(self.workspace.root):
            return Sent((), (), ())
        return send_left(
            self.workspace.spool_folder,
            self._routes_of,
            patience_s=patience_s,
            announce=announce,
        )

    def _about(self, record: RunRecord, tags: Mapping[str, str]) -> About:
        return About(
            run_id=record.run_id,
            name=record.name,
            experiment=record.experiment,
            created=now(),
            address=self.address,
            tags=tags,
        )

    def _recorder(
        self, about: About, announce: Announce, known: Recorded | None = None
    ) -> SpooledRecorder:
        below = self.workspace.ensure().spool_folder
        session = Session(below, about, self._routes_of(about), announce)
        assert session.spool.about == about  # it is there from now on, whatever happens
        return SpooledRecorder(session, known=known or Recorded())

    def _routes_of(self, about: About) -> Routes:
        if about.address.startswith(_GIVEN) and not self._has(about):
            raise TrackingError(
                "It waits for the store that it was given to.",
                where=about.address.removeprefix(_GIVEN),
                mend="assay.runs(store=...)",
            )
        is_here = about.address == self.address
        store = self.store if is_here else self._of(self.workspace, about.address, None).store
        return Routes(store, self.workspace.mirrors_folder, _mirrors_of(about.mirrors))

    def _has(self, about: About) -> bool:
        """Whether the run is in the store at hand."""
        if about.address != self.address:
            return False
        try:
            return bool(self.store.get(about.run_id))
        except NotFoundError:
            return False

    @classmethod
    def _of(
        cls, workspace: Workspace, written: str, store: Store | None, artifacts: str | None = None
    ) -> Place:
        vault = Vault(workspace.vault_folder, Ledger.of_user())
        if isinstance(store, MlflowStore):
            return cls(workspace, store, vault, store.uri, masked(store.uri))
        if store is not None:
            address = f"{_GIVEN}{type(store).__module__}.{type(store).__qualname__}"
            return cls(workspace, store, vault, written, address)
        written = _absolute(written)
        is_own = written == workspace.own_tracking_uri
        uri, address = (written, written) if is_own else (_resolved(written), masked(written))
        files = artifacts or workspace.artifacts_folder
        return cls(workspace, MlflowStore(uri, files), vault, uri, address)


def _absolute(uri: str) -> str:
    """The address of a file as it is from anywhere."""
    database = database_of(uri)
    if database is None or "${" in uri or database.is_absolute():
        return uri
    return uri.replace(str(database), str(database.absolute()), 1)


def _mirrors_of(written: Mapping[str, Any]) -> tuple[Mirror, ...]:
    """The mirrors that these settings ask for, with what they read from the environment."""
    if not written:
        return ()
    text, missing = substituted(json.dumps(dict(written)))
    if missing:
        raise TrackingError(
            f"A mirror needs the environment variable {missing[0]}, which is not set.",
            where="tracking",
            mend=f"export {missing[0]}=...",
        )
    return tuple(mirrors_of(TrackingSettings(**json.loads(text))))


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
