"""Networks of one's own: a class that is derived from nn.Module becomes a learner.

What its constructor takes says what it sees: `n_inputs` a table, `channels` images. The data give
these, `n_outputs` and the size of the images; all else comes from `model.options`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from assay.data.dataset import Part
from assay.errors import LearnerError
from assay.learners import images, tabular
from assay.learners.encoding import Encoding, Target, fit_encoding
from assay.learners.networks import OWN_IMAGES, OWN_TABLE, Architecture, NetworkLearner, PlainRecipe

_LEARNING_RATE = 1e-3
"""What is cautious enough for most architectures under AdamW."""
_KEYWORDS = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
_SIGNATURES = (
    "def __init__(self, n_inputs: int, n_outputs: int, width: int = 64) -> None:  # a table\n"
    "or\n"
    "def __init__(self, channels: int, n_outputs: int, width: int = 64) -> None:  # images"
)


@dataclass(frozen=True)
class OwnTableRecipe(PlainRecipe):
    """A network of one's own over one matrix of numbers.

    Attributes:
        network: 'package.module:Class'.
        options: What its constructor is given besides `n_inputs` and `n_outputs`; JSON.
    """

    network: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def training(self, n_rows: int | None) -> Mapping[str, Any]:
        """As for networks of ours, at a rate that suits most."""
        return {**tabular.training_for(n_rows), "learning_rate": _LEARNING_RATE}

    def encode(self, train: Part, seed: int) -> Encoding:
        """As `fit_encoding`."""
        return fit_encoding(train, seed)

    def architecture(self, encoding: Encoding, target: Target) -> Architecture:
        """The network for rows encoded like that."""
        arguments = {
            "network": self.network,
            "options": dict(self.options),
            "numeric": encoding.widths["numeric"],
            "plain": encoding.widths["plain"],
            "levels": list(encoding.levels),
            "n_outputs": target.n_outputs,
        }
        return Architecture(OWN_TABLE, arguments)


@dataclass(frozen=True)
class OwnImagesRecipe(PlainRecipe):
    """A network of one's own over one column of images.

    Attributes:
        network: 'package.module:Class'.
        options: What its constructor is given besides `channels` and `n_outputs`; JSON.
        takes_size: Whether it takes `height` and `width`; then `options` may say what images are
            made, and it is told in any case.
    """

    network: str
    options: Mapping[str, Any] = field(default_factory=dict)
    takes_size: bool = False

    def training(self, n_rows: int | None) -> Mapping[str, Any]:
        """As for networks of ours, at a rate that suits most."""
        return {**images.training_for(n_rows), "learning_rate": _LEARNING_RATE}

    def encode(self, train: Part, seed: int) -> images.ImageEncoding:  # noqa: ARG002
        """As `fit_images`."""
        asked = self.takes_size and "height" in self.options
        side = (self.options["height"], self.options["width"]) if asked else None
        name = self.network.partition(":")[2]
        return images.fit_images(train, side, images.scale_of, name)

    def architecture(self, encoding: images.ImageEncoding, target: Target) -> Architecture:
        """The network for images of that size."""
        size = encoding.size
        told = {"height": size.height, "width": size.width} if self.takes_size else {}
        arguments = {
            "network": self.network,
            "options": {**self.options, **told},
            "n_outputs": target.n_outputs,
            "channels": size.channels,
            "mean": list(encoding.mean),
            "deviation": list(encoding.deviation),
        }
        return Architecture(OWN_IMAGES, arguments)


def is_network_class(given: Any) -> bool:
    """Whether it is a class that is derived from nn.Module; imports no PyTorch to find out."""
    base = _base()
    return base is not None and inspect.isclass(given) and issubclass(given, base)


def is_network(given: Any) -> bool:
    """Whether it is a module itself, and no class."""
    base = _base()
    return base is not None and isinstance(given, base)


def path_of(network: type) -> str:
    """The import path of a class.

    Raises:
        LearnerError: It has none, so nobody could build the network again.
    """
    module, name = network.__module__, network.__qualname__
    if getattr(sys.modules.get(module), name, None) is network:
        return f"{module}:{name}"
    raise LearnerError(
        f"{name} cannot be found by its name in the module {module!r}, so it could not be built "
        "again.",
        where=f"learner: {name}",
        mend=f"define class {network.__name__} at the top level of a module, outside functions",
    )


def own_network(path: str, network: type, options: Mapping[str, Any]) -> NetworkLearner:
    """The learner of a class of networks.

    Args:
        path: 'package.module:Class'.
        network: The class.
        options: `model.options`.

    Raises:
        LearnerError: Its constructor takes neither what a table nor what images give; or it does
            not take these options, or needs more of them.
    """
    taken = _taken(network)
    given = _given(path, taken)
    settled = _settled(path, options)
    _check_options(path, network, settled, given)
    if "n_inputs" in given:
        return NetworkLearner(network.__name__, OwnTableRecipe(path, settled))
    takes_size = "height" in given
    if takes_size and ("height" in settled) != ("width" in settled):
        raise LearnerError(
            "Images have a height and a width, and model.options says one of them.",
            where="model.options",
            mend="options: {height: 64, width: 64}",
        )
    return NetworkLearner(network.__name__, OwnImagesRecipe(path, settled, takes_size))


def not_a_class(network: Any) -> LearnerError:
    """Why a module itself is no learner."""
    name = type(network).__name__
    return LearnerError(
        f"A {name} that exists already cannot be built again with fresh weights, as every seed and "
        "every reproduction needs it.",
        where=f"learner: {name}(...)",
        mend="give the class, and its arguments as options: learner=MyNet,\n"
        "settings={'model': {'options': {'width': 64}}}; its constructor is\n" + _SIGNATURES,
    )


def _base() -> Any:
    return getattr(sys.modules.get("torch.nn"), "Module", None)


def _taken(network: type) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(network).parameters
    return {name: each for name, each in parameters.items() if each.kind in _KEYWORDS}


def _given(path: str, taken: Mapping[str, Any]) -> tuple[str, ...]:
    """What the data give it."""
    if {"n_inputs", "n_outputs"} <= taken.keys():
        return "n_inputs", "n_outputs"
    if {"channels", "n_outputs"} <= taken.keys():
        has_size = {"height", "width"} <= taken.keys()
        return ("channels", "n_outputs", *(("height", "width") if has_size else ()))
    raise LearnerError(
        f"{path.partition(':')[2]} does not say what it sees: its constructor takes "
        f"{', '.join(taken) or 'nothing'}.",
        where=f"model.learner: {path}",
        mend=_SIGNATURES,
    )


def _settled(path: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they come back from JSON."""
    try:
        settled: dict[str, Any] = json.loads(json.dumps(dict(options)))
    except (TypeError, ValueError) as error:
        raise LearnerError(
            f"The options of {path.partition(':')[2]} cannot be written down: {error}.",
            where="model.options",
            mend="give numbers, texts, true or false, and lists of these",
        ) from None
    return settled


