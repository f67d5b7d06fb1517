"""Networks as learners: a recipe says what goes in and what is built; the engine trains it.

The last rows of a fit, those of validation, stop the training and choose the weights, by the log
loss of what the finished model would say, or by its root mean squared error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from assay.data.dataset import Part
from assay.data.schema import label_array
from assay.findings import Finding
from assay.learners.encoding import Target
from assay.learners.protocol import FitContext
from assay.learners.served_network import (
    NETWORK,
    ROWS_AT_ONCE,
    WEIGHTS,
    ServedNetwork,
    named_object,
    read_module,
)
from assay.predictions import Predictions
from assay.training.settings import LoopSettings

if TYPE_CHECKING:
    from assay.training.values import Trained


OWN_TABLE = "assay.networks.own:own_table"
OWN_IMAGES = "assay.networks.own:own_images"
"""Factories that build what somebody else wrote: their argument `network` names it."""


@dataclass(frozen=True)
class Architecture:
    """How a module is built: again and again the same, by whoever loads its weights.

    Attributes:
        path: 'package.module:factory'.
        arguments: What the factory is called with; fit for JSON.
        unweighted: The factory of the same module without pretrained weights; the same if empty.
    """

    path: str
    arguments: Mapping[str, Any]
    unweighted: str = ""

    @property
    def code(self) -> str:
        """'package.module:name' of the code that is needed to build it."""
        is_own = self.path in (OWN_TABLE, OWN_IMAGES)
        return str(self.arguments["network"]) if is_own else self.path

    def build(self) -> Any:
        """The module, with weights drawn from the global generator, or those of its backbone."""
        return named_object(self.path)(**self.arguments)


class Encoding(Protocol):
    """What turns features into arrays; fitted to training rows."""

    def arrays(self, features: pd.DataFrame) -> Any:
        """An array, or arrays by the names of the module's arguments; first axis n."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Encoding:
        """Read what `save` wrote."""
        ...


