"""Locking: a folder that trains a run again in a clean environment, and proves that it did."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from ruamel.yaml import YAML

from assay.data.fingerprint import fingerprint
from assay.data.sources import read_table
from assay.errors import DataError, InputError, LearnerError
from assay.experiment import load_experiment
from assay.experiment.finding import find_data
from assay.experiment.recipe import LEARNER_FILE, Recipe, own_modules
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.reproduction import readme
from assay.reproduction.environment import recorded_packages, surroundings
from assay.reproduction.pins import Pins, is_from_elsewhere, pinned
from assay.reproduction.recollection import (
    EXPECTED,
    FACTS,
    FILE,
    MODEL,
    OUT_OF_FOLD,
    Recollection,
    recalled,
)
from assay.reproduction.verdict import predictions
from assay.reproduction.wheel import ASSAY, rebuilt
from assay.run import Run
from assay.tracking.store import Store

DATA, MODULE = "data.parquet", "locked_learner"


@dataclass(frozen=True)
class Locked:
    """A folder that was written.

    Attributes:
        folder: Where.
        run: The run that it trains, as EXPERIMENT/RUN.
        n_packages: How many packages are pinned.
        notes: What whoever receives the folder should know.
    """

    folder: Path
    run: str
    n_packages: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "folder": str(self.folder), "notes": list(self.notes)}


def lock(
    run: Run | str | Path,
    to: str | Path,
    *,
    data: Any = None,
    store: Store | None = None,
    announce: Announce = silent,
) -> Locked:
    """Write a folder that trains the same model in a clean environment: `sh reproduce.sh`.

    It holds the data, every setting, the learner's own modules, the versions of all packages, and
    what the run predicted. It holds no model, no path of this machine and no secret of the
    settings.

    Args:
        run: A run, or what it is called.
        to: The folder; it must not exist, or be empty.
        data: The table it was trained on, where that is not found by itself.
        store: Where the run is kept.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        DataError: The data it was trained on is not to be found.
        InputError: The folder is not empty; or something that is needed was changed or is missing.
    """
    folder = Path(to).absolute()
    refuse_taken(folder)
    announce(Step("Reading what was recorded"))
    with recalled(run, store) as known, folder_aside(folder) as aside:
        place = Place.to_find(store)
        announce(Step("Looking for the data"))
        found = find_data(known, place.workspace, data)
        _write_data(found.table, known, aside)
        recipe = _write_recipe(known, aside)
        announce(Step("Pinning the packages"))
        pins = pinned(recipe.packages, {**recorded_packages(known.provenance), **recipe.packages})
        notes = _write_requirements(pins, known, aside)
        announce(Step("Writing what is expected"))
        _write_expected(known, found.table, aside)
        _write_facts(known, recipe, pins, aside)
        readme.write(known, notes, aside)
    return Locked(folder, known.reference, len(pins.versions) + 1, notes)


def refuse_taken(folder: Path) -> None:
    """Refuse a folder that holds something already.

    Raises:
        InputError: It does.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(
            f"{folder.name} is there already, and not empty.",
            where=str(folder),
            mend="name another folder: --to FOLDER",
        )


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `folder` once it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield aside
        if folder.is_dir():
            folder.rmdir()
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_data(table: pa.Table, known: Recollection, folder: Path) -> None:
    """The whole table, if it can be kept so that it reads back as it was."""
    path = folder / DATA
    try:
        pyarrow.parquet.write_table(table, path, compression="zstd")
        again = fingerprint(read_table(path))
    except pa.ArrowNotImplementedError as error:
        raise _unkeepable(known, str(error)) from None
    if again != known.fingerprint:
        raise _unkeepable(known, "read back it is another table")


def _unkeepable(known: Recollection, reason: str) -> DataError:
    return DataError(
        f"The data of {known.reference} cannot be kept in a Parquet file: {reason}.",
        mend="leave the columns of odd types out of the source, and train again",
    )


