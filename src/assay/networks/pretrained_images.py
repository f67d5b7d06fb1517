"""Pretrained networks that see images: Hugging Face's, with a fresh head for the target."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.random import fork_rng

from assay.errors import LearnerError
from assay.networks.adaptable import Adaptable
from assay.networks.fine_tuning import (
    bodies_of,
    config_of,
    has_dropout,
    looked_at,
    with_fresh_head,
)
from assay.networks.pretrained_sight import Sides, Sight, sides_of, sight_of
from assay.networks.pretrained_source import Source, find
from assay.networks.reading import hushed
from assay.networks.standardised import Standardised

_KIND = "AutoModelForImageClassification"
_INTERPOLATES = "interpolate_pos_encoding"
_TRIED = ("meta", False), ("meta", True), ("cpu", False), ("cpu", True)
_OF_HERE = "_name_or_path", "auto_map", "dtype", "transformers_version"
"""What a config says of where it was written, and nothing of the network."""


class FineTunedImages(Adaptable):
    """Images to logits.

    Args:
        wrapped: A model for image classification, or its adapters.
        interpolates: Whether its position embeddings are interpolated for images of another size
            than those that it was made for.
    """

    def __init__(self, wrapped: Any, *, interpolates: bool = False) -> None:
        super().__init__(wrapped)
        self.interpolates = interpolates

    def forward(self, images: Tensor) -> Tensor:
        given = {_INTERPOLATES: True} if self.interpolates else {}
        logits: Tensor = self.wrapped(pixel_values=images, **given).logits
        return logits


def pretrained_net(
    *,
    source: str,
    revision: str | None,
    config: Mapping[str, Any],
    dropout: float | None,
    lora: Mapping[str, Any] | None,
    interpolates: bool,
    mean: Sequence[float],
    deviation: Sequence[float],
) -> Standardised:
    """A pretrained network with a fresh head, drawn from the global generator.

    Args:
        source: As `find` takes it.
        revision: Which files it must be.
        config: As `config_for` gives it.
        dropout: In the whole network; as it was pretrained when None.
        lora: Kind, rank, alpha and dropout of adapters that learn in its place; None without.
        interpolates: As `FineTunedImages` takes it.
        mean: Of pixels from 0 to 255, of red, green and blue; grey images are made three of.
        deviation: As well.

    Raises:
        LearnerError: It cannot be found, or it is of no kind that classifies images.
    """
    found = find(source, revision, of_texts=False)
    net = with_fresh_head(found, _KIND, _config(config), dropout, lora)
    return Standardised(FineTunedImages(net, interpolates=interpolates), mean, deviation)


def rebuilt_net(
    *,
    config: Mapping[str, Any],
    interpolates: bool,
    mean: Sequence[float],
    deviation: Sequence[float],
    **before: Any,  # noqa: ARG001
) -> Standardised:
    """The network as it is kept, for whoever loads its weights: nothing else of it is needed.

    Args:
        config: As `pretrained_net` takes them, and the other arguments.
        interpolates: As well.
        mean: As well.
        deviation: As well.
        before: Where its weights came from, and how it was trained.

    Raises:
        LearnerError: `transformers` is not installed.
    """
    try:
        from transformers import AutoModelForImageClassification
    except ImportError:
        raise LearnerError(
            f"The model is a network of Hugging Face's ({config.get('model_type')}), and "
            "transformers cannot be found.",
            mend="pip install 'assay-ml[huggingface]'",
        ) from None
    with hushed():
        make: Any = AutoModelForImageClassification.from_config
        net = make(_config(config), dtype=torch.float32, trust_remote_code=False)
    return Standardised(FineTunedImages(net, interpolates=interpolates), mean, deviation)


def config_for(
    source: str,
    revision: str | None,
    n_outputs: int,
    labels: Sequence[str],
    dropout: float | None = None,
    *,
    has_labels: bool = False,
) -> dict[str, Any]:
    """The config of a network for a target, fit for JSON.

    Args:
        source: As `find` takes it.
        revision: Which files it must be.
        n_outputs: Classes, or one value.
        labels: Of the classes, as text; empty for a value.
        dropout: In the whole network; as it was pretrained when None.
        has_labels: Whether a row may have several of the labels.

    Raises:
        LearnerError: As `pretrained_net` does.
    """
    found = find(source, revision, of_texts=False)
    config = config_of(found, _KIND, n_outputs, labels, dropout, has_labels=has_labels)
    told = json.loads(config.to_json_string(use_diff=False))
    return {name: each for name, each in told.items() if name not in _OF_HERE}


def unweighted(source: str, revision: str | None) -> Any:
    """Its architecture, as `looked_at` gives it.

    Raises:
        LearnerError: As `pretrained_net` does.
    """
    return looked_at(find(source, revision, of_texts=False), _KIND)


def sight(
    source: str,
    revision: str | None,
    sides: Sides | None = None,
    *,
    adapts: bool = False,
    drops: bool = False,
) -> tuple[Sight, bool]:
    """How it sees images, and whether its position embeddings are interpolated for that.

    Args:
        source: As `find` takes it.
        revision: Which files it must be.
        sides: What images are to be made; what they were for it when None.
        adapts: Whether adapters are to learn.
        drops: Whether a dropout is asked for.

    Raises:
        LearnerError: As `pretrained_net` does; it does not see images of that size; or it has no
            layers for adapters, or no dropout.
    """
    found = find(source, revision, of_texts=False)
    net = looked_at(found, _KIND)
    linear = (isinstance(each, nn.Linear) for b in bodies_of(net).values() for each in b.modules())
    if adapts and not any(linear):
        raise LearnerError(
            f"Adapters are laid beside linear layers, and {source} has none but its head.",
            where="model.options.strategy: lora",
            mend="strategy: layer-decay, or phases",
        )
    if drops and not has_dropout(net):
        raise LearnerError(
            f"{source} has no dropout that could be set otherwise.",
            where="model.options.dropout",
            mend="leave dropout out",
        )
    own = sight_of(found, _configured(net.config))
    seen = Sight(sides or own.sides, own.mean, own.deviation)
    return seen, _interpolates(found, seen.sides, own.sides)


def _config(told: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(**told)


def _configured(config: Any) -> Sides | None:
    """The sides of images that a config tells of."""
    within = getattr(config, "vision_config", config)
    return sides_of(getattr(within, "image_size", None))


@lru_cache(maxsize=8)
def _interpolates(found: Source, sides: Sides, own: Sides) -> bool:
    """Whether it sees images of a size with position embeddings that are interpolated, or without.

    It is found out on an image without numbers; where that cannot be done, on zeros.
    """
    reasons = []
    for device, interpolates in _TRIED:
        reasons.append(_tried(found, sides, interpolates, device))
        if reasons[-1] is None:
            return interpolates
    sees_others = sides != own and any(
        _tried(found, own, on, device) is None for device, on in _TRIED
    )
    raise LearnerError(
        f"{found.name} does not see images of {sides[0]} x {sides[1]} pixels: {reasons[-2]}",
        where=f"model.options.size: [{sides[0]}, {sides[1]}]",
        mend=f"size: [{own[0]}, {own[1]}], for which it was made"
        if sees_others
        else "give another model, one that sees images of three colours",
    )


def _tried(found: Source, sides: Sides, interpolates: bool, device: str) -> str | None:
    """Why it cannot see an image of that size; None if it can."""
    net = looked_at(found, _KIND)
    try:
        with fork_rng(devices=[]), torch.no_grad():
            if device != "meta":
                net = type(net)(net.config).eval()
            seeing = FineTunedImages(net, interpolates=interpolates)
            seeing(torch.zeros(1, 3, *sides, device=device))
    except Exception as error:  # of whatever network it is
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return None
