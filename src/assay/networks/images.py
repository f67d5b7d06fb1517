"""Networks for images as learners build them: an architecture behind the scale of its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from assay.networks.backbone import EfficientNetLite0, pretrained
from assay.networks.resnet import ResNet, stem_for
from assay.networks.standardised import Standardised


def image_net(
    *,
    n_outputs: int,
    channels: int,
    height: int,
    width: int,
    widths: Sequence[int],
    depth: int,
    stem: Literal["auto", "small", "large"],
    dropout: float,
    mean: Sequence[float],
    deviation: Sequence[float],
) -> Standardised:
    """A residual network for images of one size, given as bytes."""
    network = ResNet(
        n_outputs,
        channels=channels,
        widths=widths,
        depths=depth,
        stem=stem_for(height, width, len(widths)) if stem == "auto" else stem,
        dropout=dropout,
    )
    return Standardised(network, mean, deviation)


def pretrained_net(
    *,
    n_outputs: int,
    dropout: float,
    mean: Sequence[float],
    deviation: Sequence[float],
) -> Standardised:
    """The pretrained backbone with its weights.

    Raises:
        LearnerError: The weights are not installed.
    """
    return Standardised(pretrained(n_outputs, dropout=dropout), mean, deviation)


def backbone_net(
    *,
    n_outputs: int,
    dropout: float,
    mean: Sequence[float],
    deviation: Sequence[float],
) -> Standardised:
    """The backbone without its weights, for whoever loads others into it."""
    return Standardised(EfficientNetLite0(n_outputs, dropout=dropout), mean, deviation)
