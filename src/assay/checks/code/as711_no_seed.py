"""AS711 no-seed: a script that draws random numbers and can never be run again with the same ones.

A note: it is worth knowing and no mistake by itself. Only scripts count, where the drawing is plain
(a division without `random_state`, a shuffled loader, a network's first weights) and nothing in the
file mentions a seed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Loops, called_name, keyword
from assay.findings import Finding, Severity

_SEEDED = re.compile(r"seed|random_state|default_rng|Generator", re.IGNORECASE)
_DRAWS = frozenset({"train_test_split", "random_split", "RandomForestClassifier",
                    "RandomForestRegressor", "shuffle"})  # fmt: skip


class NoSeed:
    """Finds scripts that draw at random and set no seed."""

    code = "AS711"
    name = "no-seed"
    libraries = ("sklearn", "torch", "tensorflow", "keras")

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look for a seed, and for what needs one."""
        if not _is_script(script.module.tree):
            return []
        for call in script.loops.calls:
            if _draws(script.loops, call):
                if any(_SEEDED.search(line.partition("#")[0]) for line in script.module.lines):
                    return []
                return [
                    script.finding(
                        self.code,
                        Severity.NOTE,
                        "Nothing sets a seed: the next run divides, shuffles and starts otherwise.",
                        call,
                        "train_test_split(X, y, random_state=0); torch.manual_seed(0)",
                    )
                ]
        return []


def _draws(loops: Loops, call: ast.Call) -> bool:
    name = called_name(call)
    shuffle = keyword(call, "shuffle")
    if name == "DataLoader":
        return isinstance(shuffle, ast.Constant) and shuffle.value is True
    if name == "backward":
        return bool(loops.loops_around(call))
    off = isinstance(shuffle, ast.Constant) and shuffle.value is False
    return name in _DRAWS and not off


def _is_script(tree: ast.Module) -> bool:
    """Whether a module does something when it is run, besides defining."""
    return any(isinstance(each, (ast.For, ast.While, ast.With, ast.If)) or (
        isinstance(each, (ast.Expr, ast.Assign)) and isinstance(each.value, ast.Call))
        for each in tree.body)  # fmt: skip
