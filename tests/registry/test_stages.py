"""Stages: one version each, moved only from whom it was decided against, and told in the log."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from assay.errors import AssayError, ConflictError, InputError, NotFoundError
from assay.registry import stages
from assay.registry.audit import Move, history
from assay.registry.changes import ARCHIVE, Change
from assay.registry.versions import find_model, versions_of
from assay.tracking.mlflow_client import DIGEST, client
from tests.registry.stores import EVERY, with_versions

pytestmark = pytest.mark.parametrize("registry", EVERY, indirect=True)


def moved(uri: str, name: str, version: int, expected: int | None, **how: Any) -> Move:
    given = {"stage": "production", "by": "ann", "reason": "", "verdicts": [], **how}
    return stages.move(uri, name, version, expected=expected, **given)


def held(uri: str, name: str, stage: str = "production") -> int | None:
    version = stages.holder(uri, name, stage)
    return None if version is None else version.version


def test_a_move_is_seen_by_plain_mlflow_and_told_in_the_log(registry: str, model: str) -> None:
    assert (held(registry, model), history(registry, model)) == (None, [])
    verdicts = [{"gate": "floor", "passed": True, "evidence": "x" * 9000}, {"passed": False}]
    entry = moved(registry, model, 2, None, reason="better", verdicts=verdicts, override=True)
    assert history(registry, model) == [entry]
    told = entry.as_dict()
    assert {key: told[key] for key in ("number", "who", "name", "action", "stage")} == {
        "number": 1, "who": "ann", "name": model, "action": "move", "stage": "production",
    }  # fmt: skip
    assert (entry.from_version, entry.to_version, entry.digest) == (None, 2, "digest-2")
    assert (entry.reason, entry.override, list(entry.verdicts)) == ("better", True, verdicts)
    plain = client(registry).get_model_version_by_alias(model, "production")
    assert int(plain.version) == held(registry, model) == 2
    assert find_model(registry, f"{model}@production").version is not None
    tags = client(registry).get_registered_model(model).tags
    assert "".join(text for key, text in sorted(tags.items())).count("better") == 1
    assert not [key for key in tags if key.startswith("assay.claim.")]


def test_who_decided_against_another_version_is_refused_and_told_who_was_first(
    registry: str, model: str
) -> None:
    moved(registry, model, 1, None, reason="first")
    for expected in (None, 3):
        with pytest.raises(ConflictError, match="but version 1 holds it now") as caught:
            moved(registry, model, 2, expected)
    assert "was to be taken from version 3" in caught.value.what
    assert caught.value.where.startswith("moved by ann at 2")
    assert caught.value.where.endswith(": first")
    assert caught.value.mend.endswith(f"assay models {model}")
    client(registry).set_registered_model_alias(model, "production", "3")
    with pytest.raises(ConflictError, match="version 3 holds it now") as caught:
        moved(registry, model, 2, 1)
    assert "outside Assay" in caught.value.where
    assert len(history(registry, model)) == 1
    assert moved(registry, model, 2, 3).from_version == 3


def test_of_those_who_move_at_once_one_wins_and_the_others_are_told(registry: str) -> None:
    name, barrier = with_versions(registry, 4), threading.Barrier(4)
    ends: list[Move | AssayError] = []

    def try_it(version: int) -> None:
        barrier.wait()
        try:
            ends.append(moved(registry, name, version, None))
        except AssayError as error:
            ends.append(error)

    threads = [threading.Thread(target=try_it, args=(version,)) for version in range(1, 5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    [winner] = [each for each in ends if isinstance(each, Move)]
    assert [type(each) for each in ends if each is not winner] == 3 * [ConflictError]
    assert history(registry, name) == [winner]
    assert held(registry, name) == winner.to_version


def test_what_cannot_be_moved_is_refused_in_words(registry: str, model: str) -> None:
    moved(registry, model, 1, None)
    refused = {
        f"There is no version {model}/9": (9, 1, {}),
        "There is no stage 'live'": (2, 1, {"stage": "live"}),
        f"{model}/1 is in production already": (1, 1, {}),
        "needs a reason": (2, 1, {"override": True, "reason": " "}),
    }
    for said, (version, expected, how) in refused.items():
        with pytest.raises(InputError, match=said):
            moved(registry, model, version, expected, **how)
    with pytest.raises(NotFoundError, match="no version nobody/1"):
        moved(registry, "nobody", 1, None)
    assert stages.holder(registry, "nobody", "staging") is None
    assert len(history(registry, model)) == 1


def test_rolling_back_goes_back_each_time_and_passes_over_what_is_gone(registry: str) -> None:
    name = with_versions(registry, 5)
    for before, after in ((None, 1), (1, 2), (2, 3), (3, 4), (4, 5)):
        moved(registry, name, after, before)
    stages.archive(registry, name, 3, by="ann", reason="old")
    stages.delete(registry, name, 2, by="ann", reason="wrong")

    def back() -> Move:
        return stages.rollback(registry, name, by="bob", reason="it is worse")

    assert (back().to_version, held(registry, name)) == (4, 4)
    assert (back().to_version, held(registry, name)) == (1, 1)
    with pytest.raises(NotFoundError, match=f"gone back to held {name}@production before"):
        back()
    moved(registry, name, 5, 1)
    last = back()
    assert (last.action, last.who, last.reason) == ("rollback", "bob", "it is worse")
    assert (last.from_version, last.to_version) == (5, 1)
    client(registry).set_registered_model_alias(name, "production", "4")
    assert back().to_version == 1, "from what was put there outside, to who was last logged"
    with pytest.raises(InputError, match="needs a reason"):
        stages.rollback(registry, name, by="bob", reason="")
    with pytest.raises(NotFoundError):
        stages.rollback(registry, name, "staging", by="bob", reason="x")


def test_what_is_archived_is_in_no_stage_and_not_the_newest(registry: str, model: str) -> None:
    moved(registry, model, 1, None)
    with pytest.raises(InputError, match=f"{model}/1 is in use as production, and cannot be arch"):
        stages.archive(registry, model, 1, by="ann", reason="old")
    entry = stages.archive(registry, model, 3, by="ann", reason="old")
    assert (entry.action, entry.stage, entry.to_version) == ("archive", "archived", 3)
    assert [each.is_archived for each in versions_of(registry, model)] == [True, False, False]
    meant = find_model(registry, model).version
    assert meant is not None
    assert meant.version == 2
    with pytest.raises(InputError, match="is archived, and cannot be in production"):
        moved(registry, model, 3, 1)
    with pytest.raises(InputError, match="is archived already"):
        stages.archive(registry, model, 3, by="ann", reason="old")
    assert stages.restore(registry, model, 3, by="ann", reason="so").to_version is None
    with pytest.raises(InputError, match="is not archived"):
        stages.restore(registry, model, 3, by="ann", reason="so")
    assert moved(registry, model, 3, 1).number == 4


def test_what_is_in_use_is_not_deleted(registry: str, model: str) -> None:
    client(registry).set_registered_model_alias(model, "mine", "2")
    moved(registry, model, 1, None)
    for version, alias in ((1, "production"), (2, "mine")):
        with pytest.raises(InputError, match=f"in use as {alias}, and cannot be deleted"):
            stages.delete(registry, model, version, by="ann", reason="x")
    stages.delete(registry, model, 3, by="ann", reason="never used")
    assert [each.version for each in versions_of(registry, model)] == [2, 1]
    assert history(registry, model)[-1].reason == "never used"
    with pytest.raises(NotFoundError, match="no version"):
        stages.delete(registry, model, 3, by="ann", reason="again")


def test_what_is_kept_for_ever_needs_a_reason_that_can_be_kept(registry: str, model: str) -> None:
    acts = (stages.archive, stages.restore, stages.delete)
    for reason, said in ((" ", "needs a reason"), ("bad \udcff", "no text in UTF-8")):
        for act in acts:
            with pytest.raises(InputError, match=said):
                act(registry, model, 1, by="ann", reason=reason)
        with pytest.raises(InputError, match=said):
            stages.rollback(registry, model, by="ann", reason=reason)
    with pytest.raises(InputError, match="no text in UTF-8"):
        moved(registry, model, 1, None, reason="bad \udcff")
    assert history(registry, model) == []


def test_what_is_being_deleted_is_not_taken_out_and_put_in_use(registry: str, model: str) -> None:
    stopped = Change("delete", model, 1, ARCHIVE, None, by="ann", reason="wrong")
    stages._apply(registry, stopped)  # and killed before MLflow was told
    with pytest.raises(InputError, match=f"{model}/1 is being deleted") as caught:
        stages.restore(registry, model, 1, by="bob", reason="it is good")
    assert caught.value.where.endswith(": wrong")
    assert f"assay unregister {model}/1" in caught.value.mend
    with pytest.raises(InputError, match="is archived, and cannot be in production"):
        moved(registry, model, 1, None)
    stages.delete(registry, model, 1, by="bob", reason="to finish it")
    assert [each.version for each in versions_of(registry, model)] == [3, 2]


def test_nothing_is_gone_back_to_that_no_gate_has_seen(registry: str, model: str) -> None:
    client(registry).set_registered_model_alias(model, "production", "3")
    moved(registry, model, 1, 3)
    with pytest.raises(NotFoundError, match="Nothing that could be gone back to"):
        stages.rollback(registry, model, by="bob", reason="to what MLflow put there")
    moved(registry, model, 2, 1)
    client(registry).delete_registered_model(model)
    client(registry).create_registered_model(model)
    for number in (1, 2):
        tags = {DIGEST: f"others-{number}"}
        client(registry).create_model_version(model, source="s3://bucket/model", tags=tags)
    with pytest.raises(NotFoundError, match="Nothing that could be gone back to"):
        stages.rollback(registry, model, by="bob", reason="numbers began anew")
    assert held(registry, model) is None


def test_going_back_to_other_files_than_were_thought_is_a_conflict(
    registry: str, model: str
) -> None:
    change = Change("rollback", model, 1, "production", None, "bob", "x", digest="digest-2")
    with pytest.raises(ConflictError, match=f"{model}/1 has other files than were thought"):
        stages._apply(registry, change)
    assert history(registry, model) == []
