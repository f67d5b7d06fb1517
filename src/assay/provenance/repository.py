"""The repository: commit, branch, and all that is not committed, as one patch."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from assay.provenance.redaction import masked

_LONGEST_DIFF = 1 << 20
_LONGEST_FILE = 1 << 16
_MOST_FILES = 200
_CODE = ("*.py", "*.sql")
"""Untracked files whose text is taken down: a learner of one's own may be in one."""
_GIT_TIMEOUT_S = 10


def git(folder: Path) -> dict[str, Any]:
    """Commit, branch and uncommitted changes; empty outside a repository or without git.

    `diff` applied to the commit gives the project as it was: tracked files, and small untracked
    ones below the folder that may be code. Where something in it was hidden, `diff_masked` says so.
    """
    commit = asked(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    status = asked(folder, "status", "--porcelain", "-z") or ""
    untracked = [each[3:] for each in status.split("\0") if each.startswith("??")]
    about: dict[str, Any] = {
        "commit": commit.strip(),
        "branch": (asked(folder, "rev-parse", "--abbrev-ref", "HEAD") or "").strip(),
        "uncommitted": bool(status),
    }
    if untracked:
        about["untracked"] = [masked(name) for name in untracked[:_MOST_FILES]]
    diff = (asked(folder, "diff", "HEAD") or "") + (_added(folder) if untracked else "")
    if diff:
        about["diff"] = masked(diff[:_LONGEST_DIFF])
        if about["diff"] != diff[:_LONGEST_DIFF]:
            about["diff_masked"] = True
    if len(diff) > _LONGEST_DIFF:
        about["diff_cut"] = f"the first {_LONGEST_DIFF:,} of {len(diff):,} characters"
    return about


def asked(folder: Path, *arguments: str) -> str | None:
    """What git answers in a folder; None if it does not, or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")  # with the ends of lines that files have


def _added(folder: Path) -> str:
    """A patch that adds the small untracked files below the folder which may be code."""
    listing = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", *_CODE)
    names = [name for name in (asked(folder, *listing) or "").split("\0") if name]
    if not names:
        return ""
    root = Path((asked(folder, "rev-parse", "--show-toplevel") or "").strip())
    return "".join(_addition(root, name) for name in names[:_MOST_FILES])


def _addition(root: Path, name: str) -> str:
    path = root / name
    try:
        if path.is_symlink() or path.stat().st_size > _LONGEST_FILE:
            return ""
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return ""
    lines = text.removesuffix("\n").split("\n") if text else []
    head = f"diff --git a/{name} b/{name}\nnew file mode 100644\n"
    if not lines:
        return head
    body = "".join(f"+{line}\n" for line in lines)
    end = "" if text.endswith("\n") else "\\ No newline at end of file\n"
    return f"{head}--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n{body}{end}"
