"""Models in MLflow: a run's model is a logged model, kept once however often that is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.tracking.mlflow_client import DIGEST, client


def keep_model(uri: str, run_id: str, folder: Path, name: str, digest: str) -> None:
    """Keep the folder of a model with its run; its MLmodel file learns where it belongs."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    asked = client(uri)
    run = asked.get_run(run_id)
    if not _begun(asked, run, name, digest):
        asked.create_logged_model(
            run.info.experiment_id, name, source_run_id=run_id, tags={DIGEST: digest}
        )
    logged, *doubles = _begun(asked, run, name, digest)
    for each in doubles:  # of a server that was asked twice
        asked.delete_logged_model(each.model_id)
    about = Model.load(str(folder))
    about.run_id, about.model_id = run_id, logged.model_id
    aside = folder.with_name(f".{folder.name}.MLmodel")
    about.save(str(aside))
    aside.replace(folder / "MLmodel")
    asked.log_model_artifacts(logged.model_id, str(folder))
    asked.finalize_logged_model(logged.model_id, "READY")
    if logged.model_id in _outputs(run):
        return
    try:
        asked.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    except MlflowException:  # also of a server that was asked twice and heard it the first time
        if logged.model_id not in _outputs(asked.get_run(run_id)):
            raise


def _begun(asked: Any, run: Any, name: str, digest: str) -> list[Any]:
    """The same model, where somebody has kept it already, or has been stopped while doing so."""
    wanted = f"source_run_id = '{run.info.run_id}' AND name = '{name}'"
    found = asked.search_logged_models([run.info.experiment_id], filter_string=wanted)
    same = [each for each in found if each.tags.get(DIGEST) == digest]
    used = _outputs(run)
    return sorted(same, key=lambda each: (each.model_id not in used, each.model_id))


def _outputs(run: Any) -> set[str]:
    """Ids of the models that the run has."""
    return {each.model_id for each in run.outputs.model_outputs} if run.outputs else set()
