"""A standardised network scales its own pixels."""

from __future__ import annotations

import torch

from assay.networks.resnet import ResNet
from assay.networks.standardised import Standardised


def test_bytes_are_scaled_channel_by_channel() -> None:
    images = torch.tensor([[[[0, 255]], [[10, 30]]]], dtype=torch.uint8)
    scaled = Standardised(torch.nn.Identity(), [127.5, 20.0], [127.5, 10.0])(images)
    torch.testing.assert_close(scaled, torch.tensor([[[[-1.0, 1.0]], [[-1.0, 1.0]]]]))


def test_a_channel_that_never_changes_is_no_division_by_nothing() -> None:
    images = torch.full((2, 1, 3, 3), 7, dtype=torch.uint8)
    assert not Standardised(torch.nn.Identity(), [7.0], [0.0])(images).any()


def test_the_scale_is_saved_with_the_weights_and_is_no_parameter() -> None:
    network = Standardised(ResNet(2, channels=1, widths=[4]), [3.0], [2.0])
    assert {"mean", "deviation"} <= set(network.state_dict())
    assert not {"mean", "deviation"} & {name for name, _ in network.named_parameters()}
    assert network.wrapped is network.network
