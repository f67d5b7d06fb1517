"""The table of the audit log, beside MLflow's own tables: the database refuses to change a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TABLE = "assay_moves"
_COLUMNS = """
    id VARCHAR(32) PRIMARY KEY, name VARCHAR(256) NOT NULL, number INTEGER NOT NULL,
    moved_at VARCHAR(40) NOT NULL, who TEXT NOT NULL, action VARCHAR(16) NOT NULL,
    stage VARCHAR(16) NOT NULL, from_version INTEGER, to_version INTEGER, reason TEXT NOT NULL,
    override BOOLEAN NOT NULL, verdicts TEXT NOT NULL, digest TEXT NOT NULL, UNIQUE (name, number)
"""
_REFUSED = "the audit log is only appended to"
_SQLITE = (
    f"CREATE TRIGGER assay_moves_stay BEFORE DELETE ON {TABLE} "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    f"CREATE TRIGGER assay_moves_stand BEFORE UPDATE ON {TABLE} "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    # INSERT OR REPLACE deletes without asking the first of these
    f"CREATE TRIGGER assay_moves_once BEFORE INSERT ON {TABLE} "
    f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id "
    "OR (name = NEW.name AND number = NEW.number)) "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION assay_moves_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
    f"CREATE TRIGGER assay_moves_stay BEFORE UPDATE OR DELETE ON {TABLE} "
    "FOR EACH ROW EXECUTE FUNCTION assay_moves_refuse()",
    f"CREATE TRIGGER assay_moves_all_stay BEFORE TRUNCATE ON {TABLE} "
    "FOR EACH STATEMENT EXECUTE FUNCTION assay_moves_refuse()",
)
_ONE_MAKES_IT = 0x6173736179  # 'assay': a lock of PostgreSQL's, which no other program takes


def exists(connection: Any) -> bool:
    """Whether the database has the table yet."""
    import sqlalchemy

    return bool(sqlalchemy.inspect(connection).has_table(TABLE))


def ensure(connection: Any) -> None:
    """Create the table, with what guards it, in the first transaction that moves something."""
    if exists(connection):
        return
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_MAKES_IT})")
        if exists(connection):
            return
    connection.exec_driver_sql(f"CREATE TABLE {TABLE} ({_COLUMNS})")
    for each in _POSTGRESQL if is_postgresql else _SQLITE:
        connection.exec_driver_sql(each)


def names(connection: Any) -> list[str]:
    """The models of which something was ever moved."""
    if not exists(connection):
        return []
    asked = connection.exec_driver_sql(f"SELECT DISTINCT name FROM {TABLE} ORDER BY name")
    return [str(name) for (name,) in asked]


def append(connection: Any, record: Mapping[str, Any]) -> None:
    """Append one entry."""
    import sqlalchemy

    row = {**record, "moved_at": record["when"], "verdicts": json.dumps(record["verdicts"])}
    del row["when"]
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    connection.execute(
        sqlalchemy.text(f"INSERT INTO {TABLE} ({columns}) VALUES ({values})"),
        row,
    )


def read(connection: Any, name: str) -> list[dict[str, Any]]:
    """All entries of a model, oldest first."""
    import sqlalchemy

    if not exists(connection):
        return []
    asked = sqlalchemy.text(f"SELECT * FROM {TABLE} WHERE name = :name ORDER BY number")
    records = []
    for found in connection.execute(asked, {"name": name}).mappings():
        row = dict(found)
        row["when"] = row.pop("moved_at")
        row["override"] = bool(row["override"])
        row["verdicts"] = json.loads(row["verdicts"])
        records.append(row)
    return records
