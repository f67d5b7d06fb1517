"""A checkpoint is whole or not there; a damaged one is told of and replaced by the one before."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from assay.errors import InputError
from assay.monitor import AssayWarning
from assay.training import checkpoint, checkpoint_files
from assay.training.checkpoint import Checkpoints, newest
from tests.journeys.test_machine import can_mount
from tests.training.saving import state_of
from tests.training.test_tree import same, trees

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("saving.py")
FREELY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def saved(folder: Path, *steps: int, keep: int = 2, best: int | None = None) -> None:
    with Checkpoints(folder, keep) as kept:
        for step in steps:
            kept.save(state_of(step), best=step == best)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.glob("*"))


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=trees)
def test_any_state_comes_back_to_the_bit(tmp_path: Path, tree: Any) -> None:
    with Checkpoints(tmp_path, keep=1) as kept:
        kept.save({"step": 5, "tree": tree})
        found = kept.latest()
    assert same(found, {"step": 5, "tree": tree})


def test_every_kind_of_tensor_comes_back_in_its_memory_format(tmp_path: Path) -> None:
    state = {
        "channels last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "turned": torch.randn(3, 4, dtype=torch.float64).t(),
        "brain float": torch.randn(3).bfloat16(),
        "eight bits": torch.randn(2, 3).to(torch.float8_e4m3fn),
        "complex": torch.randn(2, 3, dtype=torch.complex128).t(),
        "complex scalar": torch.tensor(1 + 2j, dtype=torch.complex128),
        "yes or no": torch.tensor([True, False]),
        "count": torch.tensor(2**62),
        "empty": torch.empty(0, 3),
        "not a number": torch.tensor([float("nan"), float("inf"), -0.0]),
    }
    with Checkpoints(tmp_path) as kept:
        kept.save(state, step=1)
        assert same(kept.latest(), state)


def test_training_goes_on_with_the_same_bits_from_a_checkpoint(tmp_path: Path) -> None:
    def trained(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            image = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))
            model(image.contiguous(memory_format=torch.channels_last)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()

    def built() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
        model = model.to(memory_format=torch.channels_last)
        return model, torch.optim.AdamW(model.parameters(), fused=True)

    model, optimizer = built()
    trained(model, optimizer, range(3))
    with Checkpoints(tmp_path) as kept:
        kept.save({"step": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict()})
        trained(model, optimizer, range(3, 6))
        again, its_optimizer = built()
        state = kept.latest()
    again.load_state_dict(state["model"])
    its_optimizer.load_state_dict(state["optimizer"])
    trained(again, its_optimizer, range(3, 6))
    assert same(dict(again.state_dict()), dict(model.state_dict()))
    assert same(its_optimizer.state_dict(), optimizer.state_dict())


def test_what_training_does_after_saving_is_not_in_the_checkpoint(tmp_path: Path) -> None:
    state = state_of(1, size=1_000_000)
    before = copy.deepcopy(state)
    with Checkpoints(tmp_path) as kept:
        kept.save(state)
        state["model"]["weight"].zero_()
        state["optimizer"][0]["mean"] = None
        assert same(kept.latest(), before)


def test_weights_are_plain_safetensors_under_their_own_names(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    with Checkpoints(tmp_path) as kept:
        kept.save({"step": 12, "model": model.state_dict(), "loss": 0.5})
    found = load_file(tmp_path / "step-000000012" / "model.safetensors")
    assert same(found, {n: found[n] for n in found})
    nn.Linear(3, 2).load_state_dict(found)
    assert names(tmp_path / "step-000000012") == [
        "manifest.json", "model.safetensors", "state.json"
    ]  # fmt: skip


def test_the_last_ones_and_the_best_are_kept(tmp_path: Path) -> None:
    with Checkpoints(tmp_path, keep=2) as kept:
        assert kept.latest() is None
        assert kept.best() is None
        for step in (10, 20, 30, 40):
            kept.save(state_of(step), best=step in (10, 20))
        assert kept.steps() == [20, 30, 40]
        assert same(kept.latest(), state_of(40))
        assert same(kept.best(), state_of(20))
        kept.save(state_of(50), best=True)
        assert kept.steps() == [40, 50]
        assert same(kept.best(), state_of(50))
    assert same(newest(tmp_path), state_of(50))
    assert names(tmp_path) == [".lock", "step-000000040", "step-000000050"]


def test_training_that_went_back_to_an_earlier_step_has_the_last_word(tmp_path: Path) -> None:
    with Checkpoints(tmp_path, keep=3) as kept:
        for step in (10, 20, 10):
            kept.save(state_of(step) | {"round": len(kept.steps())})
        assert kept.steps() == [10, 20, 10]
        assert kept.latest()["round"] == 2
        kept.save(state_of(20))
        assert kept.steps() == [20, 10, 20]


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (
        lambda at: os.truncate(at / "model.safetensors", 100),
        "model.safetensors has 100 bytes instead of",
    ),
    "missing": (
        lambda at: (at / "optimizer.safetensors").unlink(),
        r"optimizer.safetensors cannot be read \(No such file",
    ),
    "no state": (lambda at: (at / "state.json").unlink(), "state.json cannot be read"),
    "no manifest": (lambda at: (at / "manifest.json").unlink(), "manifest.json cannot be read"),
    "half a manifest": (lambda at: os.truncate(at / "manifest.json", 50), "is damaged"),
    "another manifest": (
        lambda at: (at / "manifest.json").write_text(
            (at / "manifest.json").read_text().replace('"number": 2', '"number": 9')
        ),
        "manifest.json is not as it was written",
    ),
    "nothing": (lambda at: [each.unlink() for each in at.iterdir()], "cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_told_of_and_the_one_before_takes_its_place(
    tmp_path: Path, damage: str
) -> None:
    saved(tmp_path, 10, 20)
    harm, why = DAMAGES[damage]
    harm(tmp_path / "step-000000020")
    with Checkpoints(tmp_path) as kept:
        told = f"step-000000020 is damaged: .*{why}.*; step-000000010 takes its place"
        with pytest.warns(AssayWarning, match=told):
            assert same(kept.latest(), state_of(10))
        assert same(kept.latest(), state_of(10))  # said once
        kept.save(state_of(20))
        assert same(kept.latest(), state_of(20))
        assert kept.steps() == [10, 20]
        kept.save(state_of(30))
        assert kept.steps() == [20, 30]
    assert len(names(tmp_path)) == 3, "the damaged one is gone"


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), file=st.integers(0, 3))
def test_a_single_bit_that_flips_anywhere_is_noticed(
    tmp_path: Path, where: float, bit: int, file: int
) -> None:
    folder = tmp_path / "checkpoints"
    shutil.rmtree(folder, ignore_errors=True)
    with Checkpoints(folder) as kept:
        for step in (1, 2):
            kept.save(state_of(step, size=30))
    path = sorted((folder / "step-000000002").iterdir())[file]
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 1 << bit
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = newest(folder)
    if path.name == "manifest.json" and not told:  # white space, or a letter's case in a number
        assert same(found, state_of(2, size=30))
    else:
        assert same(found, state_of(1, size=30))
        assert len(told) == 1


def test_without_a_whole_one_there_is_none(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20, best=20)
    for name in ("step-000000010", "step-000000020"):
        (tmp_path / name / "state.json").unlink()
    with Checkpoints(tmp_path) as kept, pytest.warns(AssayWarning, match="there is none to take"):
        assert kept.latest() is None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert newest(tmp_path, best=True) is None
    assert [str(each.message)[15:39] for each in told] == [
        "step-000000010 is damage", "step-000000020 is damage"
    ]  # fmt: skip


def test_a_newer_format_is_not_read_as_if_it_were_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(checkpoint_files, "FORMAT", 2)
        saved(tmp_path, 10)
    with pytest.warns(AssayWarning, match="written by a newer version, in format 2"):
        assert newest(tmp_path) is None


def test_the_last_good_one_stays_until_the_next_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    rename, fsync = Path.rename, os.fsync

    def noted_rename(path: Path, target: Path) -> Path:
        order.append(f"{path.name} -> {target.name}")
        return rename(path, target)

    def noted_fsync(handle: int) -> None:
        order.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    saved(tmp_path, 1, keep=1)
    monkeypatch.setattr(Path, "rename", noted_rename)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    saved(tmp_path, 2, keep=1)
    aside, name = ".step-000000002.aside", "step-000000002"
    assert order == [
        "sync model.safetensors", "sync optimizer.safetensors", "sync state.json",
        "sync manifest.json", f"sync {aside}", f"{aside} -> {name}", f"sync {tmp_path.name}",
        "step-000000001 -> .step-000000001.gone",
    ]  # fmt: skip


def test_what_the_disk_refuses_is_told_and_training_goes_on(tmp_path: Path) -> None:
    """The folder is gone for a while, as that of a network share may be."""
    folder, away = tmp_path / "checkpoints", tmp_path / "away"
    with Checkpoints(folder) as kept:
        kept.save(state_of(1))
        kept.wait()
        folder.rename(away)
        folder.write_text("in the way")
        kept.save(state_of(2))
        with pytest.warns(AssayWarning, match=r"step-000000002 could not be written .*none yet"):
            kept.wait()
        kept.save(state_of(3))
        assert kept._writing is not None
        kept._writing.join()
        folder.unlink()
        away.rename(folder)
        with pytest.warns(AssayWarning, match=r"3 could not be written .*is step-000000001"):
            kept.save(state_of(4))
        assert kept.steps() == [1, 4]


def test_a_full_disk_leaves_the_checkpoint_before_and_takes_the_next(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("no file system may be mounted here")
    mount = f"mount -t tmpfs -o size=600k tmpfs {tmp_path}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-ec", f"{mount}\n{sys.executable} {SCRIPT} fill {tmp_path}"],
        capture_output=True, text=True, check=False, env=environment(), timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    full, room, told, files = done.stdout.splitlines()
    assert full == "full [1] 1 1"
    assert room == "room [3] 3 1"
    assert re.match(
        r"The checkpoint step-000000002 could not be written \(.*No space left on device.*\); "
        r"the last one is step-000000001, and training goes on. Free some space: ", told,
    )  # fmt: skip
    assert files == "['.lock', 'step-000000003']"


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def test_whenever_a_writer_is_killed_what_it_had_said_is_there(tmp_path: Path) -> None:
    """And its folder is free at once, though a child of it lives on."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), "kill", str(tmp_path)],
        capture_output=True, text=True, check=False, env=environment(), timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "whole [True]\n"


