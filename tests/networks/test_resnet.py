"""Residual networks: shapes, how they begin, and what each parameter is there for."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from assay.networks.resnet import ResidualBlock, ResNet, stem_for


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=15, deadline=None)
@given(
    channels=st.integers(1, 5),
    height=st.integers(5, 30),
    width=st.integers(5, 30),
    depths=st.lists(st.integers(1, 2), min_size=1, max_size=3),
    stem=st.sampled_from(["small", "large"]),
    n_outputs=st.integers(1, 12),
)
def test_images_of_any_size_and_channels_give_a_value_for_each_output(
    channels: int, height: int, width: int, depths: list[int], stem: str, n_outputs: int
) -> None:
    widths = [4 * (n + 1) for n in range(len(depths))]
    model = ResNet(n_outputs, channels=channels, widths=widths, depths=depths, stem=stem)
    outputs = model(drawn(3, channels, height, width))
    assert outputs.shape == (3, n_outputs)
    assert outputs.isfinite().all()


def test_a_block_is_the_identity_at_first() -> None:
    images = drawn(2, 8, 6, 6).relu()
    torch.testing.assert_close(ResNet(3, widths=[8]).stages[0][0](images), images)


def test_a_shortcut_is_projected_only_where_the_shape_changes() -> None:
    assert not list(ResidualBlock(8, 8).shortcut.parameters())
    assert not list(ResidualBlock(8, 8, stride=2).shortcut.parameters())
    assert list(ResidualBlock(8, 16).shortcut.parameters())
    assert ResidualBlock(8, 16, stride=2)(drawn(1, 8, 7, 5)).shape == (1, 16, 4, 3)


def test_no_pixel_is_dropped_by_a_shortcut_of_stride_two() -> None:
    images = drawn(1, 4, 5, 5).requires_grad_()
    ResidualBlock(4, 4, stride=2).shortcut(images).sum().backward()
    assert (images.grad != 0).all()


@pytest.mark.parametrize("stem", ["small", "large"])
def test_gradient_reaches_every_parameter_after_one_step(stem: str) -> None:
    """At the first one the zero of a block's last norm lies before the rest of the block."""
    torch.manual_seed(0)
    model = ResNet(3, channels=2, widths=[4, 8], depths=2, stem=stem)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        outputs = model(drawn(8, 2, 16, 16))
        functional.cross_entropy(outputs, torch.arange(8) % 3).backward()
        optimizer.step()
    still = [name for name, each in model.named_parameters() if not each.grad.any()]
    assert still == []


def test_the_number_of_parameters_is_what_the_formula_says() -> None:
    widths, depths, channels, n_outputs = [4, 8, 8], [2, 1, 2], 3, 10
    expected, before = 9 * channels * widths[0] + 2 * widths[0], widths[0]
    for width, depth in zip(widths, depths, strict=True):
        expected += 9 * before * width + (2 * depth - 1) * 9 * width**2 + 2 * depth * 2 * width
        expected += (before * width + 2 * width) * (before != width)
        before = width
    expected += (before + 1) * n_outputs
    model = ResNet(n_outputs, channels=channels, widths=widths, depths=depths)
    assert sum(each.numel() for each in model.parameters()) == expected


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_the_first_loss_is_that_of_knowing_nothing(n_classes: int) -> None:
    torch.manual_seed(0)
    outputs = ResNet(n_classes, channels=1)(drawn(32, 1, 28, 28))
    loss = functional.cross_entropy(outputs, torch.arange(32) % n_classes)
    assert loss.item() == pytest.approx(math.log(n_classes), abs=0.15)


def test_its_blocks_go_from_stem_to_head_and_hold_every_parameter_once() -> None:
    model = ResNet(3, widths=[4, 8], depths=[1, 2])
    held = [id(each) for block in model.blocks for each in block.parameters()]
    assert model.blocks[0] is model.stem
    assert model.blocks[-1] is model.head
    assert len(model.blocks) == 5
    assert sorted(held) == sorted(id(each) for each in model.parameters())


def test_rows_do_not_depend_on_each_other_once_it_is_trained() -> None:
    model = ResNet(3, widths=[4, 8], dropout=0.5).eval()
    images = drawn(6, 3, 9, 9)
    torch.testing.assert_close(model(images)[2:3], model(images[2:3]))


def test_dropout_hides_features_in_training_only() -> None:
    torch.manual_seed(0)
    model, images = ResNet(3, widths=[16], dropout=0.5), drawn(6, 3, 9, 9)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


def test_the_memory_format_changes_no_number_that_matters() -> None:
    torch.manual_seed(0)
    model, images = ResNet(3, widths=[8, 16]).eval(), drawn(2, 3, 12, 12)
    plain = model(images)
    last = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(last(images.to(memory_format=torch.channels_last)), plain)


def test_photos_get_a_stem_that_shrinks_them() -> None:
    assert stem_for(28, 28, n_stages=3) == "small"
    assert stem_for(64, 64, n_stages=3) == "large"
    assert stem_for(32, 32, n_stages=4) == "small"
