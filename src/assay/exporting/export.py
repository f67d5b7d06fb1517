"""`export`: the model, the server and the versions of what these need, in a folder of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from assay.errors import InputError
from assay.exporting import pages
from assay.inference.loading import LoadedModel, load_folder
from assay.inference.packing import digest
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.registry import versions
from assay.reproduction.lock import folder_aside, refuse_taken
from assay.reproduction.pins import Pins, pinned
from assay.reproduction.wheel import rebuilt
from assay.serving_models import refuse_if_missing
from assay.tracking.runs import find_run
from assay.workspace import file_name

_OF_SERVER = (
    "filelock", "httptools", "numpy", "orjson", "packaging", "pandas", "platformdirs",
    "prometheus_client", "psutil", "pyarrow", "pydantic", "ruamel.yaml", "scikit-learn", "scipy",
    "skops", "starlette", "threadpoolctl", "uvicorn",
)  # fmt: skip
"""What `assay.serving` and whatever it imports need. MLflow is for those who train."""

_OF_TRAINING = ("mlflow",)


@dataclass(frozen=True)
class Exported:
    """A folder that was written.

    Attributes:
        folder: Where.
        model: The model in it, with its version.
        digest: Of its files; the server refuses others.
        n_packages: How many packages are pinned.
        size_bytes: Of the folder.
        notes: What whoever receives it should know.
    """

    folder: Path
    model: str
    digest: str
    n_packages: int
    size_bytes: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "folder": str(self.folder), "notes": list(self.notes)}


def export(
    model: str, to: str | Path, *, trust: Sequence[str] = (), announce: Announce = silent
) -> Exported:
    """Write a folder that serves a model anywhere: `python serve.py`, or its Dockerfile.

    It holds the model, a wheel of this Assay, and the versions of the packages that serving it
    needs: none of those that train, search or record. The server is that of `assay serve`.

    Args:
        model: NAME, NAME/VERSION, NAME@STAGE, runs:/ID or a folder.
        to: The folder; it must not exist, or be empty.
        trust: Types beyond those of the standard libraries that the model may hold; its server
            will trust them as well.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such model.
        UnsafeModelError: It was changed since it was saved, or holds types nobody vouched for.
        InputError: The folder is not empty, or the model is made of code that is in no package.
    """
    folder = Path(to).absolute()
    refuse_taken(folder)
    refuse_if_missing()
    announce(Step(f"Loading {model}"))
    with _found(model) as (path, name, expected), folder_aside(folder) as aside:
        loaded = load_folder(path, name=name, expected=expected, trust=trust)
        inner = aside / file_name(name.replace("/", "-").replace("@", "-"))
        shutil.copytree(path, inner, ignore=shutil.ignore_patterns("__pycache__"))
        announce(Step("Pinning the packages"))
        pins = _pins(loaded, inner)
        announce(Step("Writing the server"))
        wheel = rebuilt(aside).name
        (aside / "requirements.txt").write_text(pins.text(), encoding="utf-8")
        found = digest(inner)
        pages.write(aside, inner.name, found, loaded, pins, wheel, trust)
        _open_to_all(aside)
        size = sum(each.stat().st_size for each in aside.rglob("*") if each.is_file())
    return Exported(folder, name, found, len(pins.versions), size, _notes(pins))


def _open_to_all(folder: Path) -> None:
    """Let everybody read it: a workspace is its owner's alone, but an image's user is another."""
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)


@contextmanager
def _found(model: str) -> Iterator[tuple[Path, str, str]]:
    """The model's folder while it is needed, what it is called, and its digest if that is known."""
    if Path(model).is_dir():
        yield Path(model), Path(model).resolve().name, ""
        return
    place = Place.to_find()
    if model.startswith("runs:/"):
        run = model.removeprefix("runs:/").removesuffix("/model")
        model = f"runs:/{find_run(place.store, run).run_id}"
    found = versions.find_model(place.uri, model)
    name = found.version.reference if found.version is not None else model.removeprefix("runs:/")
    with place.workspace.scratch_to_read() as scratch:
        yield found.local(scratch), name, found.digest


def _pins(loaded: LoadedModel, inner: Path) -> Pins:
    """What serving the model needs: versions as it was trained with, where it says them."""
    text = (inner / "requirements.txt").read_text(encoding="utf-8")
    required = [Requirement(line) for line in text.splitlines() if line.strip()]
    recorded = {each.name: next(iter(each.specifier)).version for each in required}
    own = [each.name for each in required if each.name not in _OF_TRAINING]
    about = loaded.served.about
    return pinned(
        sorted({*_OF_SERVER, *own, *_packages_of_code(about)}), recorded, needs_assay=False
    )


def _packages_of_code(about: Mapping[str, Any]) -> set[str]:
    """The distributions of the types that the model is made of.

    Raises:
        InputError: A type is in no package, and would not be there.
    """
    named = [*about["types"], *([about["model_class"]] if about["model_class"] else [])]
    tops = {each.partition(":")[0].partition(".")[0] for each in named} - {"assay"}
    known, found = packages_distributions(), set()
    for top in sorted(tops):
        if top in known:
            found.add(known[top][0])
        elif top not in sys.stdlib_module_names:
            raise InputError(
                f"The model is made of code in {top!r}, which is in no installed package.",
                where=", ".join(sorted(each for each in named if each.startswith(top))),
                mend="put that module into a package of its own, install it, and train again",
            )
    return found


def _notes(pins: Pins) -> tuple[str, ...]:
    return tuple(
        f"{name} was installed from a folder or an address: put its wheel beside requirements.txt."
        for name in pins.elsewhere
    )
