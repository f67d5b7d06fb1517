"""`image` fine-tunes: what it refuses, what each strategy moves, and how it goes on."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import assay
from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import AssayError, LearnerError
from assay.learners import adapt
from assay.learners.builtin import check_options, comparable, make_learner, trains_in_steps
from assay.learners.networks import NetworkLearner
from assay.learners.pretrained_images import ImageModel, ImageOptions, ImageRecipe
from assay.learners.protocol import FitContext
from assay.learners.settings import ModelSettings
from assay.monitor import Answer
from assay.networks.pretrained_images import config_for, pretrained_net, unweighted
from assay.tracking.memory import MemoryStore
from assay.training.augmentation import Augmentation
from assay.training.freezing import blocks
from assay.training.settings import LoopSettings
from tests.tiny_vision import DEVIATION, FIXED, KINDS, MEAN, SIDE, pictures, written

FRAME = pictures(Task.BINARY, 60)


def part(n: int = 48) -> Part:
    settings = DataSettings(source="t", target="y")
    return prepare(from_frame(pictures(Task.BINARY, n)), settings, "t").development


def learner(folder: Path, training: dict[str, Any] | None = None, **options: Any) -> NetworkLearner:
    made = make_learner("image", {"model": str(folder), **options})
    assert isinstance(made, NetworkLearner)
    return made.with_training({"batch_size": 16, **FIXED, **(training or {})})


def recipe(folder: Path, **options: Any) -> ImageRecipe:
    return ImageRecipe(ImageOptions(model=str(folder), **options))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind of model."""
    base = tmp_path_factory.mktemp("vision")
    return {kind: written(base / kind, kind) for kind in KINDS}


# what is refused


def test_a_model_has_to_be_named() -> None:
    store = MemoryStore()
    with pytest.raises(AssayError) as caught:
        assay.train(FRAME, target="y", learner="image", store=store)
    said = str(caught.value)
    assert "model.options.model has to be given: a folder, an installed package" in said
    assert "model: google/vit-base-patch16-224-in21k" in said
    assert store.runs() == []


@pytest.mark.parametrize(("given", "said"), [("", "at least 1 character"), (3, "valid string")])
def test_a_name_that_is_none_is_told_as_it_was_given(given: Any, said: str) -> None:
    [(option, what, mend)] = check_options("image", {"model": given})
    assert option == "model"
    assert what.startswith(f"is {given!r}: ")
    assert said in what
    assert mend == "model: google/vit-base-patch16-224-in21k"


def test_without_transformers_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tiny_vision: Path
) -> None:
    def blocked(name: str) -> Any:
        return None if name == "transformers" else importlib.util.find_spec(name)

    monkeypatch.setattr(adapt, "find_spec", blocked)
    with pytest.raises(LearnerError, match="vision model, and transformers cannot be") as caught:
        adapt.check_fit_for(learner(tiny_vision), Task.BINARY)
    assert caught.value.mend == "pip install 'assay-ml[huggingface]', or learner: resnet"


@pytest.mark.parametrize(
    ("kind", "options", "what", "mend"),
    [
        ("vit", {"size": [2, 2]}, "does not see images of 2 x 2 pixels: ",
         f"size: [{SIDE}, {SIDE}], for which it was made"),
        ("convnext", {"size": [2, 2]}, "does not see images of 2 x 2 pixels: ",
         f"size: [{SIDE}, {SIDE}], for which it was made"),
        ("resnet", {"strategy": "lora"}, "Adapters are laid beside linear layers, and ",
         "strategy: layer-decay, or phases"),
        ("convnext", {"dropout": 0.1}, "has no dropout that could be set otherwise",
         "leave dropout out"),
    ],
)  # fmt: skip
def test_what_a_model_cannot_do_is_refused_before_anything_is_recorded(
    kind: str, options: dict[str, Any], what: str, mend: str, folders: dict[str, Path]
) -> None:
    store = MemoryStore()
    with pytest.raises(LearnerError) as caught:
        assay.train(
            FRAME, target="y", learner="image", store=store,
            settings={"model": {"options": {"model": str(folders[kind]), **options}}},
        )  # fmt: skip
    assert what in caught.value.what
    assert caught.value.mend == mend
    assert caught.value.where.startswith("model.options.")
    assert store.runs() == []


