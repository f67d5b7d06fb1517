"""Load: requests in a closed loop over connections that are kept, and what a server needs."""

from __future__ import annotations

import re
import selectors
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import psutil

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass(frozen=True)
class Load:
    """What a load was like.

    Attributes:
        n: Answers.
        failed: Those of another status than 200.
        seconds: Of the whole.
        cpu_ms: Of the server and its children, for a request.
        p50_ms: Half of the answers came sooner.
        p99_ms: All but a hundredth did.
    """

    n: int
    failed: int
    seconds: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.n / self.seconds


def request_of(path: str, body: bytes, media_type: str = "application/json") -> bytes:
    """A whole request, as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def loaded(port: int, request: bytes, n: int, connections: int, process: psutil.Process) -> Load:
    """Send a request n times, over so many connections at once; each waits for its answer."""
    chosen = selectors.DefaultSelector()
    begun: dict[socket.socket, float] = {}
    got: dict[socket.socket, bytes] = {}
    took: list[float] = []
    sent = failed = 0
    before, began = cpu_s(process), time.perf_counter()
    for _ in range(min(n, connections)):
        each = socket.create_connection(("127.0.0.1", port))
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen.register(each, selectors.EVENT_READ)
        sent += 1
        got[each], begun[each] = b"", time.perf_counter()
        each.sendall(request)
    while len(took) < n:
        for key, _ in chosen.select(60):
            each = key.fileobj
            assert isinstance(each, socket.socket)
            piece = each.recv(1 << 20)
            assert piece, "the server closed a connection"
            got[each] += piece
            if not is_whole(got[each]):
                continue
            took.append(time.perf_counter() - begun[each])
            failed += not got[each].startswith(b"HTTP/1.1 200")
            if sent < n:
                sent += 1
                got[each], begun[each] = b"", time.perf_counter()
                each.sendall(request)
    seconds = time.perf_counter() - began
    cpu_ms = (cpu_s(process) - before) * 1000 / n
    for each in begun:
        each.close()
    p50, p99 = np.percentile(took, [50, 99]) * 1000
    return Load(n, failed, seconds, cpu_ms, float(p50), float(p99))


def is_whole(answer: bytes) -> bool:
    """Whether an answer has arrived."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = _LENGTH.search(head)
    if length is None:  # in chunks
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(length[1])


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process and its children."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


def memory_mib(process: psutil.Process) -> float:
    """What belongs to a process and its children alone."""
    every = [process, *process.children(recursive=True)]
    return sum(each.memory_full_info().uss for each in every) / 2**20


class Served:
    """A server in a process of its own, until it is left."""

    def __init__(
        self, command: Sequence[str], port: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.port = port
        self._log = log
        with log.open("w") as file:
            self._process = subprocess.Popen(
                command, stdout=file, stderr=file, env=dict(environment), cwd=log.parent
            )
        self.process = psutil.Process(self._process.pid)

    def await_answer(self, request: bytes, patience_s: float = 120) -> bytes:
        """Its first answer to a request with status 200."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            with suppress(OSError), closing(self._connected()) as connection:
                answer = exchanged(connection, request)
                if answer.startswith(b"HTTP/1.1 200"):
                    return answer.partition(b"\r\n\r\n")[2]
            time.sleep(0.3)
        raise AssertionError(self._log.read_text()[-2000:])

    def _connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def text(self, path: str) -> str:
        """What it answers to GET."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = self.process.children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for each in children:
            with suppress(psutil.NoSuchProcess):
                each.kill()


def exchanged(connection: socket.socket, request: bytes) -> bytes:
    """The answer to a request; what came until the server closed if it did."""
    connection.sendall(request)
    answer = b""
    while not is_whole(answer):
        piece = connection.recv(1 << 20)
        if not piece:
            break
        answer += piece
    return answer


def free_port() -> int:
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
