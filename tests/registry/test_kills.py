"""Killed in the middle of a move: it is done and told, or it is not done; and others go on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from mlflow import MlflowClient

from assay.registry import claims, remote, stages
from assay.registry.audit import Move, history
from assay.registry.changes import Change
from assay.registry.drift import drift_of
from assay.registry.versions import registered_model, versions_of
from assay.tracking.mlflow_client import client
from tests.registry.stores import DATABASES, SQLITE, with_versions

FORK = multiprocessing.get_context("fork")
CALLS = (
    "set_registered_model_tag", "delete_registered_model_tag", "set_registered_model_alias",
    "get_registered_model", "get_model_version",
)  # fmt: skip
Act = Callable[[str, str, int, int | None], Move]


def of_the_database(step: Callable[..., None]) -> None:
    for moment in ("before_cursor_execute", "commit"):
        sqlalchemy.event.listen(sqlalchemy.engine.Engine, moment, step)


def of_the_client(step: Callable[..., None]) -> None:
    for name in CALLS:
        usual = getattr(MlflowClient, name)

        def stepping(self: Any, *given: Any, usual: Any = usual, **named: Any) -> Any:
            step()
            return usual(self, *given, **named)

        setattr(MlflowClient, name, stepping)


def is_killed_at(step: int, counted: Callable[[Any], None], act: Callable[[], Any]) -> bool:
    """Whether a process that acts is killed before a step of it, or has fewer."""

    def child() -> None:
        left = count(step, -1)

        def before_each(*_: Any, **__: Any) -> None:
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        counted(before_each)
        act()
        os._exit(0)

    process = FORK.Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def in_database(uri: str, name: str, version: int, expected: int | None) -> Move:
    return stages.move(uri, name, version, "production", expected=expected, by="ann", reason="",
                       verdicts=[])  # fmt: skip


def by_claim(uri: str, name: str, version: int, expected: int | None) -> Move:
    """As on a server: by calls of MLflow's client only."""
    return remote.apply(uri, Change("move", name, version, "production", expected, "ann", ""))


def killed_everywhere(
    uri: str, act: Act, counted: Callable[[Any], None], others: Sequence[Act]
) -> tuple[str, int]:
    """Kill a move before each of its steps; after each kill others make another move."""
    name, holder = with_versions(uri, 3), None
    for step in count():
        here, target = holder, 1 + (holder or 0) % 3
        killed = is_killed_at(step, counted, lambda: act(uri, name, target, here))  # noqa: B023
        aliases = {k: int(v) for k, v in registered_model(uri, name).aliases.items()}
        assert aliases in ({"production": target}, {} if here is None else {"production": here})
        holder = aliases.get("production")
        if act is in_database:
            assert [each.to_version for each in history(uri, name)][-1:] == (
                [] if holder is None else [holder]
            )
        if not killed:
            return name, step
        other = others[step % len(others)]
        holder = other(uri, name, 1 + (holder or 0) % 3, holder).to_version
    raise AssertionError


def assert_nothing_is_missing(uri: str, name: str) -> None:
    log = history(uri, name)
    assert [each.number for each in log] == list(range(1, len(log) + 1))
    before = [None, *(each.to_version for each in log)]
    assert [each.from_version for each in log] == before[:-1]
    assert drift_of(registered_model(uri, name), versions_of(uri, name), log) == []


@pytest.mark.parametrize("registry", DATABASES, indirect=True)
def test_in_a_database_a_move_is_whole_or_not_at_all(registry: str) -> None:
    in_database(registry, with_versions(registry, 1), 1, None)  # creates the table
    name, steps = killed_everywhere(registry, in_database, of_the_database, [in_database])
    assert steps > 10
    assert_nothing_is_missing(registry, name)
    assert len(history(registry, name)) == steps + 1, "a kill before the last step undoes it all"


def test_the_first_move_of_all_leaves_no_half_table(workspace: Path) -> None:
    uri = f"sqlite:///{workspace / 'mlflow.db'}"
    name = with_versions(uri, 1)
    for step in count():
        if not is_killed_at(step, of_the_database, lambda: in_database(uri, name, 1, None)):
            break
        assert history(uri, name) == []
    assert_nothing_is_missing(uri, name)


@pytest.mark.parametrize("registry", [SQLITE], indirect=True)
def test_on_a_server_what_a_killed_process_did_is_told_by_the_next(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "ABANDONED_S", 0.02)
    name, steps = killed_everywhere(registry, by_claim, of_the_client, [by_claim, in_database])
    assert steps > 8
    assert_nothing_is_missing(registry, name)
    assert len(history(registry, name)) > steps + 1, "some were killed after it was done"
    tags = client(registry).get_registered_model(name).tags
    assert not [key for key in tags if key.startswith(claims.CLAIM)]


@pytest.mark.parametrize("registry", [SQLITE], indirect=True)
def test_who_was_stopped_halfway_is_shown(registry: str) -> None:
    name = with_versions(registry, 1)
    assert is_killed_at(6, of_the_client, lambda: by_claim(registry, name, 1, None))
    [drift] = drift_of(
        registered_model(registry, name), versions_of(registry, name), history(registry, name)
    )
    assert "ann began at " in drift.said
    assert "has not finished yet, or was stopped" in drift.said


@pytest.mark.parametrize("registry", DATABASES, indirect=True)
def test_in_a_database_a_move_waits_for_who_has_claimed_through_a_server(registry: str) -> None:
    name = with_versions(registry, 2)
    assert is_killed_at(4, of_the_client, lambda: by_claim(registry, name, 1, None))
    [claim] = claims.claimed(client(registry).get_registered_model(name).tags).values()
    done: list[Move] = []
    waiting = threading.Thread(target=lambda: done.append(in_database(registry, name, 2, None)))
    waiting.start()
    time.sleep(0.5)
    assert not done
    client(registry).delete_registered_model_tag(name, claim[0])
    waiting.join(60)
    assert [each.to_version for each in done] == [2]
