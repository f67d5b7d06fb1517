"""Recipes of networks for tables: sizes that suit the table, and nets that follow from JSON."""

from __future__ import annotations

import json

import pytest
import torch

from assay.data.schema import Task
from assay.learners.encoding import Encoding, Target
from assay.learners.networks import Architecture, Recipe
from assay.learners.tabular import (
    MlpOptions,
    TableRecipe,
    TabularNetOptions,
    training_for,
)
from assay.training.settings import LoopSettings
from tests.tables import prepared

RECIPES = [
    TableRecipe(MlpOptions()),
    TableRecipe(MlpOptions(residual=True, frequencies=0)),
    TableRecipe(TabularNetOptions()),
    TableRecipe(TabularNetOptions(members=3, width=8, depth=1)),
]


def fitted(recipe: Recipe, task: Task) -> tuple[Encoding, Target, Architecture]:
    part = prepared(task).development
    encoding, target = recipe.encode(part, 0), Target.of(part)
    return encoding, target, recipe.architecture(encoding, target)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("task", list(Task))
def test_what_is_encoded_goes_through_what_is_built(recipe: Recipe, task: Task) -> None:
    encoding, target, architecture = fitted(recipe, task)
    arrays = encoding.arrays(prepared(task).development.features)
    inputs = {name: torch.from_numpy(each) for name, each in arrays.items()}
    outputs = architecture.build()(**inputs)
    assert len(outputs) == len(arrays["numeric"])
    assert outputs.shape[-1] == target.n_outputs


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_module_is_built_again_from_json(recipe: Recipe) -> None:
    _, _, architecture = fitted(recipe, Task.BINARY)
    again = Architecture(architecture.path, json.loads(json.dumps(dict(architecture.arguments))))
    again.build().load_state_dict(architecture.build().state_dict())


def test_options_are_what_is_built() -> None:
    _, _, architecture = fitted(RECIPES[3], Task.BINARY)
    body = architecture.build().body
    assert (body.n_members, len(body.hidden)) == (3, 1)


@pytest.mark.parametrize("n_rows", [None, 2, 50, 999, 5_000, 40_000, 150_000, 10_000_000])
def test_every_table_has_settings_of_the_loop(n_rows: int | None) -> None:
    settings = LoopSettings(**training_for(n_rows))
    assert settings.patience is not None
    assert settings.patience < settings.epochs or settings.epochs < 10
    assert 0 < settings.batch_size <= 1024


def test_larger_tables_have_larger_batches_and_fewer_epochs() -> None:
    settings = [LoopSettings(**training_for(n)) for n in (500, 3_000, 15_000, 60_000, 600_000)]
    batches = [each.batch_size for each in settings]
    epochs = [each.epochs for each in settings]
    assert batches == sorted(batches)
    assert epochs == sorted(epochs, reverse=True)
