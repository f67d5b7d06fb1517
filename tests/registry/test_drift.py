"""Drift: what was done with plain MLflow is named, and what was done through Assay is not."""

from __future__ import annotations

import pytest

from assay.registry import stages
from assay.registry.audit import ENTRY, history
from assay.registry.drift import between, drift_of
from assay.registry.versions import registered_model, versions_of
from assay.tracking.mlflow_client import DIGEST, client
from tests.registry.stores import SERVER, SQLITE, with_versions

pytestmark = pytest.mark.parametrize(
    "registry", [SQLITE, pytest.param(SERVER, marks=pytest.mark.slow)], indirect=True
)


def drift(uri: str, name: str) -> list[str]:
    model = registered_model(uri, name)
    return [each.said for each in drift_of(model, versions_of(uri, name), history(uri, name))]


def moved(uri: str, name: str, version: int, expected: int | None) -> None:
    stages.move(uri, name, version, "production", expected=expected, by="ann", reason="",
                verdicts=[])  # fmt: skip


def test_stages_that_were_moved_emptied_or_filled_directly(registry: str, model: str) -> None:
    asked = client(registry)
    asked.set_registered_model_alias(model, "mine", "2")  # no stage of ours
    assert drift(registry, model) == []
    asked.set_registered_model_alias(model, "production", "1")
    assert drift(registry, model) == ["version 1 was put in production outside Assay"]
    moved(registry, model, 2, 1)
    assert drift(registry, model) == []
    asked.set_registered_model_alias(model, "production", "3")
    assert drift(registry, model) == [
        "production was moved outside Assay from version 2 to version 3"
    ]
    moved(registry, model, 1, 3)
    assert between(history(registry, model)) == {
        1: "production was moved outside Assay from no version to version 1",
        2: "production was moved outside Assay from version 2 to version 3",
    }
    asked.delete_registered_model_alias(model, "production")
    assert drift(registry, model) == ["production was emptied outside Assay: its alias was deleted"]


def test_versions_that_were_deleted_directly(registry: str) -> None:
    name, asked = with_versions(registry, 4), client(registry)
    stages.delete(registry, name, 1, by="ann", reason="wrong")
    moved(registry, name, 4, None)
    assert drift(registry, name) == []
    asked.delete_model_version(name, "4")
    asked.delete_model_version(name, "2")
    assert drift(registry, name) == [
        "production was emptied outside Assay: version 4 was deleted",
        "version 2 was deleted outside Assay",
        "version 4 was deleted outside Assay",
    ]


def test_entries_that_were_deleted_from_a_server(registry: str, model: str) -> None:
    for before, after in ((None, 1), (1, 2), (2, 3)):
        moved(registry, model, after, before)
    for key in client(registry).get_registered_model(model).tags:
        if key.startswith(f"{ENTRY}000002"):
            client(registry).delete_registered_model_tag(model, key)
    is_server = registry.startswith("http")
    assert drift(registry, model) == (
        ["entry 2 of the audit log was deleted outside Assay"] if is_server else []
    )


def test_a_model_that_was_registered_anew_under_its_name(registry: str, model: str) -> None:
    moved(registry, model, 1, None)
    asked = client(registry)
    asked.delete_registered_model(model)
    log = history(registry, model)
    if not registry.startswith("http"):  # there the log went with the model
        assert [each.said for each in drift_of(None, [], log)] == [
            "the model was deleted or renamed outside Assay, with all its versions"
        ]
    asked.create_registered_model(model)
    asked.create_model_version(model, source="s3://bucket/model", tags={DIGEST: "others"})
    asked.set_registered_model_alias(model, "production", "1")
    assert drift(registry, model) == [
        "version 1 was put in production outside Assay"
        if registry.startswith("http")
        else "version 1 in production has another digest than what was moved there"
    ]