def test_two_trainings_do_not_write_in_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_PATIENCE_S", 0.1)
    with Checkpoints(tmp_path) as kept:
        with pytest.raises(InputError, match="Another training writes") as caught:
            Checkpoints(tmp_path)
        assert caught.value.where == str(tmp_path)
        kept.save(state_of(1))
    saved(tmp_path, 2)


def test_a_state_is_not_there_before_what_it_speaks_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    rename = Path.rename

    def slow(path: Path, target: Path) -> Path:
        if target.parent.name == "best":
            time.sleep(0.2)
        order.append(f"{target.parent.name} {target.name}")
        return rename(path, target)

    with Checkpoints(tmp_path / "best") as best, Checkpoints(tmp_path / "states") as states:
        monkeypatch.setattr(Path, "rename", slow)
        best.save(state_of(1))
        states.save(state_of(1), after=best)
        states.wait()
        assert order == ["best step-000000001", "states step-000000001"]
        monkeypatch.setattr(Path, "rename", lambda path, target: 1 / 0 if path else path)
        best.save(state_of(2))
        states.save(state_of(2), after=best)
        with pytest.warns(AssayWarning, match=r"2 could not be .*\(nor could what it speaks of\)"):
            states.wait()
        with pytest.raises(ZeroDivisionError):
            best.wait()


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    for name in (".step-000000002.aside", ".step-000000001.gone"):
        shutil.copytree(tmp_path / "step-000000001", tmp_path / name)
    with Checkpoints(tmp_path) as kept:
        assert kept.steps() == [1]
        assert names(tmp_path) == [".lock", "step-000000001"]


def test_nothing_of_it_is_pickled(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    for each in (tmp_path / "step-000000001").iterdir():
        if each.suffix == ".json":
            json.loads(each.read_text())
        else:
            assert each.suffix == ".safetensors"
            load_file(each)
