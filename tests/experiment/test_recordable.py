"""What of an experiment is recorded: names of variables, never what they stood for."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.experiment import experiment_from, load_experiment
from assay.experiment.recordable import as_recorded, text_as_recorded
from assay.tracking.recorder import flattened

TEXT = """\
name: ${NAME}
data:
  source: ${TABLES}/adult.csv
  target: ${TARGET}
  roles: {ignore: ["${ABSENT:-a}", b]}
model: {learner: linear, options: {C: "${STRENGTH}"}}
training: {seeds: "${SEEDS}"}
tracking: {uri: "http://me:${PW}@host"}
registry: {name: "${NAME}"}
"""
VALUES = {"NAME": "income", "TABLES": "/hunter/2", "TARGET": "y", "STRENGTH": "0.062500",
          "SEEDS": "2", "PW": "hunter2"}  # fmt: skip


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)


def test_settings_are_recorded_as_written_and_used_as_meant(
    environment: None, tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    loaded = load_experiment(path)
    used, recorded = loaded.experiment, flattened(loaded.recorded)
    assert used.tracking.uri == "http://me:hunter2@host"
    assert used.training.seeds == 2
    assert recorded["tracking.uri"] == loaded.tracking_uri == "http://me:${PW}@host"
    assert recorded["data.source"] == "${TABLES}/adult.csv"
    assert recorded["data.roles.ignore"] == ["${ABSENT:-a}", "b"]
    assert recorded["evaluation.confidence"] == 0.95, "defaults are recorded too"
    assert loaded.changed["training.seeds"] == "${SEEDS}"
    assert loaded.changed["model.options.C"] == "${STRENGTH}"
    assert loaded.recorded_text == TEXT
    told = f"{recorded} {loaded.changed} {loaded.recorded_text}"
    for name in ("TABLES", "STRENGTH", "PW"):
        assert VALUES[name] not in told


def test_what_things_are_called_by_is_recorded_as_it_is(environment: None, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    loaded = load_experiment(path)
    assert (loaded.name, loaded.recorded["name"]) == ("income", "income")
    assert loaded.recorded["data"]["target"] == "y"
    assert loaded.changed["registry.name"] == "income"


def test_an_override_is_recorded_as_written_too(environment: None) -> None:
    settings = {"data": {"source": "x", "target": "y"}, "model": {"learner": "linear"}}
    loaded = experiment_from(settings, Path.cwd(), ["tracking.uri=http://me:${PW}@host"])
    assert loaded.recorded["tracking"]["uri"] == "http://me:${PW}@host"


@pytest.mark.parametrize(
    ("key", "value", "recorded"),
    [
        ("uri", "http://me:hunter2@host", "http://***@host"),
        ("password", "hunter2", "***"),
        ("api_key", "hunter2", "***"),
        ("api_key", "${KEY}", "${KEY}"),
        ("api_key", "${KEY:-hunter2}", "***"),
        ("token_pattern", "a+", "a+"),
        ("monkey", "a", "a"),
        ("C", 0.1, 0.1),
        ("quoted", "$${x}", "${x}"),
    ],
)
def test_secrets_that_are_spelled_out_are_masked(key: str, value: object, recorded: object) -> None:
    used = "${x}" if key == "quoted" else "resolved" if "$" in str(value) else value
    written = {"options": {key: value}}
    assert as_recorded({"options": {key: used}}, written) == {"options": {key: recorded}}


def test_a_list_that_was_written_as_one_text_stays_a_text() -> None:
    assert as_recorded({"a": ["hunter2"]}, {"a": "${LIST}"}) == {"a": "${LIST}"}
    assert as_recorded({"a": {"b": "hunter2"}}, {"a": ["${LIST}"]}) == {"a": ["${LIST}"]}


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("uri: http://me:hunter2@host # x", "uri: http://***@host # x"),
        ("password: 'hunter 2'", "password: ***"),
        ("{db_password: hunter2, C: 1}", "{db_password: ***, C: 1}"),
        ("token: ${TOKEN:-hunter2}", "token: ***"),
        ("token: ${TOKEN}", "token: ${TOKEN}"),
        ("tokens:\n  kind: words", "tokens:\n  kind: words"),
        ("token:\n  kind: words", "token:\n  kind: words"),
        ("primary_key: id", "primary_key: id"),
    ],
)
def test_the_text_is_recorded_without_them(text: str, recorded: str) -> None:
    assert text_as_recorded(text) == recorded
