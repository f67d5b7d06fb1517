"""Reading an experiment file: YAML 1.2 or TOML, with the line of every key kept for the errors."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from assay.data.sources.address import located, without_password
from assay.errors import ExperimentError, NotFoundError
from assay.experiment.experiment import Experiment
from assay.experiment.meaning import problems_of_meaning
from assay.experiment.problems import Problem, missing_block, of_block, refusal, unknown_key
from assay.experiment.recordable import as_recorded, text_as_recorded
from assay.experiment.variables import places_reading_environment, substituted
from assay.tracking.recorder import flattened

_NOT_CHANGES = ("name", "data.source", "data.target", "model.learner")
_SUFFIXES = (".yaml", ".yml", ".toml")
_FIRST = "data: {source: FILE, target: COLUMN}\nmodel: {learner: boosting}"


@dataclass(frozen=True)
class LoadedExperiment:
    """A valid experiment and where it came from.

    Attributes:
        experiment: The settings.
        name: Its name; that of the file if it has none of its own.
        text: The file as it was read, but for passwords in addresses.
        path: The file; None if it was given in Python.
        folder: What relative paths are relative to.
        written: The settings as they were written: overrides included, with ${VAR}, no defaults.
        overrides: What was set on the command line.
    """

    experiment: Experiment
    name: str
    text: str
    path: Path | None
    folder: Path
    written: Mapping[str, Any]
    overrides: tuple[str, ...] = ()

    @property
    def source(self) -> str | Path:
        """The table: an absolute path, or an address with its password."""
        return located(self.experiment.data.source, self.folder)

    @property
    def changed(self) -> dict[str, Any]:
        """What is set otherwise than by default, by dotted name, as it may be recorded."""
        changed = self.experiment.model_dump(mode="json", exclude_defaults=True)
        flat = flattened(as_recorded(changed, self.written))
        return {key: value for key, value in flat.items() if key not in _NOT_CHANGES}

    @property
    def recorded(self) -> dict[str, Any]:
        """Every setting, nested as in the file, as it may be recorded: ${VAR} stays as written."""
        return as_recorded(self.experiment.model_dump(mode="json"), self.written)

    @property
    def recorded_text(self) -> str:
        """The file as it may be recorded: as it was read, but for secrets that are spelled out."""
        return text_as_recorded(self.text)

    @property
    def tracking_uri(self) -> str | None:
        """Where runs are kept, as it was written: with ${VAR}."""
        return (self.written.get("tracking") or {}).get("uri")


def load_experiment(path: str | Path, overrides: Sequence[str] = ()) -> LoadedExperiment:
    """Read and validate an experiment file.

    Args:
        path: A .yaml or .toml file.
        overrides: `key=value` each, with the dotted key and a value in YAML.

    Raises:
        NotFoundError: There is no such file.
        ExperimentError: The file or an override is wrong; the error tells every problem.
    """
    path = Path(path)
    if not path.is_file():
        raise _no_file(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ExperimentError(
            f"{path.name} is not text in UTF-8.",
            where=str(path),
            mend="give an experiment file; to begin one: assay init DATA --target COLUMN",
        ) from None
    settings, places = parsed(text, path)
    return _validated(settings, places, overrides, text=text, path=path, folder=path.parent)


def experiment_from(
    settings: Mapping[str, Any], folder: Path, overrides: Sequence[str] = ()
) -> LoadedExperiment:
    """Validate settings that were given in Python.

    Raises:
        ExperimentError: They are wrong; the error tells every problem.
    """
    text = StringIO()
    YAML(typ="safe", pure=True).dump(dict(settings), text)
    own = deepcopy(dict(settings))  # overrides are put into it
    return _validated(own, {}, overrides, text=text.getvalue(), path=None, folder=folder)


def _validated(
    settings: dict[str, Any],
    places: dict[str, str],
    overrides: Sequence[str],
    *,
    text: str,
    path: Path | None,
    folder: Path,
) -> LoadedExperiment:
    source = path.name if path is not None else "the experiment"
    problems: list[Problem] = []
    for override in overrides:
        problems += _override(settings, places, override)
    problems += _of_gates_unsettled(settings)
    written, settings = settings, _substituted(settings, "", problems)
    blocks: dict[str, Any] = {}
    for name, field in Experiment.model_fields.items():
        model: Any = field.annotation
        if not hasattr(model, "model_fields"):
            continue
        try:
            blocks[name] = model.model_validate(settings.get(name, {}))
        except ValidationError as error:
            is_absent = field.is_required() and name not in settings
            problems += (
                [missing_block(name)] if is_absent else of_block(name, model, error.errors())
            )
    title = settings.get("name")
    if not (title is None or (isinstance(title, str) and title)):
        problems.append(Problem("name", f"name is {title!r}, which is no text.", "name: income"))
    known = list(Experiment.model_fields)
    problems += [unknown_key(key, known) for key in settings if key not in known]
    problems += problems_of_meaning(blocks)
    if problems:
        raise refusal(problems, source, places)
    experiment = Experiment(name=title, **blocks)
    name = title or (path.stem if path is not None else "experiment")
    return LoadedExperiment(experiment, name, text, path, folder, written, tuple(overrides))


def parsed(text: str, path: Path, first: str = _FIRST) -> tuple[dict[str, Any], dict[str, str]]:
    """The keys of a YAML or TOML file, and where each of them stands.

    Args:
        text: What the file holds.
        path: The file, to be named in errors.
        first: What to begin with where it is empty.

    Raises:
        ExperimentError: It cannot be read, or holds no keys.
    """
    if path.suffix == ".toml":
        try:
            return tomllib.loads(text), {}
        except tomllib.TOMLDecodeError as error:
            raise _unreadable(path, str(error), "") from None
    try:
        loaded = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        raise _unreadable(path, str(error.problem), _line_of(error)) from None
    except YAMLError as error:
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise _unreadable(path, str(reason), _line_of(error)) from None
    if loaded is None:
        raise ExperimentError(
            f"{path.name} is empty.",
            where=str(path),
            mend=first,
        )
    if not isinstance(loaded, Mapping):
        raise ExperimentError(
            f"{path.name} holds no keys.",
            where=f"{path.name}, line 1",
            mend=first,
        )
    places: dict[str, str] = {}
    return _plain(loaded, "", path.name, places), places


def _plain(value: Any, key: str, source: str, places: dict[str, str]) -> Any:
    """Plain Python values of what ruamel read; notes the line of every key."""
    if isinstance(value, Mapping):
        plain = {}
        for name, inner in value.items():
            below = f"{key}.{name}" if key else str(name)
            places[below] = f"{source}, line {value.lc.key(name)[0] + 1}"  # type: ignore[attr-defined]
            plain[str(name)] = _plain(inner, below, source, places)
        return plain
    if isinstance(value, list):
        return [_plain(each, key, source, places) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)


def _override(settings: dict[str, Any], places: dict[str, str], override: str) -> list[Problem]:
    """Put one override into the settings."""
    key, separator, text = override.partition("=")
    key = key.strip()
    override = without_password(override)
    places[key] = f"--set {override}"
    example = "--set model.options.learning_rate=0.1"
    if not separator or not key:
        return [Problem(key, f"--set {override} is not KEY=VALUE.", f"for example {example}")]
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return [Problem(key, f"--set {override} has a value that is no YAML.", f"{key}='...'")]
    *above, name = key.split(".")
    block: dict[str, Any] | None = settings
    for depth, each in enumerate(above, start=1):
        if block is not None and each not in block:
            places.setdefault(".".join(above[:depth]), f"--set {override}")
        inner: Any = None if block is None else block.setdefault(each, {})
        block = inner if isinstance(inner, dict) else None
    if block is None:
        return [Problem(key, f"--set {key} leads below a single value.", f"for example {example}")]
    block[name] = value.isoformat() if isinstance(value, date) else value
    return []


def _substituted(value: Any, key: str, problems: list[Problem]) -> Any:
    """The settings with ${VAR} replaced by the environment's value in every text."""
    if isinstance(value, dict):
        return {
            name: _substituted(inner, f"{key}.{name}" if key else name, problems)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_substituted(each, key, problems) for each in value]
    if not isinstance(value, str):
        return value
    text, missing = substituted(value)
    problems += [
        Problem(
            key,
            f"{key} needs the environment variable {name}, which is not set.",
            mend=f"export {name}=..., or write ${{{name}:-default}}",
        )
        for name in missing
    ]
    return text


