"""The audit log: whole in tags of any length, and in a table that refuses to be changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from assay.errors import TrackingError
from assay.registry import audit_table, stages
from assay.registry.audit import ENTRY, Move, as_tags, from_tags, history
from assay.registry.database import transaction
from assay.tracking.mlflow_client import client
from tests.registry.stores import DATABASES, SQLITE

ONE = Move(1, "a1", "2026-11-28T07:00:00+00:00", "ann", "it", "move", "production", None, 2,
           "better 'than' \" \\ ü", False, (), "d")  # fmt: skip


def test_entries_of_any_length_go_through_tags_and_back() -> None:
    long = replace(ONE, number=2, id="b2", verdicts=({"evidence": "ü" * 30_000},))
    tags = {**as_tags(long, ENTRY), **as_tags(ONE, ENTRY), "team": "fraud"}
    assert from_tags(tags, ENTRY) == [ONE, long]
    assert max(map(len, tags.values())) <= 5000, "MLflow's column holds no more"
    part = next(key for key in tags if "b2.3of" in key)
    assert from_tags({key: text for key, text in tags.items() if key != part}, ENTRY) == [ONE]
    assert from_tags({**tags, part: "spoilt"}, ENTRY) == [ONE]
    assert from_tags({f"{ENTRY}1.c3.1of1": '{"number": 1}'}, ENTRY) == []


@pytest.mark.parametrize("registry", DATABASES, indirect=True)
def test_the_table_refuses_whatever_changes_a_row(registry: str, model: str) -> None:
    stages.move(registry, model, 1, "staging", expected=None, by="ann", reason="so", verdicts=[])
    [entry] = history(registry, model)
    table = audit_table.TABLE
    same = "id, name, number, moved_at, who, action, stage, from_version, to_version, reason"
    refused = [
        f"UPDATE {table} SET who = 'bob'",
        f"DELETE FROM {table} WHERE id = '{entry.id}'",
        f"INSERT INTO {table} SELECT * FROM {table}",
    ]
    if registry.startswith("sqlite"):
        refused.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        refused.append(f"REPLACE INTO {table} ({same}, override, verdicts, digest) SELECT 'x', "
                       f"{same[4:]}, override, verdicts, digest FROM {table}")  # fmt: skip
    else:
        refused.append(f"TRUNCATE {table}")
    for statement in refused:
        with pytest.raises(DBAPIError, match=r"only appended to|duplicate key"):  # noqa: SIM117
            with transaction(registry) as connection:
                connection.exec_driver_sql(statement)
    assert history(registry, model) == [entry]


@pytest.mark.parametrize("registry", [SQLITE], indirect=True)
def test_what_plain_mlflow_does_to_the_tags_changes_nothing_in_the_table(
    registry: str, model: str
) -> None:
    stages.move(registry, model, 1, "staging", expected=None, by="ann", reason="so", verdicts=[])
    log = history(registry, model)
    for key in client(registry).get_registered_model(model).tags:
        client(registry).set_registered_model_tag(model, key, "{}")
    assert history(registry, model) == log
    for key in client(registry).get_registered_model(model).tags:
        client(registry).delete_registered_model_tag(model, key)
    assert history(registry, model) == log


def test_a_database_that_cannot_be_written_says_so(workspace: object) -> None:
    with pytest.raises(TrackingError, match="The store of runs refused"):
        stages.move("sqlite:////proc/none/mlflow.db", "it", 1, "staging", expected=None, by="ann",
                    reason="", verdicts=[])  # fmt: skip
