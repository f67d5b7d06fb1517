"""A model that many tests serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.inference.loading import LoadedModel, load_folder
from tests.serving.models import packed


@pytest.fixture(scope="session")
def packed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model is."""
    folder = tmp_path_factory.mktemp("served")
    packed(folder)
    return folder / "model"


@pytest.fixture(scope="session")
def loaded(packed_folder: Path) -> LoadedModel:
    return load_folder(packed_folder, name="model/1")


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """As `loaded`, of a model whose every policy says error."""
    every = ("unexpected_null", "unseen_category", "out_of_range")
    return packed(tmp_path_factory.mktemp("strict"), policies=dict.fromkeys(every, "error"))


@pytest.fixture(scope="session")
def row() -> dict[str, object]:
    """A row that fits."""
    from tests.serving.models import mixed

    frame = mixed()[["a", "b", "c", "kind", "whole", "when", "flag"]]
    first: dict[str, object] = frame.dropna().head(1).to_dict("records")[0]
    return {
        name: value.item() if hasattr(value, "item") else value for name, value in first.items()
    }