class Recipe(Protocol):
    """What is particular to a kind of network."""

    @property
    def options(self) -> Any:
        """What may be set in `model.options`."""
        ...

    def training(self, n_rows: int | None) -> Mapping[str, Any]:
        """Fields of `LoopSettings` that suit it, for so many training rows, if that is known."""
        ...

    def encode(self, train: Part, seed: int) -> Any:
        """Fit the encoding to training rows: an `Encoding`, or one that gives `sequences`."""
        ...

    def architecture(self, encoding: Any, target: Target) -> Architecture:
        """The module for rows encoded like that, and for what is predicted of them."""
        ...

    def augment(self, encoding: Any) -> Any:
        """What changes the inputs of a batch, of inputs and a generator; None for nothing."""
        ...

    def remarks(self, encoding: Any, train: Part) -> tuple[Finding, ...]:
        """What is to be said of the training rows as the network gets them."""
        ...

    def pinned(self, fixed: Mapping[str, Any]) -> Recipe:
        """The recipe with whatever else it stands on settled, such as which pretrained files.

        Args:
            fixed: What an earlier fit chose, `chosen` among it.
        """
        ...

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What `pinned` has settled, fit for JSON."""
        ...


class PlainRecipe:
    """What most recipes have in common: rows stay as they are, and nothing is said of them."""

    def augment(self, encoding: Any) -> Any:  # noqa: ARG002
        """Nothing changes the inputs of a batch."""
        return None

    def remarks(self, encoding: Any, train: Part) -> tuple[Finding, ...]:  # noqa: ARG002
        """Nothing is to be said of the training rows."""
        return ()

    def pinned(self, fixed: Mapping[str, Any]) -> Self:  # noqa: ARG002
        """Nothing that it stands on could change meanwhile."""
        return self

    @property
    def chosen(self) -> Mapping[str, Any]:
        """Nothing was."""
        return {}


@dataclass(frozen=True)
class NetworkLearner:
    """A network that is trained by the engine.

    Attributes:
        name: What it is called.
        recipe: What is particular to it.
        given: Fields of `LoopSettings` that are set otherwise than the recipe has them.
        makes: What it gives; `NetworkModel` when None.
    """

    name: str
    recipe: Recipe
    given: Mapping[str, Any] = field(default_factory=dict)
    makes: type[NetworkModel] | None = None

    @property
    def validates(self) -> bool:
        return True

    @property
    def holds_out(self) -> bool:
        return True

    @property
    def options(self) -> Any:
        """The recipe's options."""
        return self.recipe.options

    @property
    def training(self) -> LoopSettings:
        """How it is trained, as far as that does not depend on the number of rows."""
        return self.trained_on(None)

    def trained_on(self, n_rows: int | None) -> LoopSettings:
        """How it is trained on so many rows."""
        return LoopSettings(**{**self.recipe.training(n_rows), **self.given})

    def with_training(self, given: Mapping[str, Any]) -> Self:
        return replace(self, given={**self.given, **given})

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> NetworkModel:
        """Train on the training rows; see `assay.training.fit.fit`.

        Raises:
            LearnerError: No feature has a value; training diverged.
            KeyboardInterrupt: It was interrupted; `context.directory` has its state.
        """
        from assay.learners.objectives import objective
        from assay.seeding import seeded
        from assay.training.fit import fit

        recipe = self.recipe.pinned(context.fixed)
        context.chose(**recipe.chosen)
        with seeded(context.seed):
            target = Target.of(train)
            encoding = recipe.encode(train, context.seed)
            architecture = recipe.architecture(encoding, target)
            module = architecture.build()
        data = rows_of(train, encoding, target)
        held = None
        if validation is not None and target.known(validation).any():
            held = rows_of(validation.take(target.known(validation)), encoding, target)
        settings = self.trained_on(len(train))
        remarks = recipe.remarks(encoding, train)
        for each in remarks:
            context.recorder.finding(each, each.code)
        aim = objective(target, data, settings, module)
        trained = fit(
            module,
            data,
            aim.loss,
            validation=held,
            metrics=aim.metrics,
            running=aim.running,
            watch=aim.watch,
            constant_loss=aim.constant_loss,
            settings=settings,
            seed=context.seed,
            recorder=context.recorder,
            monitor=context.monitor,
            announce=context.announce,
            folder=context.directory,
            resume=context.resume_from is not None,
            deadline=context.deadline,
            fixed=context.fixed,
            cores=context.threads,
            augment=recipe.augment(encoding),
            profile=context.profiles,
            callbacks=[_Told(context)],
        )
        return (self.makes or NetworkModel)(
            encoding,
            target,
            architecture,
            _merged(trained.model.cpu()),
            chosen={**_settled(trained.choices), **recipe.chosen},
            findings=(*remarks, *trained.findings),
            about={"training": _in_words(trained, settings)},
        )


