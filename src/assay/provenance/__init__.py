"""Provenance: what must be known to do it again, and what of it may be written down."""

from __future__ import annotations

import getpass
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

__all__ = ["DISTRIBUTIONS", "HIDDEN", "back_ends", "collect", "git", "hardware", "masked",
           "packages", "user"]  # fmt: skip

DISTRIBUTIONS = "all packages"
"""Under this every installed distribution is recorded; pages show `packages`."""


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


def user() -> str:
    """Who runs this process, as the system calls them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
