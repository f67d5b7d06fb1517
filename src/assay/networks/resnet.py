"""Residual networks for images: a stem, stages of residual blocks that halve the image, a head.

A block adds what it learns to what it is given (He et al. 2015, arXiv 1512.03385). Here it starts
as the identity, its last norm being zero (Goyal et al. 2017, arXiv 1706.02677), and a shortcut is
projected only where the shape changes, behind an average pool that drops no pixel ('ResNet-D', He
et al. 2018, arXiv 1812.01187). Small images keep their size in the stem.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

_SHRUNK_BY_LARGE_STEM = 4


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, added to what they were given: (n, in, h, w) to (n, out, h', w').

    Args:
        channels_in: Channels that come in.
        channels_out: Channels that go out.
        stride: What height and width are divided by, rounded up.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut = _shortcut(channels_in, channels_out, stride)
        self.active = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        learnt = self.active(self.norm1(self.conv1(images)))
        return self.active(self.norm2(self.conv2(learnt)) + self.shortcut(images))


class ResNet(nn.Module):
    """Images to one value for each class or target: float (n, c, h, w) to (n, n_outputs).

    Args:
        n_outputs: Classes, or values to be predicted.
        channels: Channels of the images.
        widths: Channels of each stage; every stage but the first halves height and width.
        depths: Blocks of each stage; one number for all of them.
        stem: 'small' keeps the size of the image, 'large' divides it by four.
        dropout: Share of the pooled features that the head does not see in training.
    """

    def __init__(
        self,
        n_outputs: int,
        *,
        channels: int = 3,
        widths: Sequence[int] = (32, 64, 128),
        depths: int | Sequence[int] = 1,
        stem: Literal["small", "large"] = "small",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        counts = [depths] * len(widths) if isinstance(depths, int) else list(depths)
        assert len(counts) == len(widths) > 0, "a depth for each width"
        self.stem = (_small_stem if stem == "small" else _large_stem)(channels, widths[0])
        stages: list[nn.Sequential] = []
        width_before = widths[0]
        for number, (width, count) in enumerate(zip(widths, counts, strict=True)):
            stages.append(_stage(width_before, width, count, stride=1 if number == 0 else 2))
            width_before = width
        self.stages = nn.ModuleList(stages)
        last = nn.Linear(width_before, n_outputs)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), last)
        self.apply(_initialise)

    @property
    def blocks(self) -> list[nn.Module]:
        """What can be frozen or given a rate of its own: stem, each residual block, head."""
        stages = [block for stage in self.stages for block in stage.children()]
        return [self.stem, *stages, self.head]

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        for stage in self.stages:
            features = stage(features)
        return self.head(features)


def stem_for(height: int, width: int, n_stages: int) -> Literal["small", "large"]:
    """The stem for images of a size: large if the last stage still sees 4x4 pixels or more.

    >>> stem_for(28, 28, 3), stem_for(224, 224, 4)
    ('small', 'large')
    """
    left = min(height, width) / _SHRUNK_BY_LARGE_STEM / 2 ** (n_stages - 1)
    return "large" if left >= 4 else "small"


def _stage(channels_in: int, channels_out: int, count: int, stride: int) -> nn.Sequential:
    first = ResidualBlock(channels_in, channels_out, stride)
    others = (ResidualBlock(channels_out, channels_out) for _ in range(count - 1))
    return nn.Sequential(first, *others)


def _small_stem(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(*_convolved(channels, width))


def _large_stem(channels: int, width: int) -> nn.Sequential:
    """Three 3x3 convolutions instead of one of 7x7, then a pool, as in ResNet-C."""
    half = max(1, width // 2)
    return nn.Sequential(
        *_convolved(channels, half, stride=2),
        *_convolved(half, half),
        *_convolved(half, width),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


def _convolved(channels_in: int, channels_out: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """The way around a block: nothing, unless the shape changes."""
    steps: list[nn.Module] = []
    if stride > 1:
        steps.append(nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False))
    if channels_in != channels_out:
        steps.append(nn.Conv2d(channels_in, channels_out, 1, bias=False))
        steps.append(nn.BatchNorm2d(channels_out))
    return nn.Sequential(*steps)


@torch.no_grad()
def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    elif isinstance(module, ResidualBlock):
        nn.init.zeros_(module.norm2.weight)
