"""Workers that are forked from a server which has imported what fits need.

Imports take seconds and most of a worker's memory. The server pays for them once, and the workers
share its pages. It is multiprocessing's own fork server, which has one thread when it forks; unlike
that it belongs to one executor, ends with it, and never runs the user's script again.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver, popen_forkserver, reduction, spawn, util
from multiprocessing.context import ForkServerContext, set_spawning_popen
from multiprocessing.process import BaseProcess
from threading import Lock
from typing import Any

from assay.errors import LearnerError

_OF_MAIN = "init_main_from_name", "init_main_from_path"
_ENVIRONMENT = Lock()


def can_fork() -> bool:
    """Whether workers are forked: elsewhere than on Linux libraries do not bear it."""
    return sys.platform == "linux"


class Forked(ForkServerContext):
    """A context of multiprocessing whose processes come from a server of its own, begun at once.

    Args:
        imports: Modules that the server imports before it forks; those not installed are skipped.
        environment: Variables of the server, and so of its processes.
    """

    def __init__(self, imports: Sequence[str], environment: Mapping[str, str]) -> None:
        self._server: Any = _Server()
        self._server.set_forkserver_preload([*imports, _FREEZE])
        with _set(environment):
            self._server.ensure_running()

    def Process(self, *args: Any, **kwargs: Any) -> BaseProcess:  # type: ignore[override]  # noqa: N802
        """A process that the server forks once it has imported what it is to import."""
        return _Process(self._server, *args, **kwargs)

    def close(self) -> None:
        """End the server; processes of it that are still there end with it."""
        self._server._stop()


class _Server(forkserver.ForkServer):
    """As its parent, which would begin another once it ended: in another environment."""

    _forkserver_pid: int | None
    _is_begun = False

    def ensure_running(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            super().ensure_running()
        elif self._forkserver_pid is None or _has_ended(self._forkserver_pid):
            raise LearnerError(
                "The server that workers are forked from was ended: perhaps memory ran out.",
                mend="fewer fits at the same time: --workers 1; or look who killed it",
            )


def _has_ended(child: int) -> bool:
    """Whether a child has ended; who waits for its end still sees it."""
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # its end was seen elsewhere
        return True


class _Process(BaseProcess):
    _start_method = "forkserver"

    def __init__(self, server: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._server = server

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_server"}

    @staticmethod
    def _Popen(process: _Process) -> Any:  # noqa: N802
        return _Popen(process)


class _Popen(popen_forkserver.Popen):
    """As its parent, but for the server, and without the main module of this process."""

    _fds: list[int]

    def _launch(self, process: _Process) -> None:
        about = spawn.get_preparation_data(process.name)
        for name in _OF_MAIN:
            about.pop(name, None)
        packed = io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump(about, packed)
            reduction.dump(process, packed)
        finally:
            set_spawning_popen(None)
        self.sentinel, to_child = process._server.connect_to_new_process(self._fds)
        held = os.dup(to_child)  # by which the child sees that this process is gone
        self.finalizer = util.Finalize(self, _close, (held, self.sentinel))
        with open(to_child, "wb", closefd=True) as file:  # noqa: PTH123
            file.write(packed.getbuffer())
        self.pid = forkserver.read_signed(self.sentinel)


def _close(*files: int) -> None:
    for each in files:
        os.close(each)


def let_server_end() -> None:
    """In a worker: let go of what keeps the server alive, so that it ends with its owner."""
    server: Any = forkserver._forkserver
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
        server._forkserver_alive_fd = None


@contextmanager
def _set(environment: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment for a moment: the server takes those that are set."""
    with _ENVIRONMENT:
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


_FREEZE = "assay.fitting.frozen"
