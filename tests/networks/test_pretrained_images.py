"""Pretrained vision models: read without running code, adapted, and kept for whoever loads them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import LearnerError
from assay.learners.builtin import make_learner
from assay.learners.exporting import write_program
from assay.learners.fine_tuning import ADAPTER
from assay.learners.pretrained_images import ImageModel
from assay.learners.protocol import FitContext
from assay.learners.served_network import ServedNetwork
from assay.monitor import AssayWarning
from assay.networks.pretrained_images import config_for, pretrained_net, sight
from assay.networks.pretrained_sight import Sight, sight_of
from assay.networks.pretrained_source import Source, find
from assay.networks.reading import hushed
from tests.broken_models import BROKEN, Broken, check_refused, with_code
from tests.tiny_vision import DEVIATION, FIXED, KINDS, MEAN, SIDE, pictures, written


def part(task: Task = Task.MULTICLASS, n: int = 40) -> Part:
    settings = DataSettings(source="t", target="y", task=task)
    return prepare(from_frame(pictures(task, n)), settings, "t").development


def fitted(folder: Path, rows: Part, **options: Any) -> ImageModel:
    learner = make_learner("image", {"model": str(folder), **options})
    settings = {"epochs": 1, "batch_size": 16, "phases": (), "learning_rate": 1e-2, **FIXED}
    return learner.with_training(settings).fit(rows, None, FitContext())


def drawn(folder: Path, n_outputs: int = 2) -> Any:
    """The network of a folder, as it begins to learn."""
    labels = [str(number) for number in range(n_outputs)]
    given = {"config": config_for(str(folder), None, n_outputs, labels), "revision": None,
             "dropout": None, "lora": None, "interpolates": False}  # fmt: skip
    return pretrained_net(source=str(folder), mean=MEAN, deviation=DEVIATION, **given)


@pytest.mark.parametrize(
    ("kind", "strategy"),
    [("vit", "full"), ("vit", "lora"), ("swin", "lora"), ("convnext", "lora"), ("resnet", "full")],
)
def test_what_was_learnt_says_the_same_wherever_it_is_loaded(
    kind: str, strategy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Assay, as a program without `transformers`, and by `transformers` without Assay."""
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    rows = part()
    model = fitted(written(tmp_path / "given", kind), rows, strategy=strategy)
    said = model.predict(rows.features).probabilities
    assert np.isfinite(said).all()
    kept = tmp_path / "kept"
    kept.mkdir()
    model.save(kept)
    shutil.rmtree(tmp_path / "given")
    for path in kept.rglob("*.json"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8"), path
    again = ImageModel.load(kept).predict(rows.features).probabilities
    np.testing.assert_array_equal(again, said)
    assert (kept / ADAPTER).is_dir() == (strategy == "lora")

    with hushed():
        theirs = AutoModelForImageClassification.from_pretrained(kept / "transformer").eval()
    processor = AutoImageProcessor.from_pretrained(kept / "transformer")
    images = [np.repeat(np.asarray(each, np.uint8)[..., None], 3, 2)
              for each in rows.features["image"]]  # fmt: skip
    with torch.no_grad():
        logits = theirs(**processor(images, return_tensors="pt")).logits
        ours = model.module.eval()(torch.from_numpy(model.encoding.arrays(rows.features)))
    torch.testing.assert_close(logits, ours, rtol=0, atol=1e-4)
    assert list(theirs.config.id2label.values()) == ["high", "low", "middle"]

    assert write_program(model, rows.features, kept)
    monkeypatch.setitem(sys.modules, "transformers", None)
    program = ServedNetwork.read(kept, []).predict(rows.features).probabilities
    np.testing.assert_array_equal(program, said)
    with pytest.raises(LearnerError, match="transformers cannot be found") as caught:
        ImageModel.load(kept)
    assert caught.value.mend == "pip install 'assay-ml[huggingface]'"


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_begins_anew_from_the_global_generator(kind: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "given", kind)
    learnt = drawn(folder)
    learnt.wrapped.wrapped.save_pretrained(folder)
    nets = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        nets.append(drawn(folder, 3).state_dict())
    [head] = [name for name in nets[0] if "classifier" in name and name.endswith("weight")]
    assert nets[0][head].shape[0] == 3
    assert torch.equal(nets[0][head], nets[1][head])
    assert not torch.equal(nets[0][head], nets[2][head])
    before = learnt.state_dict()
    for name, each in nets[2].items():
        if "classifier" not in name:
            assert torch.equal(each, before[name]), name


def test_grey_images_are_seen_as_three_equal_colours(tiny_vision: Path) -> None:
    net = drawn(tiny_vision).eval()
    grey = torch.randint(256, (3, 1, SIDE, SIDE), dtype=torch.uint8)
    assert torch.equal(net(grey), net(grey.expand(-1, 3, -1, -1)))


def test_a_preprocessor_of_grey_images_scales_each_colour_alike(
    tiny_vision: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_vision, tmp_path / "grey")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({"size": SIDE, "image_mean": [0.5], "image_std": [0.25]}))
    rows = part()
    model = fitted(folder, rows)
    assert model.encoding.mean == (127.5,) * 3
    assert model.encoding.deviation == (63.75,) * 3
    model.save(tmp_path)
    said = model.predict(rows.features).probabilities
    assert np.isfinite(said).all()
    again = ImageModel.load(tmp_path).predict(rows.features).probabilities
    np.testing.assert_array_equal(again, said)


