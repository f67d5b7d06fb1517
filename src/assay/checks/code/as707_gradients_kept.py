"""AS707 gradients-kept: steps along the sum of all gradients so far, because none is ever cleared.

A function that calls `backward` and steps an optimizer, in a loop, must clear gradients there, in
what it calls, or in what calls it. Clearing between `backward` and `step` throws the gradient away.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Loops, is_optimizer, method, receiver
from assay.findings import Finding, Severity

_ENGINES = frozenset({"deepspeed", "colossalai", "fairscale", "megatron"})


class GradientsKept:
    """Finds training loops that never clear gradients, or clear them too early."""

    code = "AS707"
    name = "gradients-kept"
    libraries = ("torch",)

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at every backward with a step in the same function."""
        loops = script.loops
        if script.libraries & _ENGINES:
            return []
        found = []
        seen: set[ast.AST] = set()
        for backward in loops.methods("backward", "manual_backward"):
            function = loops.function_of(backward)
            steps = [each for each in loops.inside(loops.methods("step"), function)
                     if is_optimizer(receiver(each))]  # fmt: skip
            if function in seen or not steps or _by_engine(backward, steps):
                continue
            seen.add(function)
            early = _cleared_early(loops, function)
            if early is not None:
                found.append(self._finding(script, early, early=True))
            elif _in_loop(loops, backward, function) and not _cleared(loops, function):
                found.append(self._finding(script, backward, early=False))
        return found

    def _finding(self, script: Script, node: ast.AST, *, early: bool) -> Finding:
        title = (
            "Gradients are cleared after backward and before step: the step has none."
            if early
            else "Gradients are never cleared: each step follows the sum of all before it."
        )
        mend = "optimizer.zero_grad(set_to_none=True)\nloss.backward()\noptimizer.step()"
        return script.finding(self.code, Severity.WARN, title, node, mend)


def _by_engine(backward: ast.Call, steps: Sequence[ast.Call]) -> bool:
    """Whether an engine does it all, or a closure is stepped."""
    engine = any(receiver(each) == receiver(backward) for each in steps)
    given = [each.args[0] for each in steps if each.args]
    closures = any(
        not isinstance(each, ast.Attribute) and not is_optimizer(getattr(each, "id", ""))
        for each in given
    )
    return engine or closures or any(each.keywords for each in steps)


def _in_loop(loops: Loops, backward: ast.Call, function: ast.AST) -> bool:
    if loops.loops_around(backward) or getattr(function, "name", "") == "training_step":
        return True
    return any(loops.loops_around(call) for call in loops.callers(function))


def _cleared(loops: Loops, function: ast.AST) -> bool:
    return any(_clears(node) for each in loops.neighbours(function) for node in ast.walk(each))


def _clears(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and node.attr in ("zero_grad", "zero_", "clear_grad"):
        return True
    if isinstance(node, ast.Call) and method(node) == "zero_grad":
        return True
    return (
        isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.ctx, ast.Store)
    )


def _cleared_early(loops: Loops, function: ast.AST) -> ast.Call | None:
    """A zero_grad that stands between backward and step in one block."""
    for node in ast.walk(function):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(block, list) and loops.function_of(node) in (function, loops.tree):
                early = _early_in(block)
                if early is not None:
                    return early
    return None


def _early_in(block: Sequence[ast.stmt]) -> ast.Call | None:
    calls = [each.value for each in block if isinstance(each, ast.Expr)
             and isinstance(each.value, ast.Call)]  # fmt: skip
    pending: ast.Call | None = None
    backward = False
    for call in calls:
        name = method(call)
        if name == "backward":
            backward, pending = True, None
        elif name == "zero_grad" and backward:
            pending = call
        elif name == "step" and is_optimizer(receiver(call)):
            if pending is not None and receiver(pending) == receiver(call):
                return pending
            backward, pending = False, None
    return None
