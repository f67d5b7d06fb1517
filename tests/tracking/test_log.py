"""Lines are on the disk when `append` returns, also half of them, also when there is no room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.tracking.log import Log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def lines(log: Log, most: int = 1 << 17) -> list[bytes]:
    found, start = b"", 0
    while block := log.read(start, most):
        assert block.endswith(b"\n")
        found += block
        start += len(block)
    return found.splitlines()


@pytest.mark.parametrize("most", [1, 7, 64, 1 << 17])
def test_blocks_are_whole_lines_whatever_their_size(path: Path, most: int) -> None:
    log = Log(path)
    written = [b"x" * length for length in (0, 1, 5, 6, 7, 100, 3)]
    for each in written:
        log.append(each + b"\n")
        assert path.read_bytes().endswith(each + b"\n")
    assert lines(log, most) == written
    assert log.size == path.stat().st_size
    log.close()


def test_half_a_line_at_the_end_is_cut_off_when_it_is_opened(path: Path) -> None:
    path.write_bytes(b"one\ntwo\nthr")
    log = Log(path)
    log.append(b"four\n")
    assert lines(log) == [b"one", b"two", b"four"]
    log.close()


def test_a_file_without_a_whole_line_is_empty(path: Path) -> None:
    path.write_bytes(b"x" * 200_000)
    log = Log(path)
    assert (log.size, log.read(0)) == (0, b"")
    log.close()


class Disk:
    """Takes so many bytes, then no more until it is emptied."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self._write = os.write
        monkeypatch.setattr("assay.tracking.log.os.write", self)
        monkeypatch.setattr("assay.tracking.log._PATIENCE_S", 0)

    def __call__(self, file: int, data: bytes) -> int:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        taken = self._write(file, bytes(data)[: self.room])
        self.room -= taken
        return taken


def test_what_a_full_disk_refuses_is_held_and_written_when_there_is_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    log = Log(path, told.append)
    disk = Disk(monkeypatch, room=10)
    written = [f"line {number}".encode() for number in range(6)]
    for each in written[:4]:
        log.append(each + b"\n")
    assert path.read_bytes() == b"line 0\n"
    assert lines(log) == written[:4]
    assert log.held == 21
    assert len(told) == 1
    assert "it is held in memory, up to 64 MiB, and the run goes on" in told[0]
    disk.room = 1000
    log.append(written[4] + b"\n")
    log.append(written[5] + b"\n")
    assert (lines(log), log.held, log.lost) == (written, 0, 0)
    assert path.read_bytes() == b"".join(each + b"\n" for each in written)
    log.close()


def test_what_neither_disk_nor_memory_takes_is_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    log = Log(path, told.append, most_held=12)
    Disk(monkeypatch, room=0)
    for number in range(4):
        log.append(b"%5d\n" % number)
    assert (lines(log), log.lost) == ([b"    0", b"    1"], 2)
    assert "No space left on device" in told[0]
    assert "what comes now is lost" in told[1]
    assert len(told) == 2
    log.close()