def test_a_table_without_images_or_with_two_is_refused(tiny_vision: Path) -> None:
    for given, what in (
        (FRAME.assign(image=range(60)), "image sees images, and no feature is one"),
        (FRAME.assign(other=FRAME["image"]), "image sees one column of images, and there are 2"),
    ):
        with pytest.raises(LearnerError, match=what):
            assay.train(
                given, target="y", learner="image", store=MemoryStore(),
                settings={"model": {"options": {"model": str(tiny_vision)}}},
            )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "training", "said"),
    [
        ({"lora": {"rank": 2}}, {}, "the strategy is full"),
        ({"strategy": "phases"}, {"epochs": 1}, "training.epochs is set, and strategy: phases has"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    options: dict[str, Any], training: dict[str, Any], said: str, tiny_vision: Path
) -> None:
    made = make_learner("image", {"model": str(tiny_vision), **options})
    with pytest.raises(LearnerError, match=said):
        adapt.check_fit_for(made.with_training(training), Task.BINARY)


def test_it_is_a_network_that_is_compared_with_no_other() -> None:
    assert trains_in_steps("image")
    assert comparable("image") == ["image"]
    assert "image" not in comparable("resnet")


def test_a_folder_beside_the_experiment_is_found_and_its_files_are_pinned(
    tiny_vision: Path,
) -> None:
    settings = ModelSettings(learner="image", options={"model": tiny_vision.name})
    made = adapt.resolve_learner(settings, tiny_vision.parent)
    free = made.recipe
    assert (free.options.model, free.chosen) == (str(tiny_vision), {})
    pinned = free.pinned({})
    assert free.pinned(pinned.chosen) == pinned
    with pytest.raises(LearnerError, match="holds other files than revision 0000"):
        free.pinned({"revision": "0" * 40})


# what it sees


def test_images_are_decoded_once_and_scaled_as_the_model_was_pretrained(tiny_vision: Path) -> None:
    rows = part()
    encoding = recipe(tiny_vision).encode(rows, 0)
    assert encoding.size.shape == (1, SIDE, SIDE)
    np.testing.assert_allclose(encoding.mean, np.array(MEAN) * 255)
    np.testing.assert_allclose(encoding.deviation, np.array(DEVIATION) * 255)
    assert encoding.arrays(rows.features).dtype == np.uint8


def test_training_images_are_moved_and_nothing_else_unless_it_is_asked_for(
    tiny_vision: Path,
) -> None:
    encoding = recipe(tiny_vision).encode(part(), 0)
    assert recipe(tiny_vision).augment(encoding) == Augmentation(shift=0.1)
    assert recipe(tiny_vision, shift=0).augment(encoding) is None
    asked = {"shift": 0.2, "turn": 5.0, "flip": True, "erase": 0.3}
    assert recipe(tiny_vision, **asked).augment(encoding) == Augmentation(**asked)


# what moves

HEAD = {"classifier"}
UPPER = HEAD | {"layers.1"}
ALL = UPPER | {"layers.0", "embeddings"}


def moving(folder: Path, model: ImageModel) -> set[str]:
    """The parts of the network of which any bit is another one."""
    given = {"config": config_for(str(folder), None, 2, ["no", "yes"]), "revision": None,
             "dropout": None, "lora": None, "interpolates": False}  # fmt: skip
    net = pretrained_net(source=str(folder), mean=MEAN, deviation=DEVIATION, **given)
    before, now = dict(net.named_parameters()), dict(model.module.named_parameters())
    assert before.keys() == now.keys()
    changed = [name for name, each in before.items() if not torch.equal(each, now[name])]
    return {part_of(name) for name in changed}


def part_of(name: str) -> str:
    """A norm behind the last layer counts with it."""
    for mark in ("classifier", "layers.1", "layers.0", "embeddings"):
        if mark in name:
            return mark
    assert ".vit.layernorm." in name
    return "layers.1"


@pytest.mark.parametrize(
    ("strategy", "n_phases", "expected"),
    [
        ("head", 1, HEAD),
        ("phases", 2, UPPER),
        ("phases", 3, ALL),
        ("full", 0, ALL),
        ("layer-decay", 0, ALL),
        ("lora", 0, ALL - {"embeddings"}),
    ],
)
def test_a_strategy_moves_what_it_says_and_nothing_else_by_a_bit(
    strategy: str, n_phases: int, expected: set[str], tiny_vision: Path
) -> None:
    made = learner(tiny_vision, strategy=strategy)
    phases = made.recipe.training(None).get("phases", ())[:n_phases]
    phases = tuple({**phase, "epochs": 1, "learning_rate": 1e-2} for phase in phases)
    training = {"phases": phases, "epochs": max(len(phases), 1), "learning_rate": 1e-2}
    model = made.with_training(training).fit(part(), None, FitContext())
    assert moving(tiny_vision, model) == expected
    told = {
        part_of(name): not words.startswith("0% ")
        for name, words in model.about["training"].items()
        if name.startswith("moved ")
    }
    assert {name for name, moved in told.items() if moved} == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_has_an_embedding_its_layers_or_stages_and_a_head(
    kind: str, folders: dict[str, Path]
) -> None:
    names = [block.name for block in blocks(unweighted(str(folders[kind]), None))]
    assert len(names) == 4
    assert names[0].startswith("classifier")
    assert "1" in names[1]
    assert "0" in names[2]
    assert "embed" in names[3]
    settings = LoopSettings(**recipe(folders[kind], strategy="phases").training(None))
    assert [phase.layers for phase in settings.phases] == [1, 2, "all"]


@pytest.mark.parametrize("dropout", [None, 0.0, 0.3])
def test_dropout_is_what_it_was_or_what_is_asked_for(
    dropout: float | None, tiny_vision: Path
) -> None:
    made = learner(tiny_vision, {"epochs": 1}, dropout=dropout)
    net = made.fit(part(24), None, FitContext()).module
    found = {each.p for each in net.modules() if isinstance(each, torch.nn.Dropout)}
    assert found == {0.1 if dropout is None else dropout}


def test_it_learns_where_the_square_is(tiny_vision: Path) -> None:
    train = part(240)
    held = np.arange(len(train)) % 5 == 0
    made = learner(tiny_vision, {"epochs": 14, "learning_rate": 3e-3, "patience": None}, shift=0)
    model = made.fit(train.take(~held), train.take(held), FitContext(seed=1))
    said = model.predict(train.take(held).features)
    right = said.classes[said.probabilities.argmax(1)] == train.take(held).known_target
    assert right.mean() > 0.85


class Interrupts:
    """Sends this process a signal after the first epoch."""

    def report(self, step: int, metrics: Mapping[str, float]) -> Answer:
        signal.raise_signal(signal.SIGINT)
        return Answer.CONTINUE


def test_what_was_interrupted_goes_on_to_the_same_bits(tiny_vision: Path, tmp_path: Path) -> None:
    train = part(60)
    held = np.arange(len(train)) % 5 == 0
    parts = train.take(~held), train.take(held)
    made = learner(tiny_vision, {"epochs": 3, "learning_rate": 1e-2}, erase=0.2)
    whole = made.fit(*parts, FitContext(seed=2))
    kept = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        made.fit(*parts, FitContext(seed=2, directory=kept, monitor=Interrupts()))
    again = made.fit(*parts, FitContext(seed=2, directory=kept, resume_from=kept))
    features = pd.DataFrame(train.features)
    np.testing.assert_array_equal(
        again.predict(features).probabilities, whole.predict(features).probabilities
    )
