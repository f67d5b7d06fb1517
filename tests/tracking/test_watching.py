"""The terminal log and the use of the machine are recorded with a run, also with one that fails."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

import pytest

import assay
from assay.data.schema import Task
from assay.errors import DataError
from assay.monitor import Step
from assay.tracking.memory import MemoryStore
from assay.tracking.resources import Usage, watched
from assay.tracking.terminal import written_down
from tests.fakes import FakeLearner
from tests.tables import table

FAMILY = {"system/cpu_percent", "system/memory_mib", "system/processes"}


def test_work_that_is_done_shows_in_the_use_of_the_machine() -> None:
    usage = Usage()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        sum(range(1000))
    ballast = bytearray(64 << 20)
    used = usage.since_last()
    assert used.keys() >= FAMILY
    assert 5 < used["system/cpu_percent"] <= 150
    assert used["system/memory_mib"] > len(ballast) / (1 << 20)
    assert used["system/processes"] >= 1


def test_a_watch_records_steps_in_seconds_and_ends_with_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.tracking.resources._FIRST_S", 0.05)
    store = MemoryStore()
    recorder = store.begin("income", "linear", {})
    with watched(recorder, tmp_path):
        time.sleep(0.6)
    seen = store.history(recorder.run_id, "system/memory_mib")
    assert len(seen) >= 2
    time.sleep(0.3)
    assert store.history(recorder.run_id, "system/memory_mib") == seen


def test_lines_are_in_the_file_as_soon_as_they_are_said(tmp_path: Path) -> None:
    path, heard = tmp_path / "terminal.log", []

    def say() -> None:
        with written_down(path, heard.append) as told:
            for done in range(3):
                told(Step("Fitting linear", done, 3))
            told(Step("The disk is full.", lasting=True))
            logging.getLogger("somebody").warning("from http://me:hunter2@host")
            assert path.read_text().count("Fitting linear") == 1
            raise DataError("No such column.", mend="another")

    with pytest.raises(DataError):
        say()
    lines = path.read_text().splitlines()
    said = [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+  ", "", each) for each in lines]
    assert said == [
        "Fitting linear (3)",
        "The disk is full.",
        "WARNING somebody: from http://***@host",
        "DataError: No such column.",
        "  mend:  another",
    ]
    assert len(heard) == 4


class Printing(FakeLearner):
    def fit(self, train, validation, context):
        print(f"{len(train)} rows, password=hunter2")
        return super().fit(train, validation, context)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fits_print_is_shown_and_kept(
    tmp_path: Path, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    frame, settings = table(Task.BINARY), {"training": {"seeds": 1}}
    run = assay.train(
        frame, target="y", learner=Printing(), settings=settings, store=store, workers=workers
    )
    kept = store.fetch(run.run_id, "printed.log", tmp_path).read_text()
    assert [each for each in kept.splitlines() if each.startswith("==")] == [
        "== fake all-rows",
        *(f"== fake fold-{fold}" for fold in range(1, 6)),
    ]
    assert kept.count(" rows, password=***") == 6
    assert capfd.readouterr().out.count("hunter2") == 6


class Failing(FakeLearner):
    def fit(self, train, validation, context):
        raise RuntimeError("no convergence")


def test_a_failed_run_keeps_its_log(tmp_path: Path) -> None:
    store = MemoryStore()
    with pytest.raises(RuntimeError, match="no convergence"):
        assay.train(table(Task.BINARY), target="y", learner=Failing(), store=store)
    [record] = store.runs()
    log = store.fetch(record.run_id, "terminal.log", tmp_path).read_text()
    assert "Looking for known mistakes" in log
    assert "Traceback" in log
    assert "no convergence" in log


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_costs_the_log_and_not_the_run() -> None:
    heard: list[Step] = []
    with written_down(Path("/dev/full"), heard.append) as told:
        told(Step("Fitting linear"))
    assert len(heard) == 1
