"""Real servers on loopback: MLflow, PostgreSQL, an S3 of moto's, and a proxy that fails as told."""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from glob import glob
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

PATIENCE_S = 180


def free_port() -> int:
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
    return port


class Server:
    """A process that listens, until it is stopped; it can be started again at the same port."""

    def __init__(
        self, command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] = {}
    ) -> None:
        self.command = command
        self.port = port
        self.uri = f"http://127.0.0.1:{port}"
        self._log = log
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, path: str = "/health") -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log.read_text()
            with suppress(OSError):
                urlopen(f"{self.uri}{path}", timeout=5).close()
                return
            time.sleep(0.2)
        raise AssertionError(self._log.read_text())

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, by)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def mlflow_server(
    folder: Path, template_database: Path | None = None, *, options: Sequence[str] = (),
    environment: Mapping[str, str] = {},
) -> Server:  # fmt: skip
    """An MLflow server, not started: over SQLite in the folder, or whatever the options say."""
    folder.mkdir(exist_ok=True)
    if template_database is not None:
        shutil.copy(template_database, folder / "mlflow.db")
        options = (
            "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
            "--artifacts-destination", str(folder / "artifacts"), *options,
        )  # fmt: skip
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"]
    quick = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # a process more to be waited for
    return Server(
        [*command, "--port", str(port), *options], port, folder / "log", {**quick, **environment}
    )  # fmt: skip


Mood = int | str | None
"""What to do with a request: None passes it on; a number is the status that is answered instead.

'late' passes it on and answers 500; 'cut' passes it on and sends half of the answer; 'hang' passes
it on and never answers.
"""


class Proxy:
    """Stands before a server, and fails as it is told."""

    def __init__(self, port: int) -> None:
        self.behind = port
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.mood: Callable[[str, str], Mood] = lambda method, path: None
        self.n_failed = 0
        self.gave_up = threading.Event()
        self._listening: ThreadingHTTPServer | None = None

    def __enter__(self) -> Proxy:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.gave_up.set()
        self.refuse()

    def listen(self) -> None:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._listening = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._listening.daemon_threads = True
        self._listening.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._listening.serve_forever, args=(0.05,), daemon=True).start()

    def refuse(self) -> None:
        """Take no connections."""
        if self._listening is not None:
            self._listening.shutdown()
            self._listening.server_close()
            self._listening = None

    def await_failures(self, n: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.n_failed < n:
            assert time.monotonic() < deadline, self.n_failed
            time.sleep(0.01)


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def _any(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mood = self.proxy.mood(self.command, self.path)
        self.proxy.n_failed += mood is not None
        status, headers, answer = 500, [], b'{"error_code": "INTERNAL_ERROR", "message": "no"}'
        if isinstance(mood, int):
            status = mood
        else:
            passed = self._passed(body)
            if mood is None or mood == "cut":
                status, headers, answer = passed
        if mood == "hang":
            self.proxy.gave_up.wait(10)
            return
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if mood == "cut" else answer)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def _passed(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.behind, timeout=60)
        with closing(connection):
            left_out = {"connection", "content-length", "host", "transfer-encoding"}
            headers = {k: v for k, v in self.headers.items() if k.lower() not in left_out}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in left_out]
            return answer.status, kept, answer.read()

    def log_message(self, *_: Any) -> None: ...


def postgres_programs() -> Path | None:
    """Where PostgreSQL's programs are; None if it is not installed."""
    found = sorted(glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)  # noqa: PTH207
    path = found[0] if found else shutil.which("initdb")
    return Path(path).resolve().parent if path else None


@contextmanager
def postgres(password: str) -> Iterator[str]:
    """A database 'postgres' of user 'assay'; gives HOST:PORT. It refuses to be run by root."""
    programs = postgres_programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
    as_whom: dict[str, Any] = {}
    if os.getuid() == 0:
        names = {each.pw_name for each in pwd.getpwall()}
        as_whom = {"user": "postgres" if "postgres" in names else "nobody", "group": "nogroup"}
        shutil.chown(folder, as_whom["user"])
    secret, data, port = folder / "password", folder / "data", free_port()
    secret.write_text(password)
    secret.chmod(0o644)
    made = [programs / "initdb", "-D", data, "-U", "assay", "-A", "scram-sha-256", "-E", "UTF8"]
    done = subprocess.run(
        [*made, "--no-sync", f"--pwfile={secret}"], capture_output=True, text=True, cwd="/",
        check=False, **as_whom,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-F",
             "-c", "listen_addresses=127.0.0.1"],
            stdout=log, stderr=log, cwd="/", **as_whom,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_S
        ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def object_store(folder: Path, environment: Mapping[str, str]) -> Server:
    """moto's S3, not started."""
    port = free_port()
    code = "from moto.server import main; import sys; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(port)]
    return Server(command, port, folder / "s3.log", environment)