def _of_gates_unsettled(settings: Mapping[str, Any]) -> list[Problem]:
    """Gates that the environment could set otherwise once the numbers are known."""
    registry = settings.get("registry")
    gates = registry.get("gates") if isinstance(registry, Mapping) else None
    return [
        Problem(
            key,
            f"{key} reads the environment: what a gate asks for is settled before anybody knows "
            "the numbers.",
            mend="write the value itself",
        )
        for key in places_reading_environment(gates, "registry.gates")
    ]


def _line_of(error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return f", line {mark.line + 1}" if mark is not None else ""


def _unreadable(path: Path, reason: str, line: str) -> ExperimentError:
    form = "TOML" if path.suffix == ".toml" else "YAML"
    return ExperimentError(
        f"{path.name} cannot be read as {form}: {reason.strip().rstrip('.')}.",
        where=f"{path.name}{line}",
        mend="look at that line: indentation, a colon, a quote, a key that stands twice",
    )


def _no_file(path: Path) -> NotFoundError:
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    files = sorted(each.name for each in siblings if each.suffix in _SUFFIXES)
    hint = "to begin one: assay init DATA --target COLUMN"
    if files:
        close = get_close_matches(path.name, files, n=8, cutoff=0.0)
        hint = f"experiment files in that folder: {', '.join(close)}"
    if path.is_dir():
        return NotFoundError(
            f"{path} is a folder, not an experiment file.", where=str(path.absolute()), mend=hint
        )
    return NotFoundError(f"There is no experiment file {path}.", mend=hint)
