"""Provenance: what must be known to do it again."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
import subprocess
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = (
    "assay-ml", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skops", "mlflow",
    "threadpoolctl", "loky", "torch", "transformers", "lightgbm", "xgboost", "catboost",
)  # fmt: skip
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY")
_SECRET = re.compile(
    r"(?i)\$\{[^}\s]*\}"
    r"|((?:token|password|passwd|secret|key)[^=\s]*[=:])(?!\$\{\w+\}(?:[\s&,;\"']|$))\S+"
)
_CREDENTIALS = re.compile(r"""(\w+://)([^\s/@:"'<>]*:[^\s"'<>]*|[^\s/@"'<>]+)(?=@)""")
HIDDEN = "***"
_BY_VARIABLE = re.compile(r"([^:]*:)?(\$\{\w+\})+")
_LONGEST_DIFF = 1 << 20
_GIT_TIMEOUT_S = 10


def collect(folder: Path) -> dict[str, Any]:
    """What a run depends on besides its file and its data, in an order to be shown.

    Args:
        folder: A folder of the project, whose commit and uncommitted changes are taken down.
    """
    return {
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": masked(" ".join(sys.argv)),
        "user": _user(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hardware": hardware(),
        "git": git(folder),
        "packages": packages(),
        "threads": {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
    }


def packages() -> dict[str, str]:
    """Versions of the packages that numbers may depend on, of those that are installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Processor, cores, memory, and the accelerator if torch is in use and knows one."""
    about: dict[str, Any] = {
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        about["accelerator"] = torch.cuda.get_device_name()
    return about


def git(folder: Path) -> dict[str, Any]:
    """Commit, branch and uncommitted changes; empty outside a repository or without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    diff = _git(folder, "diff", "HEAD") or ""
    about: dict[str, Any] = {
        "commit": commit.strip(),
        "branch": (_git(folder, "rev-parse", "--abbrev-ref", "HEAD") or "").strip(),
        "uncommitted": bool((_git(folder, "status", "--porcelain") or "").strip()),
    }
    if diff:
        about["diff"] = masked(diff[:_LONGEST_DIFF])
    if len(diff) > _LONGEST_DIFF:
        about["diff_cut"] = f"the first {_LONGEST_DIFF:,} of {len(diff):,} characters"
    return about


def masked(text: str) -> str:
    """The text without the values of what is named like a secret, and without those in URLs.

    What only names a variable of the environment tells nothing and stays.

    >>> masked("assay train a.yaml --set tracking.token=abc")
    'assay train a.yaml --set tracking.token=***'
    >>> masked("http://me:hunter2@host and http://me:${PASSWORD}@host")
    'http://***@host and http://me:${PASSWORD}@host'
    """
    shown = _CREDENTIALS.sub(_hidden, text)
    return _SECRET.sub(lambda match: f"{match[1]}{HIDDEN}" if match[1] else match[0], shown)


def _hidden(match: re.Match[str]) -> str:
    scheme, credentials = match.groups()
    is_user = ":" not in credentials and not scheme.startswith("http")  # there it may be a token
    if is_user or _BY_VARIABLE.fullmatch(credentials):
        return match[0]
    return f"{scheme}{HIDDEN}"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
