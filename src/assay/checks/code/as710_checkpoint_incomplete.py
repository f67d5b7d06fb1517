"""AS710 checkpoint-incomplete: a run that is resumed without what its optimizer had learnt.

Only where a run is plainly resumed: a loaded checkpoint gives the epoch to go on from. A file of
weights for use, or of the best epoch, is complete as it is. Without the state of the random
numbers a resumed run is right but not the same: a note.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Loops, called_name, is_optimizer, is_scheduler, method, receiver
from assay.checks.code.names import words
from assay.findings import Finding, Severity

_POSITIONS = frozenset(
    {"epoch", "step", "iteration", "iter", "global_step", "start_epoch", "epochs"}
)
_RANDOM = frozenset({"get_rng_state", "get_rng_state_all", "getstate", "get_state"})


class CheckpointIncomplete:
    """Finds runs resumed without the state of optimizer or schedule."""

    code = "AS710"
    name = "checkpoint-incomplete"
    libraries = ("torch",)

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at what is saved, what is loaded, and where training goes on."""
        loops = script.loops
        others = (is_optimizer, is_scheduler)
        loads = [
            each
            for each in loops.methods("load_state_dict")
            if not any(belongs(receiver(each)) for belongs in others)
        ]
        steps = [receiver(each) for each in loops.methods("step")]
        if not loads or not any(map(is_optimizer, steps)) or not _goes_on(loops, loads[0]):
            return []
        saved = [receiver(each) for each in loops.methods("state_dict")]
        loaded = [receiver(each) for each in loops.methods("load_state_dict")]
        missing = []
        for what, belongs in (("optimizer", is_optimizer), ("scheduler", is_scheduler)):
            used = what == "optimizer" or any(map(is_scheduler, steps))
            if used and not (any(map(belongs, saved)) and any(map(belongs, loaded))):
                missing.append(what)
        if missing:
            return [self._finding(script, loads[0], missing)]
        if not any(called_name(each) in _RANDOM for each in loops.calls):
            return [self._finding(script, loads[0], ["random numbers"])]
        return []

    def _finding(self, script: Script, node: ast.AST, missing: Sequence[str]) -> Finding:
        what = " and ".join(missing)
        grave = missing != ["random numbers"]
        return script.finding(
            self.code,
            Severity.WARN if grave else Severity.NOTE,
            f"The run is resumed without the state of its {what}.",
            node,
            "state = {'epoch': epoch, 'model': model.state_dict(),\n"
            "         'optimizer': optimizer.state_dict(), 'scheduler': scheduler.state_dict(),\n"
            "         'rng': torch.get_rng_state()}\n"
            "and load each of them where the run is resumed",
        )


def _goes_on(loops: Loops, load: ast.Call) -> bool:
    """Whether the function that loads also reads from where to go on."""
    around = loops.function_of(load)
    for node in ast.walk(around):
        key: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
        elif isinstance(node, ast.Call) and method(node) == "get" and node.args:
            key = node.args[0]
        said = key.value if isinstance(key, ast.Constant) else None
        if isinstance(said, str) and set(words(said)) & _POSITIONS and _assigned(loops, node):
            return True
    return False


def _assigned(loops: Loops, node: ast.AST) -> bool:
    """Whether a value is kept under a name that says where an epoch begins."""
    for each in loops.around(node):
        if isinstance(each, ast.Assign):
            said = {word for name in ast.walk(each.targets[0])
                    for word in words(getattr(name, "id", getattr(name, "attr", "")))}  # fmt: skip
            return bool(said & {"start", "epoch", "begin", "first", "initial", "resume", "step",
                                "iteration", "last"})  # fmt: skip
    return False
