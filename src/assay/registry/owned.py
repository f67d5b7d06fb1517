"""Moving a version in a database of ours: checked, moved and logged in one transaction."""

from __future__ import annotations

from typing import Any

from assay.errors import ConflictError
from assay.registry import audit_table
from assay.registry.audit import ENTRY, Move, as_tags, joined
from assay.registry.changes import Change, Standing, entry_of
from assay.registry.database import transaction
from assay.registry.versions import ARCHIVED
from assay.tracking.mlflow_client import told


def apply(tracking_uri: str, change: Change) -> Move:
    """Make the change, or leave everything as it was.

    Raises:
        InputError: As `entry_of`.
        TrackingError: The database refuses.
    """
    with told(tracking_uri), transaction(tracking_uri) as connection:
        audit_table.ensure(connection)
        tables = _Tables()
        tables.lock(connection, change.name)
        entry = entry_of(change, tables.standing(connection, change))
        if change.is_of_alias:
            tables.move_alias(connection, change)
        else:
            tables.put_away(connection, change, entry.when)
        audit_table.append(connection, entry.as_dict())
        for key, value in as_tags(entry, ENTRY).items():
            tables.insert(connection, tables.tags, name=change.name, key=key, value=value)
        return entry


class _Tables:
    """MLflow's own tables of the registry, as the installed MLflow describes them."""

    def __init__(self) -> None:
        from mlflow.store.model_registry.dbmodels import models

        self.models = models.SqlRegisteredModel.__table__
        self.tags = models.SqlRegisteredModelTag.__table__
        self.aliases = models.SqlRegisteredModelAlias.__table__
        self.versions = models.SqlModelVersion.__table__
        self.version_tags = models.SqlModelVersionTag.__table__

    def lock(self, connection: Any, name: str) -> None:
        """Let nobody else move, register or tag under this name until the transaction ends.

        PostgreSQL needs to be told; of SQLite the whole database is locked already.
        """
        import sqlalchemy

        asked = sqlalchemy.select(self.models.c.name).where(*self._of(self.models, name))
        connection.execute(asked.with_for_update()).all()

    def standing(self, connection: Any, change: Change) -> Standing:
        """How things stand, which nobody can change any more."""
        import sqlalchemy

        def pairs(first: Any, second: Any, *where: Any) -> dict[Any, Any]:
            found = connection.execute(sqlalchemy.select(first, second).where(*where))
            return {key: value for key, value in found}

        name, alias, tag = change.name, self.aliases.c, self.version_tags.c
        tags = pairs(self.tags.c.key, self.tags.c.value, *self._of(self.tags, name))
        of_version = [*self._of(self.version_tags, name), tag.version == change.version]
        return Standing(
            aliases=pairs(alias.alias, alias.version, *self._of(self.aliases, name)),
            tags=pairs(tag.key, tag.value, *of_version) if self._has(connection, change) else None,
            log=joined(audit_table.read(connection, name), tags),
        )

    def _has(self, connection: Any, change: Change) -> bool:
        import sqlalchemy
        from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL

        column = self.versions.c
        asked = sqlalchemy.select(column.version).where(
            *self._of(self.versions, change.name),
            column.version == change.version,
            column.current_stage != STAGE_DELETED_INTERNAL,
        )
        return bool(connection.execute(asked.with_for_update()).all())

    def move_alias(self, connection: Any, change: Change) -> None:
        """Move the alias, from whoever holds it in this very moment."""
        import sqlalchemy

        if change.expected is None:
            named = {"name": change.name, "alias": change.stage, "version": change.version}
            self.insert(connection, self.aliases, **named)
            return
        column = self.aliases.c
        moved = connection.execute(
            sqlalchemy.update(self.aliases)
            .where(
                *self._of(self.aliases, change.name),
                column.alias == change.stage,
                column.version == change.expected,
            )
            .values(version=change.version)
        )
        if moved.rowcount != 1:
            raise ConflictError(
                f"{change.name}@{change.stage} was moved outside Assay in this very moment.",
                mend=f"look at what holds it now, and decide again: assay models {change.name}",
            )

    def put_away(self, connection: Any, change: Change, when: str) -> None:
        """Archive a version, or take it out of the archive."""
        import sqlalchemy

        column = self.version_tags.c
        connection.execute(
            sqlalchemy.delete(self.version_tags).where(
                *self._of(self.version_tags, change.name),
                column.version == change.version,
                column.key == ARCHIVED,
            )
        )
        if change.action != "restore":
            tagged = {"version": change.version, "key": ARCHIVED, "value": when}
            self.insert(connection, self.version_tags, name=change.name, **tagged)

    def insert(self, connection: Any, table: Any, **values: Any) -> None:
        from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

        connection.execute(table.insert(), {"workspace": DEFAULT_WORKSPACE_NAME, **values})

    def _of(self, table: Any, name: str) -> tuple[Any, ...]:
        from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

        return table.c.name == name, table.c.workspace == DEFAULT_WORKSPACE_NAME
