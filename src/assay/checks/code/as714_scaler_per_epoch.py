"""AS714 scaler-per-epoch: a GradScaler made anew each epoch, so that it never learns its scale.

The scale starts at 65,536 and halves on every overflow; made anew, it throws away the same first
steps of each epoch.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Function, Loops, called_name
from assay.checks.code.names import words
from assay.findings import Finding, Severity


class ScalerPerEpoch:
    """Finds a GradScaler made inside the loop that uses it."""

    code = "AS714"
    name = "scaler-per-epoch"
    libraries = ("torch",)

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at where a GradScaler is made."""
        return [
            script.finding(
                self.code,
                Severity.WARN,
                "The gradient scaler is made anew each epoch and forgets its scale.",
                call,
                "scaler = torch.amp.GradScaler('cuda')  # once, before the loop over epochs",
            )
            for call in script.loops.calls
            if called_name(call) == "GradScaler" and _each_epoch(script.loops, call)
        ]


def _each_epoch(loops: Loops, call: ast.Call) -> bool:
    around = loops.loops_around(call)
    if around:
        return _trains(loops, around[0])
    function = loops.function_of(call)
    if not isinstance(function, Function) or not _trains(loops, function):
        return False
    said = set(words(function.name))
    if {"epoch", "batch"} & said and not {"epochs"} & said:
        return True
    return any(
        _over_epochs(each)
        for caller in loops.callers(function)
        for each in loops.loops_around(caller)
    )


def _trains(loops: Loops, around: ast.AST) -> bool:
    return bool(loops.inside(loops.methods("backward"), around))


def _over_epochs(loop: ast.AST) -> bool:
    if not isinstance(loop, (ast.For, ast.AsyncFor)):
        return False
    names = [each for part in (loop.target, loop.iter) for each in ast.walk(part)]
    said = {
        word for each in names for word in words(getattr(each, "id", getattr(each, "attr", "")))
    }
    return bool({"epoch", "epochs", "ep"} & said)
