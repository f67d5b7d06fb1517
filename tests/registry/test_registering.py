"""Registering by several at once: the same model becomes one version, whoever is first."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import pytest
from mlflow import MlflowClient

from assay.registry import registering
from assay.registry.audit import history
from assay.registry.drift import drift_of
from assay.registry.registering import register
from assay.registry.versions import Version, registered_model, versions_of
from assay.tracking.mlflow_client import client
from tests.registry.stores import DATABASES, SQLITE


@pytest.fixture
def logged(registry: str) -> tuple[str, str]:
    """A logged model and its run."""
    asked = client(registry)
    experiment = asked.create_experiment(uuid4().hex)
    run = asked.create_run(experiment).info.run_id
    return asked.create_logged_model(experiment, "model", source_run_id=run).model_uri, run


def registered(uri: str, name: str, logged: tuple[str, str]) -> Version:
    model, run = logged
    return register(uri, model, name=name, run_id=run, digest="d", tags={"assay.signature": "s"})


@pytest.mark.parametrize("registry", DATABASES, indirect=True)
def test_who_registers_the_same_at_once_is_given_the_same_version(
    registry: str, logged: tuple[str, str]
) -> None:
    name, barrier, made = uuid4().hex, threading.Barrier(3), []

    def try_it() -> None:
        barrier.wait()
        made.append(registered(registry, name, logged).version)

    threads = [threading.Thread(target=try_it) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert made == [1, 1, 1]
    assert [each.version for each in versions_of(registry, name)] == [1]
    assert history(registry, name) == []


@pytest.mark.parametrize("registry", [SQLITE], indirect=True)
def test_where_nobody_can_be_kept_out_the_first_version_is_kept(
    registry: str, logged: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "alone", lambda *_: nullcontext())  # as on a server
    usual, name, others = MlflowClient.create_model_version, uuid4().hex, []

    def after_another(self: Any, *given: Any, **named: Any) -> Any:
        if not others:
            others.append(None)
            others[0] = registered(registry, name, logged)
        return usual(self, *given, **named)

    monkeypatch.setattr(MlflowClient, "create_model_version", after_another)
    mine = registered(registry, name, logged)
    assert (mine.version, others[0].version) == (1, 1)
    found = versions_of(registry, name)
    assert [(each.version, each.semantic_version) for each in found] == [(1, "1.0.0")]
    [entry] = history(registry, name)
    assert (entry.action, entry.to_version) == ("delete", 2)
    assert "registered at the same time as version 1" in entry.reason
    assert drift_of(registered_model(registry, name), found, [entry]) == []
