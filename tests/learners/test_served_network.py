"""A network at work gives the same bits from its program, from its weights, and before it is saved.

So what is served by Assay, by plain MLflow and what training judged are the same numbers.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from assay.data.dataset import Part
from assay.data.schema import Task
from assay.learners import encoding, served_network
from assay.learners.exporting import write_program
from assay.learners.networks import Architecture, NetworkModel, Recipe
from assay.learners.served_network import PROGRAM, ServedNetwork
from assay.learners.tabular import (
    MlpOptions,
    TableRecipe,
    TabularNetOptions,
)
from assay.learners.trust import TRUSTED_TYPES
from assay.monitor import AssayWarning
from tests.contracts.learners import numbers
from tests.tables import prepared

RECIPES = {
    "mlp": TableRecipe(MlpOptions(width=16)),
    "residual": TableRecipe(MlpOptions(width=16, residual=True, frequencies=0)),
    "tabular-net": TableRecipe(TabularNetOptions(width=16, members=3)),
}


def network(recipe: Recipe, task: Task) -> tuple[NetworkModel, Part]:
    """A network that has learnt nothing, and rows."""
    part = prepared(task).development
    fitted, target = recipe.encode(part, 0), encoding.Target.of(part)
    torch.manual_seed(0)
    architecture = recipe.architecture(fitted, target)
    return NetworkModel(fitted, target, architecture, architecture.build()), part


def rows_of(part: Part, n: int) -> pd.DataFrame:
    return part.features.iloc[np.arange(n) % len(part)].reset_index(drop=True)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("recipe", RECIPES)
def test_the_program_and_the_weights_give_the_bits_of_the_network(
    recipe: str, task: Task, tmp_path: Path
) -> None:
    model, part = network(RECIPES[recipe], task)
    model.save(tmp_path)
    assert write_program(model, part.features.iloc[:1], tmp_path)
    for rebuild in (False, True):
        served = ServedNetwork.read(tmp_path, TRUSTED_TYPES, rebuild=rebuild)
        for n in (0, 1, 2, 1024, 1500):
            rows = rows_of(part, n)
            np.testing.assert_array_equal(
                numbers(served.predict(rows)), numbers(model.predict(rows))
            )


def test_the_program_holds_no_pickled_tensor(tmp_path: Path) -> None:
    model, part = network(RECIPES["tabular-net"], Task.BINARY)
    model.save(tmp_path)
    assert write_program(model, part.features, tmp_path)
    with zipfile.ZipFile(tmp_path / PROGRAM) as archive:
        held = [name for name in archive.namelist() if name.endswith("_config.json")]
        assert held
        for name in held:
            config = json.loads(archive.read(name))["config"]
            assert not any(each["use_pickle"] for each in config.values())


def test_numerical_threads_are_put_back() -> None:
    model, part = network(RECIPES["mlp"], Task.BINARY)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        model.predict(part.features)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


class Fickle(nn.Module):
    """What it does depends on its inputs' values, which no program can say."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, **given: Tensor) -> Tensor:
        said = self.inner(**given)
        return said if float(said.sum()) > 0 else said * 2


def fickle(**arguments: object) -> Fickle:
    return Fickle(Architecture("assay.networks.tabular:table_net", arguments).build())


def test_a_network_that_cannot_be_exported_is_built_by_its_factory_with_a_warning(
    tmp_path: Path,
) -> None:
    plain, part = network(RECIPES["mlp"], Task.BINARY)
    architecture = Architecture(f"{__name__}:fickle", plain.architecture.arguments)
    model = NetworkModel(plain.encoding, plain.target, architecture, architecture.build())
    model.save(tmp_path)
    with pytest.warns(AssayWarning, match="cannot be exported") as caught:
        assert not write_program(model, part.features, tmp_path)
    said = "has to build its network: pip install assay-ml, and tests where Python finds it."
    assert said in str(caught[0].message)
    assert not (tmp_path / PROGRAM).exists()
    served = ServedNetwork.read(tmp_path, TRUSTED_TYPES)
    rows = part.features
    np.testing.assert_array_equal(numbers(served.predict(rows)), numbers(model.predict(rows)))


def test_the_names_of_encodings_are_those_of_their_classes() -> None:
    from assay.learners.images import ImageEncoding

    for kind, name in ((encoding.Encoding, served_network.OF_TABLES),
                       (ImageEncoding, served_network.OF_IMAGES)):  # fmt: skip
        assert f"{kind.__module__}:{kind.__qualname__}" == name