def _write_recipe(known: Recollection, folder: Path) -> Recipe:
    """The experiment file with every setting, and what makes the learner; the recipe of these."""
    settings = {**known.recipe.settings, "name": known.recipe.name}
    settings.pop("tracking", None)
    settings["data"] = {**settings["data"], "source": DATA, "query": None, "sheet": None}
    if known.recipe.given:
        settings["model"] = {"learner": f"{MODULE}:make", "options": {}}
        _write_learner(known, folder)
    _copy_modules(known, folder)
    with (folder / FILE).open("w", encoding="utf-8") as file:
        file.write(f"# {known.reference}: every setting as that run had it\n")
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.dump(_plain(settings), file)
    loaded = load_experiment(folder / FILE)
    code = own_modules(folder, loaded.experiment.model.learner).digests
    return replace(known.recipe, settings={}, file=FILE, folder="", given=False, code=code)


def _write_learner(known: Recollection, folder: Path) -> None:
    if known.learner is None:
        raise LearnerError(
            f"The learner of {known.reference} was handed over as an object and is not recorded.",
            where=f"model.learner: {known.recipe.settings['model']['learner']}",
            mend="train with one that has a name, in a file beside the experiment: "
            "model.learner: module:factory",
        )
    shutil.copy(known.learner, folder / LEARNER_FILE)
    readme.write_learner(known.learner, folder / f"{MODULE}.py")


def _copy_modules(known: Recollection, folder: Path) -> None:
    """The user's own modules that make the learner, if they are what they were."""
    here = Path(known.recipe.folder)
    modules = own_modules(here, known.recipe.settings["model"]["learner"])
    changed = {*known.recipe.code.items()} ^ {*modules.digests.items()}
    if changed and not known.recipe.given:
        names = sorted({path for path, _ in changed})
        commit = known.provenance.get("git", {}).get("commit", "")
        raise LearnerError(
            f"The learner's code is not what it was: {', '.join(names)}.",
            where=str(here),
            mend=f"git checkout {commit[:12]}" if commit else "bring it back as it was",
        )
    for path in modules.paths if not known.recipe.given else ():
        copy = folder / path.relative_to(here.absolute())
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _write_requirements(pins: Pins, known: Recollection, folder: Path) -> tuple[str, ...]:
    """The versions to install, with a wheel of Assay where no index has it; what to know of it."""
    installed = distribution(ASSAY)
    recorded = recorded_packages(known.provenance).get(ASSAY, installed.version)
    of_assay, notes = f"{ASSAY}=={recorded}", []
    if is_from_elsewhere(installed):
        of_assay = f"./{rebuilt(folder).name}"
        if recorded != installed.version:
            notes.append(
                f"The run was trained with Assay {recorded}; the wheel here is of "
                f"{installed.version}, which is what was installed."
            )
    notes += [
        f"{name} was installed from a folder or an address: put it on an index, or its wheel "
        "beside requirements.txt."
        for name in pins.elsewhere
    ]
    (folder / "requirements.txt").write_text(pins.text(of_assay), encoding="utf-8")
    if known.provenance.get("python", "") != platform.python_version():
        notes.append(f"The run was trained with Python {known.provenance.get('python')}.")
    return tuple(notes)


def _write_expected(known: Recollection, table: pa.Table, folder: Path) -> None:
    """What the run predicted, to be compared with."""
    predicted = known.predicted
    if predicted is None and known.model is not None:
        predicted = predictions(known.model, table, known.out_of_fold["row"].to_numpy())
    if predicted is None:
        raise InputError(
            f"The model of {known.reference} cannot be loaded with the packages that are here.",
            mend="install those that it was trained with: assay reproduce RUN names them",
        )
    (folder / EXPECTED).mkdir()
    for name, each in ((OUT_OF_FOLD, known.out_of_fold), (MODEL, predicted)):
        pyarrow.parquet.write_table(each, folder / EXPECTED / f"{name}.parquet", compression="zstd")


def _write_facts(known: Recollection, recipe: Recipe, pins: Pins, folder: Path) -> None:
    needed = {ASSAY, *pins.versions}
    facts = {
        "run_id": known.run_id,
        "reference": known.reference,
        "schema": known.schema.as_dict(),
        "n_rows": dict(known.n_rows),
        "fingerprint": known.fingerprint,
        "test_digest": known.test_digest,
        "metrics": dict(known.metrics),
        "chosen": dict(known.chosen),
        "rows": known.rows,
        "provenance": surroundings(known.provenance, needed),
        "recipe": recipe.as_dict(),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _plain(value: Any) -> Any:
    """Settings as YAML writes them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
