"""MLflow's client and what several rooms ask of it: quiet, without telemetry, in our errors.

Only the client is used, never MLflow's global state, so that several stores can be open at once.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlparse, urlsplit
from urllib.request import url2pathname, urlopen
from uuid import uuid4

from assay.errors import NotFoundError, RefusedError, TrackingError
from assay.provenance import masked

DIGEST = "assay.digest"
_SQLITE = "sqlite:///"
_DATABASES = ("postgresql", "mysql")
_PATIENCE_S = 20
_FULL = ("disk is full", "No space left")
_PACKAGES = {
    "psycopg": "'assay-ml[sql]'",
    "MySQLdb": "mysqlclient",
    "boto3": "'assay-ml[s3]'",
}
_TALKATIVE = {
    "mlflow": logging.ERROR,
    "mlflow.store.db.utils": logging.CRITICAL,  # a traceback for whatever a database refuses
    "alembic": logging.ERROR,
    "urllib3.connectionpool": logging.ERROR,
}
_MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # a server that fails: MLflow would try for minutes, and we try again anyway
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
}


@lru_cache(maxsize=8)
def client(uri: str) -> Any:
    """MLflow's client for a store, quiet and without telemetry.

    Raises:
        TrackingError: The store cannot be reached.
    """
    with quietly(), told(uri):
        database = database_of(uri)
        if database is not None and not database.exists():
            _create(database)
        if is_server(uri):
            _reach(uri)
        elif uri.startswith(_DATABASES):
            _reach_database(uri)
        return _opened(uri)


def database_of(uri: str) -> Path | None:
    """The file of a store in SQLite; None of a server."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(uri.removeprefix(_SQLITE).partition("?")[0])


def is_server(uri: str) -> bool:
    """Whether a server stands before the store, and decides where files go."""
    return uri.startswith(("http://", "https://"))


def _reach(uri: str) -> None:
    """Ask a server once whether it is there: MLflow would try for minutes."""
    try:
        parts = urlsplit(uri)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        urlopen(f"{bare.rstrip('/')}/health", timeout=_PATIENCE_S).close()
    except HTTPError:
        pass  # whatever it answers, it is there
    except (OSError, HTTPException, ValueError) as error:
        raise _not_reached(uri, str(getattr(error, "reason", error))) from None


def _reach_database(uri: str) -> None:
    """As `_reach`: MLflow would try a database that is not there for minutes too."""
    import sqlalchemy

    try:
        timeout = {"connect_timeout": _PATIENCE_S}
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool, connect_args=timeout)
        engine.connect().close()
    except sqlalchemy.exc.OperationalError as error:
        raise _not_reached(uri, str(error.orig)) from None


def _not_reached(uri: str, reason: str) -> TrackingError:
    return TrackingError(
        f"The store of runs cannot be reached: {masked(reason)}",
        where=masked(uri),
        mend="look whether it runs, or change tracking.uri",
    )


def _opened(uri: str) -> Any:
    from mlflow import MlflowClient

    made = MlflowClient(tracking_uri=uri, registry_uri=uri)
    made.search_experiments(max_results=1)
    return made


def _create(path: Path) -> None:
    """Create a database aside, then put it in place.

    It takes seconds: who stops it halfway must not find half a database there for ever, and of two
    who begin at the same time the first wins.
    """
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        _opened(f"{_SQLITE}{aside}")
        with suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        for left in path.parent.glob(f"{aside.name}*"):
            left.unlink()


@contextmanager
def quietly() -> Iterator[None]:
    """MLflow without telemetry, progress bars, and advice on its own insides."""
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401 - sets the level of its logger, which is then set again

        for name, level in _TALKATIVE.items():
            logging.getLogger(name).setLevel(level)
        yield


def model_of_run(uri: str, run_id: str) -> tuple[str, str]:
    """The URI of a run's model and the digest that was recorded with it.

    Raises:
        NotFoundError: The run has no model.
    """
    outputs = client(uri).get_run(run_id).outputs
    if outputs is None or not outputs.model_outputs:
        raise NotFoundError(
            f"The run {run_id} has no model.", mend="name a run that finished: assay runs"
        )
    model_uri = f"models:/{outputs.model_outputs[-1].model_id}"
    return model_uri, logged_model(uri, model_uri).tags.get(DIGEST, "")


def logged_model(uri: str, model_uri: str) -> Any:
    """What MLflow knows of 'models:/m-...'."""
    return client(uri).get_logged_model(model_uri.rpartition("/")[2])


def local_model(uri: str, model_uri: str, into: Path) -> Path:
    """A model's folder, copied below `into` unless it is a local one anyway."""
    location = logged_model(uri, model_uri).artifact_location
    if location.startswith("file:"):
        return Path(url2pathname(urlparse(location).path))
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(location, dst_path=str(into), tracking_uri=uri))


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turns what MLflow raises into a TrackingError in our three parts."""
    import sqlalchemy.exc
    from mlflow.exceptions import MlflowException

    try:
        yield
    except ModuleNotFoundError as error:
        raise no_package(error.name or str(error), uri) from error
    except UnicodeEncodeError as error:
        raise RefusedError(
            f"The store of runs takes only text that is UTF-8: {masked(ascii(error.object))}",
            where=masked(uri),
            mend="write it in UTF-8",
        ) from error
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        is_full = any(each in reason for each in _FULL)
        mend = "look whether it runs and may be written, or change tracking.uri"
        raise (RefusedError if _is_for_good(error) else TrackingError)(
            f"The store of runs refused: {masked(reason)}",
            where=masked(uri),
            mend="free some space" if is_full else mend,
        ) from error


def _is_for_good(error: Exception) -> bool:
    """Whether the store will say the same however often it is asked.

    MLflow says BAD_REQUEST of whatever its database raises, also of what passes.
    """
    from sqlalchemy.exc import DataError, IntegrityError

    code = getattr(error, "error_code", "")
    cause = error.__cause__ or error.__context__
    return code == "INVALID_PARAMETER_VALUE" or (
        code == "BAD_REQUEST" and isinstance(cause, DataError | IntegrityError)
    )


def no_package(name: str, uri: str) -> TrackingError:
    """What the store needs is not installed."""
    what = _PACKAGES.get(name, name)
    return TrackingError(
        f"The store of runs needs the package {name}, which is not installed.",
        where=masked(uri),
        mend=f"pip install {what}",
    )


def _forget_connections() -> None:
    """Of the parent's, in a process that was forked: two cannot speak through one."""
    for kind in ("tracking", "model_registry"):
        module = sys.modules.get(f"mlflow.store.{kind}.sqlalchemy_store")
        for engine in module.SqlAlchemyStore._engine_map.values() if module else ():
            engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
