"""Registries to test against: SQLite, a real PostgreSQL, and MLflow's own server."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.stores import SERVER, SQLITE, with_versions
from tests.servers import mlflow_server, postgres, postgres_programs


@pytest.fixture(scope="package")
def registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
    template_database: Path,
) -> Iterator[str]:  # fmt: skip
    """The address of a store; which is the parameter."""
    folder = tmp_path_factory.mktemp("registry")
    if request.param == SQLITE:
        yield f"sqlite:///{shutil.copy(template_database, folder / 'mlflow.db')}"
    elif request.param == SERVER:
        with mlflow_server(folder / "server", template_database) as server:
            yield server.uri
    else:
        if postgres_programs() is None:
            pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
        password = secrets.token_hex(8)
        with postgres(password) as address:
            yield f"postgresql+psycopg://assay:{password}@{address}/postgres"


@pytest.fixture
def model(registry: str) -> str:
    """The name of a model with three versions, which nobody has moved."""
    return with_versions(registry, 3)
