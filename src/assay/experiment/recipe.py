"""The recipe: what is kept of an experiment so that it can be asked for again, to the letter.

The file alone will not do: overrides, defaults that change with the version, a learner that was
handed over as an object and a module beside the file decide, too, what is trained.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import Distribution, distributions
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from assay.experiment.asking import Asked
from assay.experiment.reading import LoadedExperiment, experiment_from
from assay.experiment.recordable import as_recorded
from assay.learners.adapt import BuildGiven
from assay.learners.builtin import NAMES
from assay.learners.estimators import EstimatorLearner
from assay.learners.networks import NetworkLearner
from assay.learners.pretrained_images import ImageOptions
from assay.learners.protocol import StepwiseLearner
from assay.learners.text import TextOptions
from assay.learners.trust import skops_io

RECIPE_FILE = "recipe.json"
LEARNER_FILE = "learner.skops"
LEARNER_DIGEST = "assay.learner_digest"
"""The tag by which the file is known to be what was recorded, and so is safe to load (law 8)."""


@dataclass(frozen=True)
class Recipe:
    """What is needed besides the data.

    Attributes:
        name: Name of the experiment.
        settings: Every setting, nested as in the file: ${VAR} as it was written, secrets hidden.
        file: Name of the experiment file; empty if there was none.
        folder: What relative paths are relative to.
        given: Whether the learner was handed over as an object: the settings do not tell it.
        code: SHA-256 of the modules below the folder that make the learner, by their path.
        packages: Distributions that the learner stands on, with their versions; there may be such
            among them that Assay needs anyway.
        training: Every setting of how the learner trains in steps, its own defaults included;
            empty if it does not.
    """

    name: str
    settings: Mapping[str, Any]
    file: str = ""
    folder: str = ""
    given: bool = False
    code: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, asked: Asked, n_rows: int) -> Recipe:
        """The recipe of what is asked for, with so many rows to train on."""
        loaded, path = asked.loaded, asked.loaded.experiment.model.learner
        modules = own_modules(loaded.folder, path) if not asked.is_given else OwnModules()
        written = as_recorded(loaded.written, loaded.written)
        return cls(
            name=loaded.name,
            settings=_merged(loaded.recorded, written),
            file=loaded.path.name if loaded.path is not None else "",
            folder=str(loaded.folder.absolute()),
            given=asked.is_given,
            code=modules.digests,
            packages=distributions_of({*_modules_of(asked), *modules.imports}),
            training=asked.trained_on(n_rows),
        )

    def loaded(self, text: str) -> LoadedExperiment:
        """The experiment again.

        Args:
            text: The file as it was read.

        Raises:
            ExperimentError: A setting reads a variable that is not set, or is none any more.
        """
        folder = Path(self.folder)
        loaded = experiment_from({**self.settings, "name": self.name}, folder)
        return replace(loaded, text=text, path=folder / self.file if self.file else None)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Recipe:
        """Read back what `as_dict` wrote."""
        return cls(**record)


@dataclass(frozen=True)
class OwnModules:
    """The modules below a folder that a learner is made by.

    Attributes:
        paths: Their files.
        folder: The folder.
        imports: What they import from elsewhere: names of packages.
    """

    paths: tuple[Path, ...] = ()
    folder: Path = field(default_factory=Path)
    imports: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 by path relative to the folder."""
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.paths
        }


def own_modules(folder: Path, learner: str) -> OwnModules:
    """The modules that an import path leads to within a folder; none of an installed package."""
    module = learner.partition(":")[0] if ":" in learner else learner.rpartition(".")[0]
    if learner in NAMES or not module:
        return OwnModules()
    folder = folder.absolute()
    finder = ModuleFinder(path=[str(folder)])
    try:
        finder.import_hook(module)
    except (ImportError, SyntaxError):
        return OwnModules()
    files = (each.__file__ for each in finder.modules.values())  # type: ignore[attr-defined]
    paths = {Path(file) for file in files if file is not None}
    imports = {name.partition(".")[0] for name in finder.badmodules}
    return OwnModules(tuple(sorted(paths)), folder, tuple(sorted(imports)))


def write(asked: Asked, n_rows: int, folder: Path) -> list[Path]:
    """Write the recipe as files to be recorded; with the learner if it is an estimator.

    Args:
        asked: What is asked for.
        n_rows: How many rows there are to train on.
        folder: Where to write.
    """
    path = folder / RECIPE_FILE
    path.write_text(json.dumps(Recipe.of(asked, n_rows).as_dict(), indent=1), encoding="utf-8")
    given = _estimator(asked) if asked.is_given else None
    if given is None:
        return [path]
    skops_io().dump(given, folder / LEARNER_FILE)
    return [path, folder / LEARNER_FILE]


def _estimator(asked: Asked) -> Any:
    """The unfitted estimator that is asked for; None for a learner of another kind."""
    learner = asked.learner
    if isinstance(learner, EstimatorLearner) and isinstance(learner.build, BuildGiven):
        return learner.build.estimator
    return None


def _modules_of(asked: Asked) -> Iterator[str]:
    """Top-level modules of the learner and of every estimator in it."""
    if asked.learner.name in NAMES and not asked.is_given:
        if isinstance(asked.learner, StepwiseLearner):
            yield "torch"
        options = getattr(asked.learner, "options", None)
        if isinstance(options, ImageOptions | TextOptions):
            yield from ("transformers", "peft") if options.strategy == "lora" else ("transformers",)
        return
    if isinstance(asked.learner, NetworkLearner):
        yield "torch"
        yield asked.loaded.experiment.model.learner.partition(":")[0].partition(".")[0]
        return
    estimator = _estimator(asked)
    parts = [asked.learner] if estimator is None else [estimator, *_parts(estimator)]
    for each in parts:
        yield type(each).__module__.partition(".")[0]
    if not asked.is_given:
        yield asked.loaded.experiment.model.learner.partition(":")[0].partition(".")[0]


def _parts(estimator: Any) -> list[Any]:
    return [each for each in estimator.get_params(deep=True).values() if hasattr(each, "fit")]


def distributions_of(modules: set[str]) -> dict[str, str]:
    """The distributions that these top-level modules belong to, with their versions.

    As `importlib.metadata.packages_distributions` has it, which takes a second and more: it looks
    for every file of every distribution.
    """
    foreign = {name for name in modules if name.isidentifier()} - sys.stdlib_module_names
    if not foreign:
        return {}
    holds_one = re.compile(rf"^(?:{'|'.join(sorted(foreign))})(?:[/.]|$)", flags=re.MULTILINE)
    found: dict[str, str] = {}
    for each in distributions():  # the first of a name is the one that is imported
        if holds_one.search(_contents(each)):
            found.setdefault(each.name, each.version)
    return dict(sorted(found.items()))


def _contents(each: Distribution) -> str:
    """The top-level modules of a distribution, or its files, one in a line."""
    return each.read_text("top_level.txt") or each.read_text("RECORD") or ""


def _merged(settings: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """All settings, as written where they were."""
    merged = dict(settings)
    for name, value in written.items():
        inner = merged.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            value = _merged(inner, value)  # noqa: PLW2901
        merged[name] = value
    return merged
