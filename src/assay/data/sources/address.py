"""Addresses: what `data.source` may say, and how to name it without its password.

A source is a path, or a text with '://' in it: a database as SQLAlchemy writes it, or a Delta
table (`delta://PATH`, `delta://PATH@VERSION`). Relative paths in either are the caller's to place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

DELTA = re.compile(r"delta://(?P<path>.+?)(?:@(?P<version>[0-9]+))?", re.DOTALL)
_SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+\w+)?:///)(?P<path>[^?]+)(?P<options>\?.*)?")
_PASSWORD = re.compile(
    r"""(?x) (?<=://) (?P<user>[^/:@\s'"]*) : (?!\$\{) [^\s'"]+ (?=@)
    | (?P<key>[?&](?:password|passwd|pwd)=) (?!\$\{) [^&\s'"]+"""
)


def is_address(source: str | Path) -> bool:
    """Whether it is a database or a Delta table rather than a path."""
    return isinstance(source, str) and "://" in source


def located(source: str, folder: Path) -> str | Path:
    """The source with its path made absolute.

    Args:
        source: A path or an address, as written by the user.
        folder: What relative paths are relative to.

    >>> located("delta://sales@3", Path("/data"))
    'delta:///data/sales@3'
    """
    if not is_address(source):
        return (folder / source).absolute()
    return _rebased(source, lambda path: str((folder / path).absolute()))


def relocated(source: str, folder: Path) -> str:
    """The source as a file in this folder should name it, with a relative path if it has one.

    >>> relocated("sqlite:///shop.db", Path.cwd() / "experiments")
    'sqlite:///../shop.db'
    """

    def relative(path: str) -> str:
        return Path(os.path.relpath(Path(path).absolute(), folder.absolute())).as_posix()

    return _rebased(source, relative) if is_address(source) else relative(source)


def shown(source: str | Path) -> str:
    """What to call the source in messages: a file's name, or an address without credentials.

    >>> shown("postgresql://me:secret@host/shop")
    'postgresql://me:***@host/shop'
    """
    return without_password(source) if isinstance(source, str) else source.name


def without_password(text: str, instead: str = "***") -> str:
    """A text without the passwords in its addresses; those that are variables stay.

    >>> without_password("source: postgresql://me:secret@host/shop")
    'source: postgresql://me:***@host/shop'
    >>> without_password("source: postgresql://me:${PASSWORD}@host/shop")
    'source: postgresql://me:${PASSWORD}@host/shop'
    """

    def covered(match: re.Match[str]) -> str:
        return f"{match['key']}{instead}" if match["key"] else f"{match['user']}:{instead}"

    return _PASSWORD.sub(covered, text)


def title(source: str) -> str:
    """A name for what is in the source, for example for a file about it.

    >>> title("data/sales.csv.gz"), title("sqlite:///shop.db"), title("delta://sales@3")
    ('sales', 'shop', 'sales')
    """
    found = DELTA.fullmatch(source)
    path = found["path"] if found else source.partition("?")[0]
    return Path(path).name.partition(".")[0] or "table"


def _rebased(address: str, place: Callable[[str], str]) -> str:
    """The address with the path in it placed anew, if it has one in the local file system."""
    if (delta := DELTA.fullmatch(address)) is not None and "://" not in delta["path"]:
        version = f"@{delta['version']}" if delta["version"] else ""
        return f"delta://{place(delta['path'])}{version}"
    sqlite = _SQLITE.fullmatch(address)
    if sqlite is None or sqlite["path"].startswith((":memory:", "file:")):
        return address
    return f"{sqlite['scheme']}{place(sqlite['path'])}{sqlite['options'] or ''}"
