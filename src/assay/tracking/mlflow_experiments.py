"""Experiments in MLflow: found whatever they are called, created once, their runs named apart.

Also among processes that begin at the same moment: one store file lets in one after the other; of a
server it is looked afterwards whether two runs took the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from assay.errors import TrackingError
from assay.provenance import masked
from assay.tracking.mlflow_client import client, database_of, is_server, no_package
from assay.tracking.store import unique_name
from assay.workspace import file_name

_PATIENCE_S = 60
_PARENT = "mlflow.parentRunId"
_KEY = "assay.key"


def begun(
    uri: str, experiment: str, name: str, tags: Mapping[str, str], artifacts: Path | str | None
) -> str:
    """Begin a run under a name that no other run of the experiment has; returns its id.

    Raises:
        TrackingError: The experiment was deleted, or others keep the store busy.
    """
    asked = client(uri)
    with one_at_a_time(uri):
        experiment_id = _ensured(uri, experiment, artifacts)
        free = unique_name(name, {run.info.run_name for run in runs_of(uri, [experiment_id])})
        run_id = _created(uri, experiment_id, free, {**tags, _KEY: uuid4().hex})
    if database_of(uri) is None:
        names = [run.info.run_name for run in runs_of(uri, [experiment_id])]
        if names.count(free) > 1:
            asked.update_run(run_id, name=f"{free}-{run_id[:6]}")
    return run_id


def child_of(uri: str, run_id: str, name: str, key: str) -> str:
    """The id of the run's child with this key, which is begun if there is none."""
    experiment_id = client(uri).get_run(run_id).info.experiment_id
    tags = {_PARENT: run_id, _KEY: key or uuid4().hex}
    return _the_one(uri, experiment_id, tags) or _created(uri, experiment_id, name, tags)


def drop_doubles(uri: str, run_id: str) -> None:
    """Remove the children that nobody uses, since their beginning was answered too late."""
    if database_of(uri) is not None:
        return
    asked = client(uri)
    experiment_id = asked.get_run(run_id).info.experiment_id
    wanted = f"tags.`{_PARENT}` = '{run_id}'"
    by_key: dict[str, list[Any]] = {}
    for run in every(asked.search_runs, [experiment_id], filter_string=wanted):
        by_key.setdefault(run.data.tags.get(_KEY, run.info.run_id), []).append(run)
    for runs in by_key.values():
        runs.sort(key=lambda each: (each.info.end_time is None, -len(each.data.metrics)))
        for run in runs[1:]:
            if run.info.end_time is None:
                asked.delete_run(run.info.run_id)


def _created(uri: str, experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    """Begin a run of this key; of a server that was asked twice, and began two, one is kept."""
    asked = client(uri)
    run_id = str(asked.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id)
    return run_id if database_of(uri) is not None else _the_one(uri, experiment_id, tags) or run_id


def _the_one(uri: str, experiment_id: str, tags: Mapping[str, str]) -> str | None:
    """The run of this key; others that have it too are removed."""
    asked = client(uri)
    wanted = f"tags.`{_KEY}` = '{tags[_KEY]}'"
    if _PARENT in tags:
        wanted += f" AND tags.`{_PARENT}` = '{tags[_PARENT]}'"
    found = every(asked.search_runs, [experiment_id], filter_string=wanted)
    runs = sorted(found, key=lambda each: (-len(each.data.metrics), each.info.run_id))
    for double in runs[1:]:
        asked.delete_run(double.info.run_id)
    return str(runs[0].info.run_id) if runs else None


def experiment_ids(uri: str, name: str | None) -> list[str]:
    """The experiment of this name, or all; empty if there is none."""
    if name is not None:
        found = client(uri).get_experiment_by_name(name)
        is_there = found is not None and found.lifecycle_stage == "active"
        return [found.experiment_id] if is_there else []
    return [each.experiment_id for each in every(client(uri).search_experiments)]


def runs_of(uri: str, ids: list[str]) -> list[Any]:
    """MLflow's runs of these experiments that are nobody's child, newest first."""
    if not ids:
        return []
    found = every(client(uri).search_runs, ids, order_by=["start_time DESC"])
    return [run for run in found if _PARENT not in run.data.tags]


def children_of(uri: str, run_id: str) -> list[Any]:
    """MLflow's runs that were begun inside this one, oldest first."""
    experiment_id = client(uri).get_run(run_id).info.experiment_id
    within = f"tags.`mlflow.parentRunId` = '{run_id}'"
    asked = {"filter_string": within, "order_by": ["start_time ASC"]}
    return list(every(client(uri).search_runs, [experiment_id], **asked))


def files_of(uri: str, run_id: str, folder: str | None = None) -> Iterator[str]:
    """Paths of all files of a run, in all its folders."""
    for each in client(uri).list_artifacts(run_id, folder):
        if each.is_dir:
            yield from files_of(uri, run_id, each.path)
        else:
            yield each.path


def every(search: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
    """All that a search of MLflow's finds, page by page."""
    token = None
    while True:
        page = search(*arguments, page_token=token, **named)
        yield from page
        token = page.token
        if not token:
            return


def _ensured(uri: str, name: str, artifacts: Path | str | None) -> str:
    """The id of the experiment, which is created if need be."""
    from mlflow.exceptions import MlflowException

    asked = client(uri)
    found = asked.get_experiment_by_name(name)
    if found is None:
        location = None
        if artifacts is not None and not is_server(uri):
            location = _location(artifacts, name)
        try:
            return str(asked.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = asked.get_experiment_by_name(name)  # somebody was quicker
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"The experiment {name!r} was deleted in the store of runs.",
            where=masked(uri),
            mend=f"mlflow experiments restore --experiment-id {found.experiment_id}, "
            "or choose another name",
        )
    return str(found.experiment_id)


def _location(artifacts: Path | str, name: str) -> str:
    if isinstance(artifacts, Path):
        return (artifacts / file_name(name)).absolute().as_uri()
    if artifacts.startswith("s3:") and find_spec("boto3") is None:
        raise no_package("boto3", artifacts)
    return f"{artifacts.rstrip('/')}/{file_name(name)}"


@contextmanager
def one_at_a_time(uri: str) -> Iterator[None]:
    """Nobody else of ours writes to this store file meanwhile; a server is not held up."""
    database = database_of(uri)
    if database is None:
        yield
        return
    path = database.with_name(f"{database.name}.lock")
    try:
        with FileLock(path, timeout=_PATIENCE_S):
            yield
    except Timeout:
        raise TrackingError(
            f"Another process has kept the store of runs busy for {_PATIENCE_S} s.",
            where=str(path),
            mend="try again; if it hangs, end the process that has this file open",
        ) from None
