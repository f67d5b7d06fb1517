"""The audit log: whole in tags of any length, and in a table that refuses to be changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from assay.errors import InputError, NotFoundError, TrackingError
from assay.registry import audit_table, claims, stages
from assay.registry.audit import ENTRY, Move, as_tags, from_tags, history, next_number
from assay.registry.database import transaction
from assay.registry.drift import doubled, missing
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


FORGED = {**ONE.record(), "number": 2, "id": "abc", "who": "boss"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "2"},
        {"number": True},
        {"number": 9},
        {"number": 10**30},
        {"id": "abd"},
        {"who": None},
        {"when": "yesterday"},
        {"to_version": "2"},
        {"to_version": 10**30},
        {"override": 1},
        {"verdicts": [1]},
        {"through_server": False},
    ],
)
def test_a_tag_that_is_not_what_its_key_says_is_no_entry(wrong: dict[str, Any]) -> None:
    key = f"{ENTRY}000002.abc.1of1"
    assert len(from_tags({key: json.dumps(FORGED)}, ENTRY)) == 1
    written = FORGED | wrong
    number = written["number"]
    for stem in (key, f"{ENTRY}{number}.abc.1of1"):
        assert from_tags({stem: json.dumps(written)}, ENTRY) == []
    assert from_tags({key: "[" * 200_000}, ENTRY) == []


def test_the_next_entry_can_always_be_read_again() -> None:
    assert next_number([]) == 1
    assert next_number([ONE, replace(ONE, number=7)]) == 8
    with pytest.raises(InputError, match="has an entry 999999999, which Assay has not made"):
        next_number([ONE, replace(ONE, number=999_999_999)])


@pytest.mark.parametrize("registry", [SQLITE], indirect=True)
def test_a_tag_that_somebody_wrote_is_told_as_such_and_trusted_with_nothing(
    registry: str, model: str
) -> None:
    for before, after in ((None, 1), (1, 2)):
        stages.move(registry, model, after, "production", expected=before, by="ann", reason="so",
                    verdicts=[])  # fmt: skip
    forged = Move.from_record({**FORGED, "name": model, "to_version": 3, "digest": "digest-3"})
    far = replace(forged, number=999_999_000, id="far")
    for key, text in {**as_tags(forged, ENTRY), **as_tags(far, ENTRY)}.items():
        client(registry).set_registered_model_tag(model, key, text)
    log = history(registry, model)
    assert [each.number for each in log] == [1, 2, 2, 999_999_000]
    assert {(each.who, each.through_server) for each in log} == {("ann", False), ("boss", True)}
    assert [each.said for each in missing(log)] == [
        "entries 3 to 999998999 of the audit log were deleted outside Assay"
    ]
    [twice] = doubled(log)
    assert "entry 2 of the audit log is there twice, by " in twice.said
    assert "boss (through a server)" in twice.said
    back = stages.rollback(registry, model, by="ann", reason="it is worse")
    assert (back.number, back.to_version) == (3, 1), "neither boss's version, nor boss's number"
    with pytest.raises(NotFoundError, match="Nothing that could be gone back to"):
        stages.rollback(registry, model, by="ann", reason="further")


@pytest.mark.parametrize("registry", [SQLITE], indirect=True)
def test_a_claim_that_somebody_wrote_does_not_get_into_the_table(
    registry: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "ABANDONED_S", 0.0)
    client(registry).set_registered_model_alias(model, "production", "3")
    claim = Move.from_record({**FORGED, "name": model, "to_version": 3, "digest": "digest-3"})
    for key, text in as_tags(claim, claims.CLAIM).items():
        client(registry).set_registered_model_tag(model, key, text)
    stages.move(registry, model, 1, "production", expected=3, by="ann", reason="", verdicts=[])
    assert [each.through_server for each in history(registry, model)] == [True, False]
    with pytest.raises(NotFoundError, match="Nothing that could be gone back to"):
        stages.rollback(registry, model, by="ann", reason="to what the claim told of")
