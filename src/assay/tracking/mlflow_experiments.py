"""Experiments in MLflow: found whatever they are called, created once, their runs named apart.

Also among processes that begin at the same moment: one store file lets in one after the other; of a
server it is looked afterwards whether two runs took the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from assay.errors import TrackingError
from assay.provenance import masked
from assay.tracking.mlflow_client import client, database_of
from assay.tracking.store import unique_name
from assay.workspace import file_name

_PATIENCE_S = 60
_PARENT = "mlflow.parentRunId"
_KEY = "assay.key"


def begun(
    uri: str, experiment: str, name: str, tags: Mapping[str, str], artifacts: Path | None
) -> str:
    """Begin a run under a name that no other run of the experiment has; returns its id.

    Raises:
        TrackingError: The experiment was deleted, or others keep the store busy.
    """
    asked = client(uri)
    with _one_at_a_time(uri):
        experiment_id = _ensured(uri, experiment, artifacts)
        free = unique_name(name, {run.info.run_name for run in runs_of(uri, [experiment_id])})
        run_id: str = asked.create_run(experiment_id, run_name=free, tags=dict(tags)).info.run_id
    if database_of(uri) is None:
        names = [run.info.run_name for run in runs_of(uri, [experiment_id])]
        if names.count(free) > 1:
            asked.update_run(run_id, name=f"{free}-{run_id[:6]}")
    return run_id


def child_of(uri: str, run_id: str, name: str, key: str) -> str:
    """The id of the run's child with this key, which is begun if there is none."""
    asked = client(uri)
    experiment_id = asked.get_run(run_id).info.experiment_id
    if key:
        wanted = f"tags.`{_KEY}` = '{key}' AND tags.`{_PARENT}` = '{run_id}'"
        for run in every(asked.search_runs, [experiment_id], filter_string=wanted):
            return str(run.info.run_id)
    tags = {_PARENT: run_id, **({_KEY: key} if key else {})}
    return str(asked.create_run(experiment_id, run_name=name, tags=tags).info.run_id)


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


def every(search: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
    """All that a search of MLflow's finds, page by page."""
    token = None
    while True:
        page = search(*arguments, page_token=token, **named)
        yield from page
        token = page.token
        if not token:
            return


def _ensured(uri: str, name: str, artifacts: Path | None) -> str:
    """The id of the experiment, which is created if need be."""
    from mlflow.exceptions import MlflowException

    asked = client(uri)
    found = asked.get_experiment_by_name(name)
    if found is None:
        location = None
        if artifacts is not None and database_of(uri) is not None:
            location = (artifacts / file_name(name)).absolute().as_uri()
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


@contextmanager
def _one_at_a_time(uri: str) -> Iterator[None]:
    """Nobody else begins a run in this store file meanwhile; a server is not held up."""
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
