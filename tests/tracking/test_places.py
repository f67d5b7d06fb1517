"""Whatever a killed process left goes to the store it was for, wherever one stands meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from assay.errors import RefusedError, TrackingError
from assay.monitor import AssayWarning
from assay.place import Place
from assay.tracking.memory import MemoryStore
from assay.tracking.mlflow_client import told
from assay.tracking.recorder import Status


def abandoned(place: Place) -> str:
    """A run whose process was killed before it had sent anything."""
    recorder = place.begin("income", "linear", {})
    spool, shipper = recorder._session._open
    shipper.stop()
    recorder.metrics({"loss": 0.5}, 1)
    spool.close(keep=True)
    recorder._session._open = None
    return recorder.run_id


def test_an_address_of_a_file_is_the_same_from_everywhere(
    workspace: Path, template_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "below").mkdir(parents=True)
    (tmp_path / "a" / "runs.db").write_bytes(template_database.read_bytes())
    monkeypatch.chdir(tmp_path / "a")
    run_id = abandoned(Place.to_begin("sqlite:///runs.db", None))
    monkeypatch.chdir(tmp_path / "a" / "below")
    place = Place.to_find()
    assert place.store.history(run_id, "loss") == [(1, 0.5)]
    assert place.store.get(run_id).status is Status.INTERRUPTED
    assert not (tmp_path / "a" / "below" / "runs.db").exists()


def test_what_is_for_a_store_that_was_handed_over_waits_for_it(workspace: Path) -> None:
    store = MemoryStore()
    run_id = abandoned(Place.to_begin(None, store))
    for other in (None, MemoryStore()):
        place = Place.to_find(other, settles=False)
        [unsent] = place.settle(patience_s=0).unsent
        assert "It waits for the store that it was given to" in unsent
    Place.to_find(store)
    assert store.history(run_id, "loss") == [(1, 0.5)]


def test_what_a_command_finds_refused_is_told(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place.to_begin(None, None)
    run_id = abandoned(place)

    def refuse(*_: object, **__: object) -> None:
        raise RefusedError("No such name.", mend="another")

    monkeypatch.setattr("assay.tracking.mlflow.MlflowRecorder.points", refuse)
    with pytest.warns(AssayWarning, match="will not take 1 of the records of income/linear"):
        found = Place.to_find()
    assert found.store.get(run_id).status is Status.INTERRUPTED


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (PoolTimeout("QueuePool limit"), TrackingError),
        (IntegrityError("insert", {}, ValueError("NOT NULL")), RefusedError),
    ],
)
def test_only_what_never_passes_is_refused_for_good(cause: Exception, error: type) -> None:
    def fail() -> None:
        with told("sqlite:///x"):
            raise MlflowException(str(cause), error_code=BAD_REQUEST) from cause

    with pytest.raises(TrackingError) as caught:
        fail()
    assert type(caught.value) is error
