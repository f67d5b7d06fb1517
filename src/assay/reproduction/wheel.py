"""A wheel of the installed Assay, also of an editable installation: the package and its metadata.

A wheel is a zip file with a list of its files and their digests (packaging.python.org,
'Binary distribution format'). Build back ends make one of a source tree, which is not here.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import assay
from assay.reproduction.pins import ASSAY

_KEPT = ("METADATA", "entry_points.txt")
_ABOUT = "Wheel-Version: 1.0\nGenerator: assay\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_THEN = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the same content is the same wheel."""


def rebuilt(folder: Path) -> Path:
    """Write a wheel of the Assay that is running into a folder and return its path."""
    installed = distribution(ASSAY)
    title = f"{ASSAY.replace('-', '_')}-{installed.version}"
    about = f"{title}.dist-info"
    package = Path(str(assay.__file__)).parent
    files = {
        path.relative_to(package.parent).as_posix(): path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in _KEPT:
        files[f"{about}/{name}"] = (installed.read_text(name) or "").encode()
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
