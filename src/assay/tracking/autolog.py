"""Taking over what a learner of one's own logs with MLflow, and what `mlflow.autolog` sees of it.

For the time of a fit MLflow's global state points at a throwaway store; what is in it then is
recorded like all else. So the team's store has one writer, nothing is logged twice, and whatever
the user has set up in MLflow is afterwards as it was.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.tracking.mlflow_client import quietly
from assay.tracking.recorder import Point, Recorder, Status

_OURS = "mlflow."
_PARENT = "mlflow.parentRunId"
_BARE = {"log_models": False, "log_datasets": False, "log_input_examples": False}
_VARIABLES = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
)
_FILE_STORE = "MLFLOW_ALLOW_FILE_STORE"


@contextmanager
def taken_over(recorder: Recorder) -> Iterator[None]:
    """Record what the block logs with MLflow: params, metrics with their history, tags.

    One run goes straight to the recorder; of several each becomes a child of it. Files and models
    are left out: the model is recorded by whoever asked for the fit.

    Args:
        recorder: Of the fit.
    """
    with tempfile.TemporaryDirectory() as folder, quietly():
        uri = (Path(folder) / "runs").as_uri()
        with _pointed_at(uri):
            with _logging_by_itself():
                yield
            _record(uri, recorder)


@contextmanager
def _pointed_at(uri: str) -> Iterator[None]:
    """MLflow's global state is fresh and points at a store, then is what it was."""
    from mlflow.tracking import fluent
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    state: Any = fluent  # there is no other way to set a user's own active run aside
    variables = {name: os.environ.pop(name, None) for name in (*_VARIABLES, _FILE_STORE)}
    experiment, state._active_experiment_id = state._active_experiment_id, None
    running = state._active_run_stack.get()
    state._active_run_stack.set([])
    os.environ[_FILE_STORE] = "true"
    try:
        with _use_tracking_uri(uri):
            yield
    finally:
        state._active_run_stack.set(running)
        state._active_experiment_id = experiment
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _logging_by_itself() -> Iterator[None]:
    """`mlflow.autolog` is on, without models and data sets, then as it was; no run stays open."""
    import mlflow
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS as CONFIGURED
    from mlflow.utils.import_hooks import _post_import_hooks

    before = {name: dict(settings) for name, settings in CONFIGURED.items()}
    hooks = {name: list(each or ()) for name, each in _post_import_hooks.items()}
    for settings in CONFIGURED.values():  # of the user's own calls, which go before a general one
        settings.update({name: value for name, value in _BARE.items() if name in settings})
    mlflow.autolog(**_BARE, log_model_signatures=False, log_traces=False, silent=True)
    try:
        yield
    finally:
        while mlflow.active_run() is not None:
            mlflow.end_run()
        general = before.get("mlflow") or {"disable": True}
        mlflow.autolog(**{**general, "silent": True})
        CONFIGURED.update(before)
        _post_import_hooks.clear()  # else every later import of a library goes through MLflow
        _post_import_hooks.update(hooks)


def _record(uri: str, recorder: Recorder) -> None:
    """Record every run of a store."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.search_runs([each.experiment_id for each in client.search_experiments()])
    runs = sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
    outermost = [run for run in runs if _PARENT not in run.data.tags]
    recorders: dict[str, Recorder] = {}
    for number, run in enumerate([*outermost, *(run for run in runs if run not in outermost)], 1):
        inside = recorders.get(run.data.tags.get(_PARENT, ""), recorder)
        alone = len(outermost) == 1 and run is outermost[0]
        recorders[run.info.run_id] = inside if alone else inside.child(f"mlflow-{number}")
        _tell(run, client, recorders[run.info.run_id])
    for run_id, made in reversed(recorders.items()):
        if made is not recorder:
            made.finish(_ending(client.get_run(run_id)))


def _tell(run: Any, client: Any, recorder: Recorder) -> None:
    if run.data.params:
        recorder.params(run.data.params)
    points = [
        Point(each.key, each.value, each.step, each.timestamp)
        for name in run.data.metrics
        for each in client.get_metric_history(run.info.run_id, name)
    ]
    if points:
        recorder.points(points)
    tags = _own(run.data.tags)
    if tags:
        recorder.tags(tags)


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if not name.startswith(_OURS)}


def _ending(run: Any) -> Status:
    return Status.FINISHED if run.info.status == "FINISHED" else Status.FAILED