def test_dropout_without_a_module_is_set_where_the_config_says_it(tmp_path: Path) -> None:
    """CLIP drops attention weights by a number in the config of its half that sees."""
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 64}  # fmt: skip
    vision = {**small, "image_size": SIDE, "patch_size": 4}
    text = {**small, "vocab_size": 50, "bos_token_id": 1, "eos_token_id": 2}
    folder = written(tmp_path / "clip", "clip", vision_config=vision, text_config=text)
    net = fitted(folder, part(), dropout=0.3).module.network.wrapped
    assert not any(isinstance(each, torch.nn.Dropout) for each in net.modules())
    assert net.config.vision_config.attention_dropout == 0.3
    images = torch.zeros(2, 3, SIDE, SIDE)
    net.train()
    assert not torch.equal(net(pixel_values=images).logits, net(pixel_values=images).logits)


def test_a_network_that_cannot_be_exported_tells_what_it_is_built_with(
    tiny_vision: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As BEiT, whose program gives other numbers; whether it does is up to the machine."""
    monkeypatch.delattr(torch.export, "export")
    rows = part()
    model = fitted(tiny_vision, rows)
    model.save(tmp_path)
    with pytest.warns(AssayWarning, match="cannot be exported") as caught:
        assert not write_program(model, rows.features, tmp_path)
    assert "has to build its network: pip install assay-ml transformers." in str(caught[0].message)
    said = model.predict(rows.features).probabilities
    served = ServedNetwork.read(tmp_path, []).predict(rows.features).probabilities
    np.testing.assert_array_equal(served, said)


def test_images_of_another_size_are_seen_by_interpolated_positions(
    tiny_vision: Path, tmp_path: Path
) -> None:
    assert sight(str(tiny_vision), None)[1] is False
    assert sight(str(tiny_vision), None, (24, 32))[1] is True
    rows = part(Task.REGRESSION)
    model = fitted(tiny_vision, rows, size=[24, 32])
    model.save(tmp_path)
    said = model.predict(rows.features).values
    np.testing.assert_array_equal(ImageModel.load(tmp_path).predict(rows.features).values, said)
    assert write_program(model, rows.features, tmp_path)
    np.testing.assert_array_equal(
        ServedNetwork.read(tmp_path, []).predict(rows.features).values, said
    )


def test_no_code_that_comes_with_a_model_is_run(tiny_vision: Path, tmp_path: Path) -> None:
    kind = "AutoModelForImageClassification"
    folder = with_code(tiny_vision, tmp_path / "with code", kind)
    net = drawn(folder)
    assert type(net.wrapped.wrapped).__name__ == "ViTForImageClassification"
    assert "auto_map" not in config_for(str(folder), None, 2, ["a", "b"])


REFUSED = BROKEN | {
    "a torn preprocessor": Broken(
        lambda folder: os.truncate(folder / "preprocessor_config.json", 20),
        "preprocessor_config.json is no JSON",
        "write its files once more",
    ),
    "of texts": Broken(
        lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'),
        "Unrecognized configuration class",
        "AutoModelForImageClassification",
    ),
    "blue before red": Broken(
        lambda folder: (folder / "preprocessor_config.json").write_text(
            '{"do_flip_channel_order": true}'
        ),
        "sees blue before red",
        "give another model",
    ),
    "two colours": Broken(
        lambda folder: (folder / "preprocessor_config.json").write_text('{"image_std": [1, 2]}'),
        "sees images of three colours, and is told image_std [1, 2]",
        "image_std: [..., ..., ...], of red, green and blue",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_cause(
    case: str, tiny_vision: Path, tmp_path: Path
) -> None:
    def fit(folder: Path) -> Any:
        return fitted(folder, part())

    check_refused(REFUSED[case], tiny_vision, tmp_path / "model", fit)


def test_a_model_that_sees_no_colours_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "grey", "vit", num_channels=1)
    with pytest.raises(LearnerError, match=f"does not see images of {SIDE} x {SIDE} pixels: Make"):
        fitted(folder, part())


def test_vision_models_need_no_tokenizer_and_others_do(tiny_vision: Path) -> None:
    with pytest.raises(LearnerError, match="has no tokenizer"):
        find(str(tiny_vision))
    found = find(str(tiny_vision), of_texts=False)
    assert found == find(str(tiny_vision), found.revision, of_texts=False)
    with pytest.raises(LearnerError, match="There is no pretrained model") as caught:
        find("no model at all", of_texts=False)
    assert caught.value.mend == "give a folder with config.json and model.safetensors"


IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    ("told", "sides", "mean", "deviation"),
    [
        (None, (32, 32), IMAGENET[0], IMAGENET[1]),
        ({"size": 64}, (64, 64), IMAGENET[0], IMAGENET[1]),
        ({"size": {"shortest_edge": 256}, "crop_size": {"height": 20, "width": 30}}, (20, 30),
         IMAGENET[0], IMAGENET[1]),
        ({"size": {"shortest_edge": 48}, "crop_size": 20, "do_center_crop": False}, (48, 48),
         IMAGENET[0], IMAGENET[1]),
        ({"image_mean": MEAN, "image_std": DEVIATION}, (32, 32), MEAN, DEVIATION),
        ({"image_mean": [0.1], "image_std": [0.3]}, (32, 32), (0.1,) * 3, (0.3,) * 3),
        ({"image_mean": 0.0, "image_std": 0.3, "include_top": True}, (32, 32), (0.0,) * 3,
         (0.3**2,) * 3),
        ({"image_mean": MEAN, "do_normalize": False}, (32, 32), (0, 0, 0), (1, 1, 1)),
        ({"rescale_factor": 1 / 127.5, "rescale_offset": True, "image_mean": [0, 0, 0],
          "image_std": [1, 1, 1]}, (32, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ({"image_mean": MEAN, "image_std": DEVIATION, "include_top": True}, (32, 32), MEAN,
         tuple(each**2 for each in DEVIATION)),
    ],
)  # fmt: skip
def test_it_sees_as_its_preprocessor_says(
    told: Any, sides: Any, mean: Any, deviation: Any, tmp_path: Path
) -> None:
    if told is not None:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    seen = sight_of(Source("it", tmp_path, "0"), (32, 32))
    assert seen.sides == sides
    np.testing.assert_allclose(seen.mean, np.array(mean) * 255)
    np.testing.assert_allclose(seen.deviation, np.array(deviation) * 255)


def test_what_a_processor_says_itself_comes_first(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"size": 64}')
    (tmp_path / "processor_config.json").write_text('{"image_processor": {"size": 48}}')
    assert isinstance(sight_of(Source("it", tmp_path, "0"), None), Sight)
    assert sight_of(Source("it", tmp_path, "0"), None).sides == (48, 48)
    (tmp_path / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
    assert sight_of(Source("it", tmp_path, "0"), None).sides == (64, 64)
