"""The command line as a user meets it: in this process for speed, in another for signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest

from assay.cli import main

# a suite started in the background inherits SIGINT ignored, and so would the command
AS_IN_A_TERMINAL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from assay.cli.main import main
main()
"""


@dataclass(frozen=True)
class Said:
    """What a command left behind in the terminal."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on stdout: one, and valid to the strictest parser."""

        def refuse(constant: str) -> None:
            raise ValueError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


class Terminal:
    """Runs commands in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        handler = signal.getsignal(signal.SIGTERM)
        self._monkeypatch.setattr("sys.argv", ["assay", *arguments])
        self._capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as leaving:
                main.main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        told = self._capsys.readouterr()
        return Said(int(leaving.value.code or 0), told.out, told.err)


def stopped(arguments: list[str], by: signal.Signals, once: str, timeout_s: float = 120) -> Said:
    """Start a command in a process of its own and send it a signal once it has said something."""
    process = subprocess.Popen(
        [sys.executable, "-c", AS_IN_A_TERMINAL, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + timeout_s
    heard = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            heard.append(line)
            if line.startswith(once):
                time.sleep(3)  # into the middle of a fold
                process.send_signal(by)
            assert time.monotonic() < deadline, heard
        out, err = process.communicate(timeout=timeout_s)
        return Said(process.returncode, out, "".join(heard) + err)
    finally:
        process.kill()
        process.wait()
