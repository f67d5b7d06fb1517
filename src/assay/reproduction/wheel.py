"""A wheel of the installed Assay, also of an editable installation: the package and its metadata.

A wheel is a zip file with a list of its files and their digests (packaging.python.org,
'Binary distribution format'). Build back ends make one of a source tree, which is not here.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from importlib.metadata import distribution
from itertools import takewhile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ASSAY = "assay-ml"

_PACKAGE = Path(__file__).parents[1]
_ABOUT = "Wheel-Version: 1.0\nGenerator: assay\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_THEN = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the same content is the same wheel."""


def requirements() -> list[str]:
    """What the Assay that is running requires, extras left out.

    Of an editable installation its source says it: the metadata is as old as the installation.
    """
    source = _PACKAGE.parents[1] / "pyproject.toml"
    if source.is_file():
        project = tomllib.loads(source.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == ASSAY:
            return list(project["dependencies"])
    return [each for each in distribution(ASSAY).requires or () if "extra ==" not in each]


def _metadata() -> str:
    """The metadata as installed, with the requirements that hold."""
    lines = (distribution(ASSAY).read_text("METADATA") or "").splitlines()
    head = [*takewhile(bool, lines)]
    rest = lines[len(head) :]
    kept = [each for each in head if not each.startswith("Requires-Dist:") or "extra ==" in each]
    return "\n".join([*kept, *(f"Requires-Dist: {each}" for each in requirements()), *rest, ""])


def rebuilt(folder: Path) -> Path:
    """Write a wheel of the Assay that is running into a folder and return its path."""
    installed = distribution(ASSAY)
    title = f"{ASSAY.replace('-', '_')}-{installed.version}"
    about = f"{title}.dist-info"
    files = {
        path.relative_to(_PACKAGE.parent).as_posix(): path.read_bytes()
        for path in sorted(_PACKAGE.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files[f"{about}/METADATA"] = _metadata().encode()
    files[f"{about}/entry_points.txt"] = (installed.read_text("entry_points.txt") or "").encode()
    files[f"{about}/WHEEL"] = _ABOUT.encode()
    record = f"{about}/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    path = folder / f"{title}-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        for name, data in files.items():
            entry = ZipInfo(name, _THEN)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, data, ZIP_DEFLATED)
    return path


def _digest(data: bytes) -> str:
    digest = hashlib.sha256(data).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
