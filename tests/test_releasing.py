"""Releasing: what a version carries of its run, and what is told of stages, moves and drift."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
import pytest

import assay
from assay import releasing
from assay.data.schema import Task
from assay.errors import NotFoundError
from assay.lineage import carried
from assay.registry import stages
from assay.registry.versions import Version
from assay.tracking.mlflow_client import client, quietly
from tests.journeys.conftest import terminal  # noqa: F401 - the fixture
from tests.journeys.terminal import Terminal
from tests.registry.stores import with_versions
from tests.tables import table

SETTINGS = {"name": "income", "training": {"seeds": 1}, "evaluation": {"resamples": 200}}


def uri(workspace: Path) -> str:
    return f"sqlite:///{workspace / 'mlflow.db'}"


def put(workspace: Path, name: str, version: int, expected: int | None, **how: object) -> None:
    given = {"reason": "better", "verdicts": [], **how}
    stages.move(uri(workspace), name, version, "production", expected=expected, by="ann",
                **given)  # type: ignore[arg-type]  # fmt: skip


def test_a_version_carries_where_it_comes_from_and_plain_mlflow_shows_it(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(Task.BINARY)
    stronger = {**SETTINGS, "model": {"options": {"C": 0.5}}}
    narrower = frame.drop(columns=next(each for each in frame.columns if each != "y"))
    runs = [
        assay.train(data, target="y", learner="linear", settings=settings)
        for data, settings in (
            (frame, SETTINGS), (frame.iloc[5:], SETTINGS), (frame, stronger), (narrower, SETTINGS),
        )
    ]  # fmt: skip
    versions = [assay.register(run) for run in runs]
    assert [each.semantic_version for each in versions] == ["1.0.0", "1.0.1", "1.1.0", "2.0.0"]
    assert assay.models() == versions[::-1]

    run, kept = runs[0], client(uri(workspace)).get_model_version("income", "1")
    tags = kept.tags
    assert carried(run).items() <= tags.items()
    assert tags["assay.fingerprint"] == run.fingerprint
    assert tags["assay.split"] == run.provenance["split fingerprint"]
    assert tags.get("assay.commit") == run.provenance.get("git", {}).get("commit")
    assert tags["assay.findings"].split() == sorted({each.code for each in run.findings})
    told, primary = json.loads(tags["assay.evaluation"]), run.evaluation.headline
    assert (told["low"], told["value"], told["high"]) == (primary.low, primary.value, primary.high)
    assert (told["metric"], told["rows"]) == (run.evaluation.primary, "out-of-fold")
    assert kept.run_id == run.run_id

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(workspace))
    with quietly():
        info = mlflow.models.get_model_info("models:/income/1")
    assert f"models:/{info.model_id}" == tags["assay.model"]
    assert set(info.signature.inputs.input_names()) == set(frame.columns) - {"y"}
    assert info.signature.outputs is not None
    assert info.saved_input_example_info is not None
    of_model = client(uri(workspace)).get_logged_model(info.model_id)
    assert of_model.tags["mlflow.modelVersions"] == '[{"name": "income", "version": 1}]'


def test_stages_and_drift_are_listed_and_the_story_of_a_model_is_told(
    terminal: Terminal,  # noqa: F811
    workspace: Path,
) -> None:
    name = with_versions(uri(workspace), 3)
    put(workspace, name, 1, None, verdicts=[{"passed": True}, {"passed": False}], override=True)
    put(workspace, name, 2, 1)
    listed = terminal("models").out
    assert f"{name}/2" in next(line for line in listed.splitlines() if "production" in line)
    assert "drift" not in listed
    assert terminal("models", "--json").json["drift"] == []

    client(uri(workspace)).set_registered_model_alias(name, "production", "3")
    said = f"drift  {name}: production was moved outside Assay from version 2 to version 3"
    assert said in terminal("models").out
    [drift] = terminal("models", "--json").json["drift"]
    assert (drift["name"], drift["logged"], drift["found"]) == (name, 2, 3)
    put(workspace, name, 1, 3)
    told = terminal("models", name)
    assert told.status == 0
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert any(
        "ann move production: none -> 1 (1 of 2 gates passed, overridden) better" in line
        for line in lines
    )
    outside = lines.index("production was moved outside Assay from version 2 to version 3")
    assert "move production: 3 -> 1" in lines[outside + 1]
    log = terminal("models", name, "--json").json["log"]
    assert [each["to_version"] for each in log] == [1, 2, 1]
    assert [each["outside_before"] is None for each in log] == [True, True, False]
    assert log[0]["verdicts"] == [{"passed": True}, {"passed": False}]

    said = terminal("models", f"{name}x")
    assert (said.status, f"There is no model '{name}x'" in said.err) == (2, True)


def test_going_back_and_deleting_by_command(
    terminal: Terminal,  # noqa: F811
    workspace: Path,
) -> None:
    name = with_versions(uri(workspace), 3)
    put(workspace, name, 1, None)
    put(workspace, name, 2, 1)
    assert terminal("rollback", name).status == 2, "a reason is asked for"
    said = terminal("rollback", name, "--reason", "it is worse")
    assert said.out == f"{name}/1 is in production again, in the place of {name}/2.\n"
    said = terminal("rollback", name, "--reason", "again")
    assert said.status == 2
    assert f"Nothing that could be gone back to held {name}@production before." in said.err
    said = terminal("rollback", name, "--to", "live", "--reason", "x")
    assert (said.status, "There is no stage 'live'" in said.err) == (2, True)
    assert terminal("unregister", f"{name}/1", "--reason", "x").status == 2
    away = terminal("archive", f"{name}/3", "--reason", "old")
    assert away.out == f"{name}/3 is archived.\n"
    listed = terminal("models", name).out.splitlines()
    assert "archived" in next(line for line in listed if line.startswith(f"{name}/3"))
    back = terminal("archive", f"{name}/3", "--undo", "--reason", "not that old", "--json").json
    assert (back["action"], back["from_version"], back["to_version"]) == ("restore", 3, None)
    gone = terminal("unregister", f"{name}/3", "--reason", "never used", "--json").json
    assert (gone["action"], gone["reason"], gone["who"]) == ("delete", "never used", gone["who"])
    said = terminal("unregister", name, "--reason", "x")
    assert (said.status, "names no version" in said.err) == (2, True)
    story = releasing.story(name)
    assert [each.version for each in story.versions] == [2, 1]
    done = ["move", "move", "rollback", "archive", "restore", "delete"]
    assert [each.action for each in story.log] == done
    with pytest.raises(NotFoundError, match="There is no model"):
        assay.rollback("nobody", reason="x")


def test_a_model_that_only_the_log_knows_is_listed_and_told(
    terminal: Terminal,  # noqa: F811
    workspace: Path,
) -> None:
    name = with_versions(uri(workspace), 2)
    put(workspace, name, 1, None, reason="first\n  2  2026-11-28 09:12  boss  all is well")
    client(uri(workspace)).delete_registered_model(name)
    gone = f"drift  {name}: the model was deleted or renamed outside Assay, with all its versions"
    assert gone in terminal("models").out
    assert [each["name"] for each in terminal("models", "--json").json["drift"]] == [name]
    told = terminal("models", name)
    assert (told.status, gone in told.out) == (0, True)
    [entry] = [line for line in told.out.splitlines() if "production: none -> 1" in line]
    assert entry.endswith("boss  all is well"), "an entry is one line"
    assert terminal("models", name, "--json").json["versions"] == []


def test_a_move_between_two_readings_is_no_drift(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = with_versions(uri(workspace), 2)
    put(workspace, name, 1, None)
    usual, moves = releasing.versions_of, iter([2])

    def while_somebody_moves(tracking_uri: str, model: str) -> list[Version]:
        for version in moves:
            put(workspace, name, version, 1)
        return usual(tracking_uri, model)

    monkeypatch.setattr(releasing, "versions_of", while_somebody_moves)
    told = releasing.story(name)
    assert [each.to_version for each in told.log] == [1, 2]
    assert told.drift == []


def test_what_names_no_version_or_more_than_a_model_is_told(
    terminal: Terminal,  # noqa: F811
    workspace: Path,
) -> None:
    name = with_versions(uri(workspace), 1)
    for verb in (["models"], ["rollback", "--reason", "x"]):
        said = terminal(*verb, f"{name}/1")
        assert said.status == 2
        assert f"'{name}/1' is no name of a model: a name alone is asked for" in said.err
        assert f"assay {verb[0]} {name}" in said.err
    huge = f"{name}/{'9' * 23}"
    for verb in (["archive"], ["archive", "--undo"], ["unregister"]):
        said = terminal(*verb, huge, "--reason", "x")
        assert (said.status, f"There is no version {huge}." in said.err) == (2, True)
    said = terminal("archive", "bad \udcff/1", "--reason", "x")
    assert (said.status, r"only text that is UTF-8: 'bad \udcff'" in said.err) == (2, True)
    said = terminal("archive", f"{name}/1", "--reason", "bad \udcff")
    assert (said.status, "no text in UTF-8" in said.err) == (2, True)