def _check_options(
    path: str, network: type, options: Mapping[str, Any], given: tuple[str, ...]
) -> None:
    """Refuse what the constructor does not take, what the data give, and a lack of what it needs.

    Raises:
        LearnerError: There is such an option, or one is missing.
    """
    name, taken = path.partition(":")[2], _taken(network)
    from_data = [each for each in given if each not in ("height", "width")]
    known = [each for each in taken if each not in from_data]
    kinds = {each.kind for each in inspect.signature(network).parameters.values()}
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds
    for option in options:
        where = f"model.options.{option}: {options[option]}"
        if option in from_data:
            raise LearnerError(
                f"{option} of {name} is what the data say.",
                where=where,
                mend=f"leave {option} out",
            )
        if option not in known and not takes_any:
            close = get_close_matches(option, known, n=1)
            raise LearnerError(
                f"{option} is not an option of {name}, which takes "
                f"{', '.join(known) or 'no options'}.",
                where=where,
                mend=f"use {close[0]}" if close else f"leave {option} out",
            )
    needed = [each for each in known if taken[each].default is inspect.Parameter.empty]
    missing = [each for each in needed if each not in options and each not in given]
    if missing:
        raise LearnerError(
            f"{name} needs {', '.join(missing)}, and model.options does not say.",
            where=f"model.learner: {path}",
            mend="options: {" + ", ".join(f"{each}: ..." for each in missing) + "}",
        )
