"""What registries are tested on, and a model with versions in them."""

from __future__ import annotations

from itertools import count
from uuid import uuid4

import pytest

from assay.tracking.mlflow_client import DIGEST, client

SQLITE, POSTGRESQL, SERVER = "sqlite", "postgresql", "server"
DATABASES = [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.slow)]
EVERY = [*DATABASES, pytest.param(SERVER, marks=pytest.mark.slow)]
_NUMBER = count()


def with_versions(uri: str, n: int) -> str:
    """A new model with n versions."""
    name = f"model-{next(_NUMBER)}-{uuid4().hex[:6]}"
    client(uri).create_registered_model(name)
    for i in range(1, n + 1):
        # a server takes no place on its own disk
        source = "s3://bucket/model"
        client(uri).create_model_version(name, source=source, tags={DIGEST: f"digest-{i}"})
    return name
