"""Provenance: what must be known to do it again, and what of it may be written down."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from assay.provenance.environment import (
    back_ends,
    distributions,
    hardware,
    origins,
    packages,
    surroundings,
    thread_variables,
)
from assay.provenance.redaction import HIDDEN, masked
from assay.provenance.repository import git

__all__ = ["DISTRIBUTIONS", "HIDDEN", "account", "back_ends", "collect", "git", "hardware",
           "masked", "packages", "user"]  # fmt: skip

DISTRIBUTIONS = "all packages"
"""Under this every installed distribution is recorded; pages show `packages`."""
_NOBODY = "unknown"


def collect(folder: Path) -> dict[str, Any]:
    """What a run depends on besides its file and its data, in an order to be shown.

    Args:
        folder: A folder of the project, whose commit and uncommitted changes are taken down.
    """
    installed = distributions()
    elsewhere = origins()
    return {
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": masked(" ".join(sys.argv)),
        "user": user(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **surroundings(),
        "hardware": hardware(),
        "git": git(folder),
        "packages": packages(installed),
        **({"packages from elsewhere": elsewhere} if elsewhere else {}),
        DISTRIBUTIONS: installed,
        "threads": thread_variables(),
    }


def account() -> str:
    """Who answers for what this process does: its account, whatever the environment says.

    The name that the environment gives stands beside it where it is another: 'svc (ann)'.
    """
    named = "".join(each if each.isprintable() else "?" for each in user())
    try:
        import pwd
    except ImportError:  # not on Windows
        return named
    try:
        own = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container, say
        own = f"uid {os.getuid()}"
    return own if named in (own, _NOBODY) else f"{own} ({named})"


def user() -> str:
    """Who runs this process, as the environment calls them, or else the system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return _NOBODY
