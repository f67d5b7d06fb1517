"""Moving a version in a database of ours: checked, moved and logged in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assay.errors import ConflictError
from assay.registry import audit_table
from assay.registry.audit import ENTRY, Move, as_tags, joined
from assay.registry.changes import Change, Standing, entry_of
from assay.registry.claims import Watch, left_behind
from assay.registry.database import transaction
from assay.registry.versions import ARCHIVED
from assay.tracking.mlflow_client import client, told


def apply(tracking_uri: str, change: Change) -> Move:
    """Make the change, or leave everything as it was.

    Raises:
        InputError: As `entry_of`.
        TrackingError: The database refuses.
    """
    watch = Watch(change.name)
    with told(tracking_uri):
        client(tracking_uri)  # creates a database that is not there yet, and says what is wrong
        while True:
            with transaction(tracking_uri) as connection:
                audit_table.ensure(connection)
                tables = _Tables(connection, change.name)
                tables.lock()
                now = tables.standing()
                if not watch.open(now.model_tags):  # of those who come through a server
                    return _made(tables, change, now)
            watch.pause()


def _made(tables: _Tables, change: Change, now: Standing) -> Move:
    missing, keys = left_behind(now)
    for each in missing:
        tables.tag(each)  # a claim is a tag too: it does not get into what is trusted
    tables.forget(keys)
    entry = entry_of(change, replace(now, log=[*now.log, *missing]))
    if change.is_of_alias:
        tables.move_alias(change)
    else:
        tables.put_away(change, entry.when)
    tables.log(entry)
    return entry


class _Tables:
    """MLflow's own tables, as the installed MLflow describes them, for one model in a transaction.

    What SQLite and PostgreSQL need for this is the same but for the lock.
    """

    def __init__(self, connection: Any, name: str) -> None:
        from mlflow.store.model_registry.dbmodels import models

        self._connection = connection
        self._name = name
        self._models = models.SqlRegisteredModel.__table__
        self._tags = models.SqlRegisteredModelTag.__table__
        self._aliases = models.SqlRegisteredModelAlias.__table__
        self._versions = models.SqlModelVersion.__table__
        self._version_tags = models.SqlModelVersionTag.__table__

    def lock(self) -> None:
        """Let nobody else move, register or tag under this name until the transaction ends.

        PostgreSQL needs to be told; of SQLite the whole database is locked already.
        """
        self._all(_select(self._models.c.name, of=self._of(self._models)).with_for_update())

    def standing(self) -> Standing:
        """How things stand, which nobody else can change any more."""
        alias, tag = self._aliases.c, self._tags.c
        aliases = self._all(_select(alias.alias, alias.version, of=self._of(self._aliases)))
        tags = dict(self._all(_select(tag.key, tag.value, of=self._of(self._tags))))
        return Standing(
            aliases=dict(aliases),
            model_tags=tags,
            log=joined(audit_table.read(self._connection, self._name), tags),
            tags_of=self._tags_of,
        )

    def _tags_of(self, version: int) -> dict[str, str] | None:
        from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL

        column, tag = self._versions.c, self._version_tags.c
        here = [*self._of(self._versions), column.version == version]
        is_there = column.current_stage != STAGE_DELETED_INTERNAL
        if not self._all(_select(column.version, of=[*here, is_there]).with_for_update()):
            return None
        tagged = [*self._of(self._version_tags), tag.version == version]
        return dict(self._all(_select(tag.key, tag.value, of=tagged)))

    def move_alias(self, change: Change) -> None:
        """Move the alias, from whoever holds it in this very moment."""
        if change.expected is None:
            self._insert(self._aliases, alias=change.stage, version=change.version)
            return
        column = self._aliases.c
        held = [column.alias == change.stage, column.version == change.expected]
        asked = self._aliases.update().where(*self._of(self._aliases), *held)
        if self._connection.execute(asked.values(version=change.version)).rowcount != 1:
            raise ConflictError(
                f"{change.name}@{change.stage} was moved outside Assay in this very moment.",
                mend=f"look at what holds it now, and decide again: assay models {change.name}",
            )

    def put_away(self, change: Change, when: str) -> None:
        """Archive a version, or take it out of the archive."""
        column = self._version_tags.c
        tagged = [column.version == change.version, column.key == ARCHIVED]
        asked = self._version_tags.delete().where(*self._of(self._version_tags), *tagged)
        self._connection.execute(asked)
        if change.action != "restore":
            self._insert(self._version_tags, version=change.version, key=ARCHIVED, value=when)

    def log(self, entry: Move) -> None:
        """Append to the log: in the table that stays, and where plain MLflow sees it."""
        audit_table.append(self._connection, entry.record())
        self.tag(entry)

    def tag(self, entry: Move) -> None:
        """Enter it where a server would have: what is done through one is in tags only."""
        for key, value in as_tags(entry, ENTRY).items():
            self._insert(self._tags, key=key, value=value)

    def forget(self, keys: Sequence[str]) -> None:
        """Delete tags of the model."""
        if keys:
            asked = self._tags.delete().where(*self._of(self._tags), self._tags.c.key.in_(keys))
            self._connection.execute(asked)

    def _all(self, asked: Any) -> list[Any]:
        return [tuple(each) for each in self._connection.execute(asked)]

    def _insert(self, table: Any, **values: Any) -> None:
        from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

        values |= {"workspace": DEFAULT_WORKSPACE_NAME, "name": self._name}
        self._connection.execute(table.insert(), values)

    def _of(self, table: Any) -> list[Any]:
        from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

        return [table.c.name == self._name, table.c.workspace == DEFAULT_WORKSPACE_NAME]


def _select(*columns: Any, of: Sequence[Any]) -> Any:
    import sqlalchemy

    return sqlalchemy.select(*columns).where(*of)
