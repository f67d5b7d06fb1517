"""`resnet`: what networks for images are made of, and how they are trained.

One column of images is decoded once, to one size. The network scales its pixels itself, by the
means and deviations of the training rows. A residual network learns from nothing; a pretrained
backbone has seen ImageNet, and learns its head first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.data.images import ImageSize, Pixels, decoded, kept_or_decoded, size_of
from assay.data.schema import Kind, Schema
from assay.errors import LearnerError
from assay.learners.encoding import Target
from assay.learners.networks import Architecture, PlainRecipe
from assay.workspace import Workspace

_FILE = "images.json"
_STEPS = 4500
"""Optimizer steps that a residual network is given, as far as epochs between the bounds allow;
twice as many of many rows."""
_EPOCHS = 12, 60
_MANY_ROWS = 16_000
_USUAL_ROWS = 20_000
_PIXELS_AT_ONCE = 1 << 22
_MOST_AT_ONCE = 1024

Scale = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel."""


class ResNetOptions(BaseModel):
    """Options of `learner: resnet`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pretrained: bool = Field(
        False,
        description="Whether to begin with a backbone that has seen ImageNet (extra: images); "
        "widths, depth and stem are then its own.",
    )
    size: tuple[int, int] | None = Field(
        None,
        description="Height and width that images are made; their medians, 224 at most, or 224 "
        "for the pretrained backbone.",
    )
    widths: tuple[int, ...] = Field(
        (16, 64, 128), min_length=1, description="Channels of each stage; each halves the image."
    )
    depth: int = Field(1, ge=1, description="Residual blocks of each stage.")
    stem: Literal["auto", "small", "large"] = Field(
        "auto", description="small keeps the size, large divides it by four; auto: by the size."
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of the pooled features that is dropped in training."
    )
    shift: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="How far training images move at most, in shares of a side; 0.1, or 0.04 of "
        "16,000 images or more, each of which is seen a few times only.",
    )
    turn: float = Field(0.0, ge=0, le=180, description="Degrees that they turn at most.")
    flip: bool = Field(
        False, description="Whether half of them are mirrored; not for letters and digits."
    )
    erase: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Side of the square of them that is hidden, in shares; 0.25, or 0 of 16,000 "
        "images or more.",
    )


@dataclass(frozen=True)
class ImageEncoding:
    """A column of images as an array of pixels.

    Attributes:
        column: Its name.
        size: What images are made.
        mean: Of the training images' pixels, by channel.
        deviation: As well.
        folder: Where decoded training images are kept; None where nothing is.
        n_rows: How many training images there were; 0 where it was loaded.
    """

    column: str
    size: ImageSize
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    folder: Path | None = None
    n_rows: int = 0

    @property
    def rows_at_once(self) -> int:
        """Rows to predict at a time: fewer of large images."""
        fitting = _PIXELS_AT_ONCE // (self.size.height * self.size.width)
        return min(max(fitting, 1), _MOST_AT_ONCE)

    def arrays(self, features: pd.DataFrame) -> Pixels:
        """Pixels, uint8, shape (n, c, h, w).

        Raises:
            DataError: An image is missing or broken.
        """
        cells = features[self.column].tolist()
        return kept_or_decoded(cells, self.size, folder=self.folder)

    def save(self, folder: Path) -> None:
        about = {
            "column": self.column,
            "size": self.size.as_dict(),
            "mean": self.mean,
            "deviation": self.deviation,
        }
        (folder / _FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ImageEncoding:
        """Read what `save` wrote."""
        about = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        mean, deviation = tuple(about["mean"]), tuple(about["deviation"])
        return cls(about["column"], ImageSize(**about["size"]), mean, deviation)


@dataclass(frozen=True)
class ResNetRecipe(PlainRecipe):
    """A residual network, or a pretrained backbone, over one column of images."""

    options: ResNetOptions = field(default_factory=ResNetOptions)

    def training(self, n_rows: int | None) -> Mapping[str, Any]:
        """Fields of `LoopSettings`: one cycle, or phases for what is pretrained."""
        return _fine_tuning() if self.options.pretrained else training_for(n_rows)

    def encode(self, train: Part, seed: int) -> ImageEncoding:  # noqa: ARG002
        """The size and the scale of the training images.

        Raises:
            LearnerError: There is no column of images, or there is more than one.
            DataError: An image is missing or broken.
        """
        return fit_images(train, self._side(), self._scale, "resnet")

    def architecture(self, encoding: ImageEncoding, target: Target) -> Architecture:
        """A network for images of that size."""
        options, size = self.options, encoding.size
        scale = {"mean": list(encoding.mean), "deviation": list(encoding.deviation)}
        if options.pretrained:
            given = {"n_outputs": target.n_outputs, "dropout": options.dropout, **scale}
            factory = "assay.networks.images:pretrained_net"
            return Architecture(factory, given, "assay.networks.images:backbone_net")
        return Architecture(
            "assay.networks.images:image_net",
            {
                "n_outputs": target.n_outputs,
                "channels": size.channels,
                "height": size.height,
                "width": size.width,
                "widths": list(options.widths),
                "depth": options.depth,
                "stem": options.stem,
                "dropout": options.dropout,
                **scale,
            },
        )

    def augment(self, encoding: ImageEncoding) -> Any:
        """What the options say is done to training images."""
        from assay.training.augmentation import Augmentation

        options = self.options
        shift, erase = (0.1, 0.25) if encoding.n_rows < _MANY_ROWS else (0.04, 0.0)
        asked = Augmentation(
            shift if options.shift is None else options.shift,
            options.turn,
            options.flip,
            erase if options.erase is None else options.erase,
        )
        return None if asked == Augmentation() else asked

    def _side(self) -> tuple[int, int] | None:
        if self.options.size is None and self.options.pretrained:
            from assay.networks.backbone import INPUT_SIDE

            return INPUT_SIDE, INPUT_SIDE
        return self.options.size

    def _scale(self, pixels: Pixels) -> Scale:
        if self.options.pretrained:
            from assay.networks.backbone import DEVIATION, MEAN

            return (MEAN,), (DEVIATION,)
        return scale_of(pixels)


def fit_images(
    train: Part, side: tuple[int, int] | None, scale: Callable[[Pixels], Scale], name: str
) -> ImageEncoding:
    """The size and the scale of the training images.

    Args:
        train: The rows; no others are looked at.
        side: Height and width that images are made; by the images if None.
        scale: Of their pixels.
        name: What the learner is called.

    Raises:
        LearnerError: There is no column of images, or there is more than one.
        DataError: An image is missing or broken.
    """
    named = train.schema.named(Kind.IMAGE)
    if len(named) != 1:
        raise not_one_image(train.schema, name)
    cells = train.features[named[0]].tolist()
    size = size_of(cells, side, train.rows)
    workspace = Workspace.find()
    folder = workspace.images_folder if workspace.exists else None
    mean, deviation = scale(decoded(cells, size, folder=folder, rows=train.rows))
    return ImageEncoding(named[0], size, mean, deviation, folder, len(train))


def not_one_image(schema: Schema, name: str) -> LearnerError:
    """Why a table cannot be learnt from that has no column of images, or several."""
    named = schema.named(Kind.IMAGE)
    kinds = ", ".join(f"{each.name} ({each.kind.value})" for each in schema.features)
    if not named:
        return LearnerError(
            f"{name} sees images, and no feature is one.",
            where=f"features: {kinds}",
            mend="model: {learner: boosting}, or name a source with images",
        )
    return LearnerError(
        f"{name} sees one column of images, and there are {len(named)}: {', '.join(named)}.",
        where=f"features: {kinds}",
        mend=f"data: {{roles: {{ignore: [{', '.join(named[1:])}]}}}}",
    )


def scale_of(pixels: Pixels) -> Scale:
    """Mean and standard deviation of each channel, exact to the last bit in any order of rows."""
    counts = np.zeros((pixels.shape[1], 256), dtype=np.int64)
    for start in range(0, len(pixels), _MOST_AT_ONCE):
        for channel in range(len(counts)):
            some = np.asarray(pixels[start : start + _MOST_AT_ONCE, channel])
            counts[channel] += np.bincount(some.ravel(), minlength=256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    levels = np.arange(256)
    mean = shares @ levels
    deviation = np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0.0))
    return tuple(mean.tolist()), tuple(deviation.tolist())


def training_for(n_rows: int | None) -> dict[str, Any]:
    """Fields of `LoopSettings` for a residual network that begins from nothing.

    AdamW in one cycle: in so few steps SGD (0.1, momentum 0.9) is still on its way, the more so the
    fewer rows there are. The best weights come at the end of the cycle, so nothing stops early.

    Args:
        n_rows: Training rows; None where that is not known yet.
    """
    n = n_rows or _USUAL_ROWS
    are_many = n >= _MANY_ROWS
    batch = 32 if n < 4_000 else 64
    epochs = round(_STEPS * batch / n) * (2 if are_many else 1)
    return {
        "epochs": min(max(epochs, _EPOCHS[0]), _EPOCHS[1]),
        "batch_size": batch,
        "learning_rate": 0.007 if are_many else 0.01,
        "weight_decay": 0.05,
        "schedule": "one-cycle",
        "patience": None,
    }


def _fine_tuning() -> dict[str, Any]:
    """Fields of `LoopSettings` for a pretrained backbone: the head alone, then all of it."""
    return {
        "epochs": 10,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "phases": (
            {"epochs": 2, "layers": 1},
            {"epochs": 8, "layers": "all", "learning_rate": 5e-4, "layer_decay": 0.85},
        ),
        "patience": None,
    }
