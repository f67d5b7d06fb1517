"""Both stores keep the contract."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path

import pyarrow as pa
import pytest

from assay.errors import TrackingError
from assay.tracking.memory import MemoryStore
from assay.tracking.mlflow import MlflowStore
from assay.tracking.store import Store
from tests.contracts.stores import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestMlflowStore(StoreContract):
    @pytest.fixture
    def store(self, workspace: Path) -> Store:
        return MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace / "artifacts")

    def test_its_recorder_pickles(self, store: Store) -> None:
        recorder = self.begun(store)
        pickle.loads(pickle.dumps(recorder)).metrics({"x": 1.0})
        assert store.get(recorder.run_id).metrics == {"x": 1.0}

    def test_a_store_that_cannot_be_opened_is_said(self, tmp_path: Path) -> None:
        missing = MlflowStore(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}", tmp_path)
        (tmp_path / "no").write_text("a file where a folder should be")
        with pytest.raises(TrackingError, match="store of runs refused") as caught:
            missing.runs()
        assert "tracking.uri" in caught.value.mend

    def test_a_driver_that_is_not_installed_is_said(self) -> None:
        with pytest.raises(TrackingError, match="needs the package MySQLdb") as caught:
            MlflowStore("mysql://me:secret@127.0.0.1/runs").runs()
        assert "secret" not in str(caught.value)
        assert caught.value.mend == "pip install mysqlclient"

    def test_a_database_that_is_not_there_is_said_at_once(self) -> None:
        with pytest.raises(TrackingError, match="cannot be reached: ") as caught:
            MlflowStore("postgresql+psycopg://me:secret@127.0.0.1:9/runs").runs()
        assert "secret" not in str(caught.value)
        assert caught.value.where == "postgresql+psycopg://***@127.0.0.1:9/runs"

    def test_a_bucket_needs_its_package_before_anything_is_trained(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("assay.tracking.mlflow_experiments.find_spec", lambda name: None)
        store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", "s3://bucket/runs")
        with pytest.raises(TrackingError, match="needs the package boto3") as caught:
            store.begin("income", "linear", {})
        assert caught.value.mend == "pip install 'assay-ml[s3]'"

    def test_an_outage_is_not_taken_for_nothing_recorded(
        self, store: Store, tmp_path: Path, workspace: Path
    ) -> None:
        run_id = self.begun(store).run_id
        (workspace / "mlflow.db").write_bytes(b"no database" * 1000)
        with pytest.raises(TrackingError, match="store of runs refused"):
            store.findings(run_id)
        with pytest.raises(TrackingError, match="store of runs refused"):
            store.fetch(run_id, "run.json", tmp_path)

    def test_artifacts_stay_below_their_folder(self, store: Store, workspace: Path) -> None:
        recorder = store.begin("..", "linear", {})
        recorder.tags({"a": "b"})
        recorder.table("out_of_fold", pa.table({"row": [1]}))
        [path] = workspace.rglob("out_of_fold.parquet")
        assert (workspace / "artifacts") in path.parents

    def test_a_run_whose_process_died_is_interrupted(self, store: Store) -> None:

        recorder = store.begin(
            "income", "lost", {"assay.process": f"{socket.gethostname()}:999999"}
        )
        record = store.get(recorder.run_id)
        assert (record.status, record.reason) == ("interrupted", "its process is gone")
