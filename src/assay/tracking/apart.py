"""A recorder in a process of its own: what its library does to a process, it does to that one.

Weights & Biases takes over `sys.exit`, sets environment variables, holds a run that the whole
process shares, and wants the interpreter's time; none of it reaches the process that trains.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from numpy.typing import ArrayLike

from assay.errors import AssayError, TrackingError
from assay.findings import Finding
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now

_PATIENCE_S = 60


class Apart:
    """A recorder that tells one in another process; what that one raises is raised here.

    Args:
        make: Makes the recorder over there; a function of a module, or a partial of one.
        name: What to call it in errors.
        environment: Variables that the process is given beside, or rid of (None).
    """

    def __init__(
        self, make: Callable[[], Recorder], name: str, environment: Mapping[str, str | None]
    ) -> None:
        self._line = _Line(name, environment)
        self._number = 0
        self._run_id = str(self._line.ask(make))

    @property
    def run_id(self) -> str:
        return self._run_id

    def params(self, params: Mapping[str, Any]) -> None:
        self._tell("params", dict(params))

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.points([Point(name, float(value), step, now()) for name, value in metrics.items()])

    def series(self, name: str, values: Sequence[float]) -> None:
        at = now()
        steps = enumerate(values, start=1)
        self.points([Point(name, float(value), step, at) for step, value in steps])

    def points(self, points: Sequence[Point]) -> None:
        self._tell("points", list(points))

    def tags(self, tags: Mapping[str, str]) -> None:
        self._tell("tags", dict(tags))

    def finding(self, finding: Finding, key: str = "") -> None:
        self._tell("finding", finding, key)

    def table(self, name: str, table: pa.Table) -> None:
        self._tell("table", name, table)

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        self._tell("histogram", name, Histogram.of(values), step)

    def artifact(self, path: Path, folder: str = "") -> None:
        self._tell("artifact", path.absolute(), folder)

    def model(self, folder: Path, name: str, digest: str) -> None:
        self._tell("model", folder.absolute(), name, digest)

    def child(self, name: str, key: str = "") -> Recorder:
        number, run_id = self._tell("child", name, key)
        return self._at(number, run_id)

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        if self._line.is_closed:
            return
        self._tell("finish", status, reason, at)
        if self._number == 0:
            self._line.close()

    def attach(self, run_id: str) -> Self:
        raise NotImplementedError(f"a mirror is not attached to: {run_id}")

    def _tell(self, name: str, *arguments: Any) -> Any:
        return self._line.ask((self._number, name, arguments))

    def _at(self, number: int, run_id: str) -> Apart:
        other = Apart.__new__(Apart)
        other._line, other._number, other._run_id = self._line, number, run_id
        return other


class _Line:
    """Asks another process, one question at a time."""

    def __init__(self, name: str, environment: Mapping[str, str | None]) -> None:
        self._name = name
        merged = {**os.environ, **environment}
        code = "from assay.tracking.apart import answer; answer()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={key: value for key, value in merged.items() if value is not None},
            start_new_session=True,  # Ctrl-C is for the process that trains
        )
        self._end = weakref.finalize(self, _ended, self._process, 0)

    def ask(self, question: Any) -> Any:
        """What the other process answers.

        Raises:
            TrackingError: It refused, or is no more.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
            good, answer = pickle.load(self._process.stdout)
        except (OSError, EOFError, ValueError):
            good, answer = False, "its process is gone"
        if not good:
            raise TrackingError(
                f"{self._name} refused: {answer}",
                mend=f"see what it says; without it: --set tracking.{self._name}=false",
            )
        return answer

    @property
    def is_closed(self) -> bool:
        return not self._end.alive

    def close(self) -> None:
        """Let the other process end."""
        if self._end.detach() is not None:
            _ended(self._process, _PATIENCE_S)


def _ended(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """End a process; one that has not ended by itself after a while is killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it is gone, with something still in the pipe
        process.stdin.close()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def answer() -> None:
    """Be the other process: make the recorder, do what is asked, until nobody asks any more.

    What a library prints goes nowhere: standard output is the line.
    """
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    recorders: list[Recorder] = []
    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            # Whoever asked is done, or was killed: there is nothing to clear up or to wait for.
            os._exit(0)
        try:
            reply = (True, _done(question, recorders))
        except AssayError as error:
            reply = (False, error.what)
        except Exception as error:
            reply = (False, f"{type(error).__name__}: {error}")
        pickle.dump(reply, answers)
        answers.flush()


def _done(question: Any, recorders: list[Recorder]) -> Any:
    """Do one thing that is asked; what is made is known by its number from then on."""
    if not recorders:
        recorders.append(question())
        return recorders[0].run_id
    number, name, arguments = question
    given = getattr(recorders[number], name)(*arguments)
    if name != "child":
        return None
    recorders.append(given)
    return len(recorders) - 1, given.run_id
