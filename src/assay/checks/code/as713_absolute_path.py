"""AS713 absolute-path: a file that is found on one machine only.

Firm for the home of a user, in a call or a name that has to do with files; other roots (`/data`,
`/mnt`) may be the same on all machines of a team and are asked about. What a system has everywhere
(`/tmp`, `/dev`, `/usr`, `/kaggle/input`, `/content`) is let be, and so is text that only mentions a
path.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Loops, called_name
from assay.checks.code.names import words
from assay.findings import Finding, Severity

_HOME = re.compile(r"^(/home/[\w.-]+/|/Users/[\w.-]+/|/root/|[A-Za-z]:[\\/]+Users[\\/]+)[^\n\s]")
_DRIVE = re.compile(
    r"^([A-Za-z]:[\\/]+|/(mnt|data|datasets|scratch|nfs|media|storage|gpfs|export)/)[^\n]*\w$"
)
_EXAMPLES = re.compile(r"/(path|your|user|username|you|me|foo|bar|example|somewhere)[/_-]", re.I)
_FILE_WORDS = frozenset(
    """path dir directory folder file filename root data dataset output out input checkpoint csv
    log logs save load weights base home location src images train test""".split()
)
_FILE_CALLS = re.compile(
    r"read|load|open|save|path|folder|dataset|dir|write|join|glob|csv|to_", re.I
)


class AbsolutePath:
    """Finds paths that begin at the root of one machine."""

    code = "AS713"
    name = "absolute-path"
    libraries = ()

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at strings that are used as files."""
        found = []
        for node in script.loops.of(ast.Constant):
            if not isinstance(node.value, str):
                continue
            home = bool(_HOME.match(node.value))
            if (home or _DRIVE.match(node.value)) and _used_as_file(script.loops, node):
                if _EXAMPLES.search(node.value):
                    continue
                found.append(
                    script.finding(
                        self.code,
                        Severity.WARN if home else Severity.ASK,
                        "A path begins at the root of one machine.",
                        node,
                        "Path(__file__).parent / 'data' / 'train.csv', or a command-line argument",
                        path=node.value,
                    )
                )
        return found


def _used_as_file(loops: Loops, node: ast.Constant) -> bool:
    """Whether a string is given to a call, or a name, that has to do with files."""
    for each in loops.around(node):
        if isinstance(each, ast.Call):
            return bool(_FILE_CALLS.search(called_name(each) or ""))
        if isinstance(each, (ast.Assign, ast.AnnAssign)):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            names = [getattr(inner, "id", getattr(inner, "attr", "")) for target in targets
                     for inner in ast.walk(target)]  # fmt: skip
            return any(set(words(name)) & _FILE_WORDS for name in names)
        if isinstance(each, (ast.Compare, ast.stmt)):
            return False
    return False
