"""Sampling: every row is as likely to be kept, room is bounded, and what is written is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from assay.serving.monitoring.files import hour_name, sample_files, versions_sampled
from assay.serving.monitoring.sampling import Sampler, samples_of
from assay.serving.monitoring.settings import SamplingSettings

ANSWER = {"prediction": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}
HOUR = 480_000


class Clock:
    now = HOUR * 3600.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sampler(folder: Path, clock: Any, **settings: Any) -> Sampler:
    return Sampler(folder, SamplingSettings(**{"share": 1, "write_s": 60, **settings}), clock)


def rows_in(folder: Path, version: str = "m/1") -> list[dict[str, Any]]:
    files = sample_files(samples_of(folder, version), version, 0)
    return [row for each in files for row in pq.read_table(each.path).to_pylist()]


def test_what_is_kept_is_what_was_asked_and_answered(tmp_path: Path, clock: Clock) -> None:
    kept = sampler(tmp_path, clock)
    rows = [{"a": 1, "kind": "red", "day": "2026-01-02"}, {"a": 2.5, "kind": None}]
    kept.observe("r1", "m/1", rows, [ANSWER, ANSWER])
    kept.observe("r2", "m/1", [{"a": 3, "kind": "blue", "photo": b"\xff\xd8"}], [ANSWER])
    kept.close()
    first, second, third = rows_in(tmp_path)
    assert first["features"] == {"a": 1.0, "kind": "red", "day": "2026-01-02", "photo": None}
    assert second["features"]["kind"] is None
    assert third["features"]["photo"] is None, "images are not kept"
    assert [(each["request_id"], each["row"]) for each in (first, second, third)] == [
        ("r1", 0), ("r1", 1), ("r2", 0)
    ]  # fmt: skip
    assert first["prediction"] == "yes"
    assert first["probabilities"] == {"no": 0.25, "yes": 0.75}
    assert first["time"] == datetime.fromtimestamp(HOUR * 3600, UTC)


def test_every_row_of_an_hour_is_as_likely_and_there_are_never_more(
    tmp_path: Path, clock: Clock
) -> None:
    kept = sampler(tmp_path, clock, rows_per_hour=400)
    for each in range(20_000):
        clock.now = HOUR * 3600 + each * 0.17
        kept.observe(str(each), "m/1", [{"n": each}], [ANSWER])
        if each % 2000 == 0:
            kept.write()
    kept.close()
    found = np.array([row["features"]["n"] for row in rows_in(tmp_path)])
    assert 200 <= len(found) <= 400
    assert len(set(found.tolist())) == len(found)
    tenths = np.bincount(found // 2000, minlength=10) / len(found)
    assert np.abs(tenths - 0.1).max() < 5 * (0.09 / len(found)) ** 0.5
    [file] = sample_files(samples_of(tmp_path, "m/1"), "m/1", 0)
    assert file.n_seen == 20_000
    assert file.limit == pytest.approx(len(found) / 20_000, rel=0.3)


def test_memory_is_bounded_where_nothing_is_written(tmp_path: Path, clock: Clock) -> None:
    kept = sampler(tmp_path, clock, rows_per_hour=100)
    kept.observe("all", "m/1", [{"n": each} for each in range(50_000)], [ANSWER] * 50_000)
    [hour] = kept._hours.values()
    assert len(hour.unwritten) == len(hour.ranks) <= 100
    kept.close()


def test_a_share_is_a_share(tmp_path: Path, clock: Clock) -> None:
    kept = sampler(tmp_path, clock, share=0.1)
    kept.observe("all", "m/1", [{"n": each} for each in range(5000)], [ANSWER] * 5000)
    kept.close()
    assert 400 < len(rows_in(tmp_path)) < 600


def test_versions_and_hours_have_files_of_their_own(tmp_path: Path, clock: Clock) -> None:
    kept = sampler(tmp_path, clock)
    for hour in range(3):
        clock.now = (HOUR + hour) * 3600.0
        for version in ("m/1", "m/2", "other/1"):
            kept.observe("r", version, [{"n": hour}], [ANSWER])
            kept.write()
    kept.close()
    folder = samples_of(tmp_path, "m/1")
    assert folder == samples_of(tmp_path, "m/2") != samples_of(tmp_path, "other/1")
    assert versions_sampled(folder) == ["m/1", "m/2"]
    assert [each.hour for each in sample_files(folder, "m/2", HOUR + 1)] == [HOUR + 1, HOUR + 2]


def test_cells_of_different_types_and_of_any_size_are_kept_as_they_can_be(
    tmp_path: Path, clock: Clock
) -> None:
    kept = sampler(tmp_path, clock)
    odd = [
        1,
        "one",
        2**70,
        None,
        "half \ud800",
        [1, 2],
        {"deep": [1]},
        "x" * 100_000,
        float("nan"),
        True,
    ]
    kept.observe("r", "m/1", [{"cell": each} for each in odd], [ANSWER] * len(odd))
    kept.write()
    kept.observe("s", "m/1", [{"cell": 5}], [ANSWER])
    kept.close()
    cells = [row["features"]["cell"] for row in rows_in(tmp_path)]
    assert len(cells) == len(odd) + 1
    assert cells[1] == "one"
    assert cells[4] == "half ?"
    [file] = samples_of(tmp_path, "m/1").iterdir()
    assert file.suffix == ".parquet", "numbers and texts are put together, as texts"
    assert str(2**70) in cells
    assert "[1, 2]" in cells
    assert max(len(str(each)) for each in cells) == 4000


def test_old_files_and_too_many_go_and_what_was_told_stays(tmp_path: Path, clock: Clock) -> None:
    kept = sampler(tmp_path, clock, days=2, mib=1)
    folder = samples_of(tmp_path, "m/1")
    folder.mkdir(parents=True)
    (folder / "told.json").write_text("{}")
    (folder / f".{hour_name(HOUR - 500)}-dead.parquet.abc").write_text("left by a kill")
    for hour in range(0, 24 * 4, 6):
        clock.now = (HOUR + hour) * 3600.0
        kept.observe("r", "m/1", [{"n": hour}], [ANSWER])
        kept.write()
    kept.close()
    left = sample_files(folder, "m/1", 0)
    assert [each.hour - HOUR for each in left] == list(range(42, 24 * 4, 6))
    assert sorted(each.suffix for each in folder.iterdir()) == [".json", *[".parquet"] * len(left)]
    big = sampler(tmp_path, clock, rows_per_hour=1000, mib=1)
    text = np.random.default_rng(0).bytes(1500).hex()
    for hour in range(100, 110):
        clock.now = (HOUR + hour) * 3600.0
        rows = [{"text": np.random.default_rng(each).bytes(900).hex()} for each in range(200)]
        big.observe("r", "m/1", [*rows, {"text": text}], [ANSWER] * 201)
        big.write()
    big.close()
    assert sum(each.stat().st_size for each in folder.glob("*.parquet")) <= 2**20
    assert sample_files(folder, "m/1", 0)[-1].hour == HOUR + 109


def test_a_reader_finds_each_row_once_at_any_moment(tmp_path: Path, clock: Clock) -> None:
    """Parts that are merged just now, and those of a process that was killed after merging."""
    kept = sampler(tmp_path, clock)
    for each in range(4):
        kept.observe(str(each), "m/1", [{"n": each}], [ANSWER])
        kept.write()
        assert [row["features"]["n"] for row in rows_in(tmp_path)] == list(range(each + 1))
    folder = samples_of(tmp_path, "m/1")
    parts = {each: each.read_bytes() for each in folder.iterdir()}
    kept.close()
    assert len(list(folder.iterdir())) == 1
    for path, content in parts.items():
        path.write_bytes(content)
    assert sorted(row["features"]["n"] for row in rows_in(tmp_path)) == [0, 1, 2, 3]


def test_a_folder_that_cannot_be_written_costs_the_rows_only(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "m").write_text("a file is in the way")
    kept = sampler(tmp_path, clock)
    kept.observe("r", "m/1", [{"n": 1}], [ANSWER])
    kept.write()
    kept.observe("r", "m/1", [{"n": 2}], [ANSWER])
    kept.close()
    assert "a sample of predictions could not be written" in caplog.text


KILLED = """
import sys, time
from pathlib import Path
from assay.serving.monitoring.sampling import Sampler
from assay.serving.monitoring.settings import SamplingSettings

kept = Sampler(Path(sys.argv[1]), SamplingSettings(share=1, write_s=0.02, rows_per_hour=100_000))
print("ready", flush=True)
number = 0
while True:
    kept.observe(str(number), "m/1", [{"n": number}], [{"prediction": 0.5}])
    number += 1
    print(number, flush=True)
    time.sleep(0.0005)
"""


def test_a_kill_loses_only_what_was_not_written(tmp_path: Path) -> None:
    """Killed at any moment, every file is whole, and kept is all but what came just before."""
    for pause in (0.0, 0.013, 0.031):
        folder = tmp_path / str(pause)
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            while len(list(folder.rglob("*.parquet"))) < 5:
                time.sleep(0.005)
            time.sleep(pause)
            os.kill(process.pid, signal.SIGKILL)
            told = process.stdout.read().split()
        numbers = sorted(row["features"]["n"] for row in rows_in(folder))
        assert numbers == list(range(len(numbers))), "none twice, none left out"
        assert 0.3 * int(told[-1]) < len(numbers) <= int(told[-1]) + 1
