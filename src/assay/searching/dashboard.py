"""Optuna's dashboard on a study: for this machine only, gone when it is no longer needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from assay.errors import InputError, NotFoundError
from assay.experiment.reading import load_experiment
from assay.place import Place
from assay.tuning.study import StudyPlace
from assay.workspace import file_name

_LOOPBACK = "127.0.0.1"
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def found_study(said: str, place: Place) -> StudyPlace:
    """Where the study is that a name, or an experiment file, means.

    Raises:
        NotFoundError: There is none; the message names what there is.
    """
    name, url = said, None
    if Path(said).is_file():
        loaded = load_experiment(Path(said), [])
        name, url = loaded.name, loaded.experiment.tuning.storage
    folder = place.workspace.studies_folder / file_name(name)
    found = StudyPlace(name, folder, url)
    if url is None and not found.is_begun:
        known = sorted(each.name for each in place.workspace.studies_folder.glob("*"))
        raise NotFoundError(
            f"There is no study {name!r} in this workspace.",
            where=f"studies: {', '.join(known) or 'none'}",
            mend=next(iter(get_close_matches(name, known, n=1)), "assay tune EXPERIMENT makes one"),
        )
    return found


@contextmanager
def dashboard(study: StudyPlace, port: int | None) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server that shows the study, and what serves until it is interrupted.

    Args:
        study: Where it is kept.
        port: Where to listen; anywhere free when None.

    Raises:
        InputError: The dashboard is not installed, or something else listens on the port.
    """
    application = _application(study)
    try:
        server = make_server(
            _LOOPBACK, port or 0, application, server_class=_Server, handler_class=_Quiet
        )
    except OSError as error:
        raise InputError(
            f"The port {port} cannot be listened on: {error.strerror}.",
            mend="another --port, or none for one that is free",
        ) from None
    with server:
        server.set_app(_of_this_machine(application, server.server_port))
        yield f"http://{_LOOPBACK}:{server.server_port}/dashboard", server.serve_forever


def _application(study: StudyPlace) -> Application:
    try:
        from optuna_dashboard import wsgi
    except ImportError:
        raise InputError(
            "Optuna's dashboard is not installed.", mend="pip install 'assay-ml[dashboard]'"
        ) from None
    made: Application = wsgi(study.storage())
    return made


def _of_this_machine(application: Application, port: int) -> Application:
    """The same, but pages from elsewhere, which could reach it by a name of theirs, are refused."""
    names = {f"{host}:{port}" for host in ("localhost", _LOOPBACK)}
    origins = {None, *(f"http://{name}" for name in names)}

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") in names and environ.get("HTTP_ORIGIN") in origins:
            return application(environ, start)
        start("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"This server answers pages of its own, on this machine."]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: each request would be a line on the terminal."""
