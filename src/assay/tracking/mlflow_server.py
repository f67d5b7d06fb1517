"""MLflow's own server on a store of runs: for this machine only, gone when it is no longer needed.

It listens on loopback, answers to its own name only, and refuses what pages from elsewhere send.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from assay.errors import InputError, TrackingError
from assay.provenance import masked
from assay.workspace import atomic_write

_LOOPBACK = "127.0.0.1"
_PATIENCE_S = 120
_TIME_TO_END_S = 10
_SHOWN_LINES = 5
_MANY = 65_536
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SERVER_X_FRAME_OPTIONS": "SAMEORIGIN",
}
_NEVER = ("MLFLOW_TRACKING_URI", "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE")


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        url: Where it answers.
        process: Itself; all that it started is in its process group.
        log: What it says.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def attend(self) -> None:
        """Wait until it ends.

        Raises:
            TrackingError: It does; it is meant to be stopped instead.
        """
        self.process.wait()
        raise _ended(self.log)


@contextmanager
def served(uri: str, *, artifacts: Path, log: Path, port: int | None = None) -> Iterator[Server]:
    """MLflow's server on a store, which is stopped with all that it started when the block ends.

    Args:
        uri: The store.
        artifacts: Where files of experiments go that are begun in the page.
        log: Where to write what it says.
        port: Where to listen; anywhere free when None.

    Raises:
        InputError: Something else listens on the port.
        TrackingError: It does not start.
    """
    port = _free(port)
    url = f"http://{_LOOPBACK}:{port}"
    names = ",".join(f"{host}:{port}" for host in ("localhost", _LOOPBACK))
    command = [sys.executable, "-m", "mlflow", "server", "--host", _LOOPBACK, "--port", str(port)]
    command += ["--workers", "1", "--allowed-hosts", names]
    command += ["--cors-allowed-origins", ",".join(f"http://{name}" for name in names.split(","))]
    command += ["--no-serve-artifacts", "--default-artifact-root", artifacts.absolute().as_uri()]
    kept = {name: value for name, value in os.environ.items() if name not in _NEVER}
    # not as an argument, which everybody on this machine could read
    environment = {**kept, **_ENVIRONMENT, "MLFLOW_BACKEND_STORE_URI": uri}
    atomic_write(log, "", mode=0o600)
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        _await(url, process, log)
        yield Server(url, process, log)
    finally:
        _stop(process)


def _free(port: int | None) -> int:
    """The port, or any that nobody listens on."""
    with closing(socket.socket()) as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((_LOOPBACK, port or 0))
        except OSError as error:
            raise InputError(
                f"The port {port} cannot be listened on: {error.strerror}.",
                mend="another --port, or none for one that is free",
            ) from None
        bound: int = asked.getsockname()[1]
        return bound


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _ended(log)
        try:
            urlopen(f"{url}/health", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TrackingError(
        f"MLflow's server has not answered for {_PATIENCE_S} s.", where=str(log), mend="try again"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started: first asked to, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_TIME_TO_END_S)


def _ended(log: Path) -> TrackingError:
    said = log.read_text(errors="replace")[-_MANY:].strip().splitlines()
    return TrackingError(
        "MLflow's server has ended.",
        where="\n".join([str(log), *(masked(line) for line in said[-_SHOWN_LINES:])]),
        mend="look at what it says there; or another --port",
    )
