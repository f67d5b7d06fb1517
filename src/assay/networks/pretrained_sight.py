"""How a pretrained model sees images: what size they are made, and how their pixels are scaled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import LearnerError
from assay.networks.pretrained_source import Source

PREPROCESSOR = "preprocessor_config.json"
_PROCESSOR = "processor_config.json"
_SIDE = 224
"""Of a model that does not say."""
_LEVELS = 255
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BILINEAR = 2
"""Pillow's number of how images are resized."""

Sides = tuple[int, int]
"""Height and width, in pixels."""


@dataclass(frozen=True)
class Sight:
    """How a model sees images.

    Attributes:
        sides: What they are made.
        mean: Of red, green and blue, where pixels go from 0 to 255.
        deviation: As well: what is taken from pixels, and what they are divided by.
    """

    sides: Sides
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def sight_of(found: Source, configured: Sides | None) -> Sight:
    """As the files beside a model say; ImageNet's scale where they do not.

    Args:
        found: Its files.
        configured: The sides that its config tells of, which count if nothing else does.

    Raises:
        LearnerError: They cannot be read, or ask for what is not done here.
    """
    told = _told(found)
    if told.get("do_flip_channel_order"):
        raise LearnerError(
            f"{found.name} sees blue before red, which is not done here.",
            where=f"{PREPROCESSOR}: do_flip_channel_order",
            mend="give another model",
        )
    mean, deviation = _scale(found, told)
    cropped = told.get("crop_size") if told.get("do_center_crop", True) else None
    sides = sides_of(cropped) or sides_of(told.get("size")) or configured or (_SIDE, _SIDE)
    return Sight(sides, mean, deviation)


def sides_of(told: Any) -> Sides | None:
    """Height and width, as Hugging Face's files have them: a number, two, or by name."""
    if isinstance(told, Mapping):
        edge = told.get("shortest_edge")
        told = (told.get("height", edge), told.get("width", edge))
    if isinstance(told, int):
        told = told, told
    is_pair = isinstance(told, Sequence) and len(told) == 2
    return (int(told[0]), int(told[1])) if is_pair and all(told) else None


def preprocessor(sight: Sight) -> dict[str, Any]:
    """What `transformers` does with images to get what the model saw here."""
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": sight.sides[0], "width": sight.sides[1]},
        "resample": _BILINEAR,
        "do_center_crop": False,
        "do_rescale": True,
        "rescale_factor": 1 / _LEVELS,
        "do_normalize": True,
        "image_mean": [each / _LEVELS for each in sight.mean],
        "image_std": [each / _LEVELS for each in sight.deviation],
    }


def _scale(found: Source, told: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What is taken from pixels, and what they are divided by.

    EfficientNet's preprocessor may move what it has scaled by one, and divide by the deviations
    once more.
    """
    factor = told.get("rescale_factor", 1 / _LEVELS) if told.get("do_rescale", True) else 1.0
    mean = _of_colours(found, told, "image_mean", _IMAGENET[0])
    deviation = own = _of_colours(found, told, "image_std", _IMAGENET[1])
    if not told.get("do_normalize", True):
        mean, deviation = (0.0,) * 3, (1.0,) * 3
    again = own if told.get("include_top") else (1.0,) * 3
    moved = 1.0 if told.get("rescale_offset") else 0.0
    return (
        tuple((each + moved) / factor for each in mean),
        tuple(each * more / factor for each, more in zip(deviation, again, strict=True)),
    )


def _of_colours(
    found: Source, told: Mapping[str, Any], name: str, usual: tuple[float, ...]
) -> tuple[float, ...]:
    """What is said of red, green and blue; one value holds for each of them."""
    said = told.get(name)
    if said is None or said == []:
        return usual
    values = said if isinstance(said, list) else [said]
    if len(values) not in (1, 3) or not all(isinstance(each, int | float) for each in values):
        raise LearnerError(
            f"{found.name} sees images of three colours, and is told {name} {said}.",
            where=f"{PREPROCESSOR}: {name}",
            mend=f"{name}: [..., ..., ...], of red, green and blue",
        )
    return tuple(map(float, values)) * (3 // len(values))


def _told(found: Source) -> dict[str, Any]:
    """What the files beside a model say of its images; a processor's own come first."""
    within = _read(found, found.folder / _PROCESSOR).get("image_processor")
    return within or _read(found, found.folder / PREPROCESSOR)


def _read(found: Source, path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LearnerError(
            f"The pretrained model cannot be read: {path.name} is no JSON: {error}",
            where=f"model.options.model: {found.name}",
            mend="write its files once more",
        ) from None
    return told if isinstance(told, dict) else {}