@dataclass(frozen=True)
class NetworkModel:
    """A trained network, with what turns rows into its inputs and its outputs into predictions.

    Attributes:
        encoding: Features to arrays.
        target: Outputs to labels or values.
        architecture: How the module is built.
        module: It, on the CPU.
        chosen: What was measured to train it fastest here.
        findings: What the guards found while it trained; not saved with it.
        about: How its training went, to be shown; not saved with it.
        builds_with: Packages that its module is built with, where it is no program.
    """

    encoding: Encoding
    target: Target
    architecture: Architecture
    module: Any
    chosen: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    builds_with: ClassVar[tuple[str, ...]] = ("assay-ml",)

    @property
    def rows_at_once(self) -> int:
        """How many are predicted at a time; an encoding of large rows says how many."""
        return getattr(self.encoding, "rows_at_once", ROWS_AT_ONCE)

    def predict(self, features: pd.DataFrame) -> Predictions:
        """Predict rows; a class that the fit never saw gets probability zero."""
        from assay.training.evaluating import evaluation_mode

        target = self.target.as_dict()
        served = ServedNetwork(self.module, self.encoding.arrays, target, self.rows_at_once)
        with evaluation_mode(self.module):
            said = served.predict(features)
        classes = label_array(self.target.classes) if self.target.classes else None
        rows = np.arange(len(features), dtype=np.int64)
        return Predictions(rows, said.values, said.probabilities, classes)

    def inputs(self, features: pd.DataFrame) -> Any:
        """What the module is called with for some rows: tensors, first axis n."""
        return _tensors(self.encoding.arrays(features))

    def save(self, folder: Path) -> None:
        """Write the weights as safetensors, the encoding with skops, the rest as JSON."""
        from safetensors.torch import save_file
        from torch import contiguous_format

        weights = {
            name: each.clone(memory_format=contiguous_format)
            for name, each in self.module.state_dict().items()
        }
        save_file(weights, folder / WEIGHTS)
        self.encoding.save(folder)
        kind = type(self.encoding)
        about = {
            "architecture": asdict(self.architecture),
            "encoding": f"{kind.__module__}:{kind.__qualname__}",
            "target": self.target.as_dict(),
            "rows_at_once": self.rows_at_once,
            "chosen": dict(self.chosen),
        }
        (folder / NETWORK).write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> NetworkModel:
        """Read a network that `save` wrote; its module is built by the factory it names."""
        about = json.loads((folder / NETWORK).read_text(encoding="utf-8"))
        module = read_module(folder, about["architecture"], rebuild=True)
        encoding = named_object(about["encoding"]).load(folder)
        target = Target.from_dict(about["target"])
        architecture = Architecture(**about["architecture"])
        return cls(encoding, target, architecture, module, about["chosen"])


def rows_of(part: Part, encoding: Any, target: Target) -> Any:
    """The rows of a part as the engine takes them."""
    import torch

    from assay.training.batches import Tensors
    from assay.training.sequences import Sequences

    weights = None
    if part.weights is not None:
        weights = torch.from_numpy(np.asarray(part.weights, dtype=np.float32))
    targets = torch.from_numpy(target.encoded(part.known_target))
    if hasattr(encoding, "sequences"):
        return Sequences(encoding.sequences(part.features), targets, weights)
    return Tensors(_tensors(encoding.arrays(part.features)), targets, weights)


def _merged(module: Any) -> Any:
    """The module as it is kept."""
    from assay.networks.adaptable import Adaptable

    for part in list(module.modules()):
        if isinstance(part, Adaptable):
            part.merge()
    return module


def _in_words(trained: Trained, settings: LoopSettings) -> dict[str, str]:
    """How the training went, and which parts of the network moved how far."""
    from assay.training.progress import in_words

    position, best = trained.position, trained.best
    told = {
        "parameters": f"{sum(each.n_parameters for each in trained.moved):,}",
        "ended by": trained.stopped,
        "epochs": f"{position.epoch} of {settings.epochs}, {position.step:,} optimizer steps",
        "best weights": f"after epoch {best.epoch:g}" if best is not None else "the last ones",
        "took": in_words(trained.seconds),
    }
    if position.skipped or position.rollbacks:
        told["not taken"] = f"{position.skipped} steps; {position.rollbacks} returns"
    return told | {
        f"moved {each.block}": f"{each.relative:.0%} of its length, "
        f"{each.n_parameters:,} parameters"
        for each in trained.moved
    }


class _Told:
    """Tells the context what was measured, as soon as it is settled."""

    def __init__(self, context: FitContext) -> None:
        self._context = context

    def on_begin(self, training: Any) -> None:
        self._context.chose(**_settled(training.choices.as_dict()))


def _settled(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Of what 'auto' chose, that which another training takes over."""
    return {name: value for name, value in choices.items() if name != "measured"}


def _tensors(arrays: Any) -> Any:
    import torch

    if isinstance(arrays, Mapping):
        return {name: torch.from_numpy(each) for name, each in arrays.items()}
    return torch.from_numpy(arrays)
