"""`resnet` learns images: decoded once, scaled by the training rows, and refused where none is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

import assay
from assay.data.dataset import Part
from assay.data.images import ImageSize
from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError, LearnerError
from assay.learners.builtin import make_learner
from assay.learners.images import ImageEncoding, ResNetOptions, ResNetRecipe, scale_of, training_for
from assay.learners.networks import NetworkModel
from assay.learners.protocol import FitContext
from assay.tracking.memory import MemoryStore
from assay.training.augmentation import Augmentation
from assay.training.settings import LoopSettings
from assay.workspace import Workspace

FIXED = {"precision": "fp32", "threads": 1, "channels_last": False, "loader_workers": 0}
"""What would else be measured."""


def digits(n: int = 1797) -> pd.DataFrame:
    given = load_digits()
    return pd.DataFrame({"image": list(given.images[:n]), "digit": given.target[:n]})


def parts(frame: pd.DataFrame) -> tuple[Part, Part]:
    settings = DataSettings(source="t", target="digit", task="multiclass")
    development = prepare(from_frame(frame), settings, "t").development
    held = np.arange(len(development)) % 5 == 0
    return development.take(~held), development.take(held)


def test_digits_are_told_apart() -> None:
    train, validation = parts(digits())
    learner = make_learner("resnet", {"widths": [8, 16], "erase": 0.0})
    learner = learner.with_training({"epochs": 5, **FIXED})
    model = learner.fit(train, validation, FitContext(seed=1))
    said = model.predict(validation.features)
    right = said.classes[said.probabilities.argmax(1)] == validation.known_target
    assert right.mean() > 0.85


def test_the_scale_is_that_of_the_training_rows() -> None:
    train, _ = parts(digits(200))
    encoding = ResNetRecipe().encode(train, seed=0)
    pixels = encoding.arrays(train.features)
    assert encoding.mean[0] == pytest.approx(pixels.mean())
    assert encoding.deviation[0] == pytest.approx(pixels.std())


def test_the_scale_of_each_channel_is_its_own() -> None:
    pixels = np.random.default_rng(0).integers(256, size=(2100, 3, 4, 5)).astype(np.uint8)
    pixels[:, 1] //= 2
    mean, deviation = scale_of(pixels)
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)))
    np.testing.assert_allclose(deviation, pixels.std((0, 2, 3)))


def test_training_images_are_kept_in_the_workspace_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path / "w"))
    workspace = Workspace.find().ensure()
    train, validation = parts(digits(200))
    encoding = ResNetRecipe().encode(train, seed=0)
    assert isinstance(encoding.arrays(train.features), np.memmap)
    encoding.arrays(validation.features)
    assert len(list(workspace.images_folder.iterdir())) == 1


def test_a_row_without_an_image_is_named() -> None:
    train, validation = parts(digits(200))
    learner = make_learner("resnet", {"widths": [4]}).with_training({"epochs": 1, **FIXED})
    model = learner.fit(train, None, FitContext())
    features = validation.features.copy()
    features.iloc[3, 0] = np.nan
    with pytest.raises(DataError, match="The image of row 3 cannot be read: there is none"):
        model.predict(features)


def test_a_table_without_images_or_with_two_is_refused() -> None:
    frame = digits(60)
    for given, what in (
        (frame.assign(image=range(60)), "resnet sees images, and no feature is one"),
        (frame.assign(other=frame["image"]), "resnet sees one column of images, and there are 2"),
    ):
        with pytest.raises(LearnerError, match=what):
            assay.train(
                given, target="digit", learner="resnet", store=MemoryStore(),
                settings={"data": {"task": "multiclass"}},
            )  # fmt: skip


def test_the_pretrained_backbone_is_saved_with_what_it_became(tmp_path: Path) -> None:
    train, _ = parts(digits(40))
    learner = make_learner("resnet", {"pretrained": True, "size": [32, 32]})
    learner = learner.with_training({"epochs": 1, "phases": [], **FIXED})
    model = learner.fit(train, None, FitContext())
    (tmp_path / "m").mkdir()
    model.save(tmp_path / "m")
    again = NetworkModel.load(tmp_path / "m")
    expected = model.predict(train.features).probabilities
    np.testing.assert_array_equal(again.predict(train.features).probabilities, expected)


@pytest.mark.parametrize("n", [None, 50, 500, 5_000, 50_000, 5_000_000])
@pytest.mark.parametrize("pretrained", [True, False])
def test_its_training_is_one_that_can_be_set(n: int | None, pretrained: bool) -> None:
    recipe = ResNetRecipe(ResNetOptions(pretrained=pretrained))
    settings = LoopSettings(**recipe.training(n))
    assert settings.patience is None
    assert 10 <= settings.epochs <= 60


def test_fewer_rows_take_more_epochs_of_smaller_batches() -> None:
    few, many = training_for(1_000), training_for(60_000)
    assert few["epochs"] > many["epochs"]
    assert few["batch_size"] < many["batch_size"]
    assert many["epochs"] == 12


def test_large_images_are_predicted_a_few_at_a_time() -> None:
    size = {28: 1024, 224: 83, 4096: 1}
    for side, rows in size.items():
        encoding = ImageEncoding.__new__(ImageEncoding)
        object.__setattr__(encoding, "size", type("S", (), {"height": side, "width": side}))
        assert encoding.rows_at_once == rows


def test_augmentation_is_what_the_options_say() -> None:
    few, many = (ImageEncoding("image", ImageSize(28, 28, 1), (0.0,), (1.0,), n_rows=n)
                 for n in (1_000, 54_000))  # fmt: skip
    still = ResNetRecipe(ResNetOptions(shift=0, erase=0))
    assert still.augment(few) is still.augment(many) is None
    plain = ResNetRecipe(ResNetOptions(flip=True))
    assert plain.augment(few) == Augmentation(0.1, 0.0, True, 0.25)
    assert plain.augment(many) == Augmentation(0.04, 0.0, True, 0.0)
    asked = ResNetRecipe(ResNetOptions(shift=0.2, erase=0.5))
    assert asked.augment(few) == asked.augment(many) == Augmentation(0.2, 0.0, False, 0.5)
