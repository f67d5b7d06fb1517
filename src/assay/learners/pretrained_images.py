"""`image`: a pretrained vision model of Hugging Face is fine-tuned on one column of images."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from assay.data.dataset import Part
from assay.learners.encoding import Target
from assay.learners.fine_tuning import (
    SOURCE,
    FineTuningOptions,
    FineTuningRecipe,
    save_adapter,
)
from assay.learners.images import ImageEncoding, fit_images
from assay.learners.networks import Architecture, NetworkModel
from assay.learners.served_text import TRANSFORMER

if TYPE_CHECKING:
    from assay.networks.pretrained_sight import Sight

_NETWORKS = "assay.networks.pretrained_images"


class ImageOptions(FineTuningOptions):
    """Options of `learner: image`."""

    model: str = Field(
        min_length=1, examples=["google/vit-base-patch16-224-in21k"], description=SOURCE
    )
    size: tuple[int, int] | None = Field(
        None, description="Height and width that images are made; the model's own when absent."
    )
    shift: float = Field(
        0.1, ge=0, lt=1, description="How far training images move at most, in shares of a side."
    )
    turn: float = Field(0.0, ge=0, le=180, description="Degrees that they turn at most.")
    flip: bool = Field(
        False, description="Whether half of them are mirrored; not for letters and digits."
    )
    erase: float = Field(
        0.0, ge=0, lt=1, description="Side of the square of them that is hidden, in shares."
    )


@dataclass(frozen=True)
class ImageRecipe(FineTuningRecipe):
    """A pretrained vision model over one column of images."""

    of_texts: ClassVar[bool] = False
    options: ImageOptions

    def unweighted(self) -> Any:
        from assay.networks.pretrained_images import unweighted

        return unweighted(self.options.model, self.options.revision)

    def encode(self, train: Part, seed: int) -> ImageEncoding:  # noqa: ARG002
        """The size and the scale that the model was pretrained with.

        Raises:
            LearnerError: There is no column of images, or more than one; or as `sees`.
            DataError: An image is missing or broken.
        """
        seen = self.sees()[0]
        return fit_images(train, seen.sides, lambda _: (seen.mean, seen.deviation), "image")

    def sees(self) -> tuple[Sight, bool]:
        """How images are seen, and whether position embeddings are interpolated for that.

        Raises:
            LearnerError: The model is not to be found, does not see images of the size that is
                asked for, or has no part that an option is for.
        """
        from assay.networks.pretrained_images import sight

        options = self.options
        adapts, drops = options.strategy == "lora", options.dropout is not None
        return sight(options.model, options.revision, options.size, adapts=adapts, drops=drops)

    def architecture(self, encoding: ImageEncoding, target: Target) -> Architecture:
        """The model with a head for the target, behind the scale of its pixels."""
        from assay.networks.pretrained_images import config_for

        options = self.options
        labels = [str(target.classes[code]) for code in target.seen]
        config = config_for(
            options.model,
            options.revision,
            target.n_outputs,
            labels,
            options.dropout,
            has_labels=target.has_labels,
        )
        given = {
            "source": options.model,
            "revision": options.revision,
            "config": config,
            "dropout": options.dropout,
            "lora": self.adapters,
            "interpolates": self.sees()[1],
            "mean": list(encoding.mean),
            "deviation": list(encoding.deviation),
        }
        return Architecture(f"{_NETWORKS}:pretrained_net", given, f"{_NETWORKS}:rebuilt_net")

    def augment(self, encoding: ImageEncoding) -> Any:  # noqa: ARG002
        """What the options say is done to training images."""
        from assay.training.augmentation import Augmentation

        options = self.options
        asked = Augmentation(options.shift, options.turn, options.flip, options.erase)
        return None if asked == Augmentation() else asked


@dataclass(frozen=True)
class ImageModel(NetworkModel):
    """A fine-tuned vision model; beside it lies what `transformers` reads: folder `transformer`."""

    encoding: Any
    builds_with: ClassVar[tuple[str, ...]] = ("assay-ml", "transformers")

    def save(self, folder: Path) -> None:
        """Write the network, the same as `transformers` has it, and adapters by themselves."""
        from assay.networks.pretrained_sight import PREPROCESSOR, Sight, preprocessor
        from assay.networks.pretrained_source import title
        from assay.networks.reading import hushed

        # Whoever reads it needs no source, and a path of this machine is nobody else's business.
        given = dict(self.architecture.arguments)
        given["source"] = title(given["source"])
        shared = replace(self, architecture=replace(self.architecture, arguments=given))
        NetworkModel.save(shared, folder)
        network, encoding = self.module.network, self.encoding
        with hushed():
            network.wrapped.save_pretrained(folder / TRANSFORMER)
        sides = encoding.size.height, encoding.size.width
        told = preprocessor(Sight(sides, encoding.mean, encoding.deviation))
        path = folder / TRANSFORMER / PREPROCESSOR
        path.write_text(json.dumps(told, indent=1), encoding="utf-8")
        save_adapter(network, given["source"], given["revision"], folder)
