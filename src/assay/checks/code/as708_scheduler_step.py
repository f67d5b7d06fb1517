"""AS708 scheduler-step: a learning rate that is moved at the wrong time.

Three ways: before the optimizer's step in the same round of a loop, so that the first rate is
skipped; a schedule counted in epochs moved with every batch; a schedule counted in batches moved
once an epoch. The unit of a schedule is read from its arguments (`T_max=epochs`,
`steps_per_epoch=len(loader)`); where they do not say it, nothing is said. A plateau is counted in
whatever calls it: with every batch, that is asked.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import (
    Loop,
    Loops,
    called_name,
    is_optimizer,
    is_scheduler,
    keyword,
    receiver,
    text_words,
)
from assay.checks.code.names import dotted
from assay.findings import Finding, Severity

_PER_BATCH = ("OneCycleLR", "get_linear_schedule_with_warmup", "get_cosine_schedule_with_warmup",
              "get_polynomial_decay_schedule_with_warmup", "get_scheduler")  # fmt: skip
_PER_EPOCH = ("CosineAnnealingLR", "StepLR", "MultiStepLR", "ReduceLROnPlateau", "LinearLR")
_LENGTH = ("T_max", "total_steps", "steps_per_epoch", "num_training_steps", "step_size",
           "milestones", "total_iters")  # fmt: skip
_BATCHES = frozenset({"steps", "step", "iters", "iterations", "batches", "len", "loader",
                      "dataloader", "dl", "updates"})  # fmt: skip


class SchedulerStep:
    """Finds schedulers that are stepped too early, too often or too rarely."""

    code = "AS708"
    name = "scheduler-step"
    libraries = ("torch",)

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at every step of a scheduler."""
        loops = script.loops
        made = dict(_made(loops))
        found = []
        for step in loops.methods("step"):
            name = receiver(step)
            if not name or not (is_scheduler(name) or name in made) or is_optimizer(name):
                continue
            said = self._wrong(loops, step, made.get(name))
            if said is not None:
                title, mend, severity = said
                found.append(script.finding(self.code, severity, title, step, mend))
        found += self._lightning(script)
        return found

    def _wrong(
        self, loops: Loops, step: ast.Call, made: ast.Call | None
    ) -> tuple[str, str, Severity] | None:
        around = loops.loops_around(step)
        if not around or not _direct(loops, step, around[0]):
            return None
        unit = _unit(loops, made) if made is not None else None
        trains = _trains(loops, around[0])
        inner = [each for each in trains if loops.loops_around(each)[0] is not around[0]]
        if (
            unit == "batch"
            and trains
            and len(inner) == len(trains)
            and _has_batch_loop(loops, inner)
        ):
            return ("A schedule counted in batches is moved once an epoch.",
                    "call scheduler.step() inside the loop over batches, after optimizer.step()",
                    Severity.WARN)  # fmt: skip
        each_batch = len(around) > 1 and trains and not inner
        watches = made is not None and called_name(made) == "ReduceLROnPlateau"
        if each_batch and (unit == "epoch" or watches):
            return ("A schedule counted in epochs is moved with every batch.",
                    "call scheduler.step() once, after the loop over batches",
                    Severity.WARN if unit == "epoch" else Severity.ASK)  # fmt: skip
        if _before_optimizer(loops, step, around[0]):
            return ("The schedule is moved before the optimizer's step: its first rate is skipped.",
                    "optimizer.step()\nscheduler.step()", Severity.WARN)  # fmt: skip
        return None

    def _lightning(self, script: Script) -> Iterator[Finding]:
        """Lightning moves a scheduler once an epoch unless it is told 'interval': 'step'."""
        for node in script.loops.of(ast.FunctionDef):
            if node.name == "configure_optimizers":
                says = any(isinstance(each, ast.Constant) and each.value == "interval"
                           for each in ast.walk(node)) or any(
                           isinstance(each, ast.keyword) and each.arg == "interval"
                           for each in ast.walk(node))  # fmt: skip
                for call in script.loops.inside(script.loops.calls, node):
                    if not says and _unit(script.loops, call) == "batch":
                        yield script.finding(
                            self.code,
                            Severity.WARN,
                            "A schedule counted in batches is moved once an epoch by Lightning.",
                            call,
                            'return [optimizer], [{"scheduler": scheduler, "interval": "step"}]',
                        )


def _made(loops: Loops) -> Iterator[tuple[str, ast.Call]]:
    """Names that schedulers are bound to, with the call that made each."""
    for node in loops.of(ast.Assign):
        if isinstance(node.value, ast.Call):
            made = called_name(node.value)
            name = dotted(node.targets[0])
            if name and made and made in (*_PER_BATCH, *_PER_EPOCH):
                yield name, node.value


def _unit(loops: Loops, made: ast.Call) -> str | None:
    """'epoch' or 'batch', as far as the arguments of a scheduler say it."""
    name = called_name(made)
    if name not in (*_PER_BATCH, *_PER_EPOCH):
        return None
    lengths = [each for each in (keyword(made, key) for key in _LENGTH) if each is not None]
    if not lengths and len(made.args) > 1:
        lengths = list(made.args[1:])
    said: set[str] = set()
    for length in lengths:
        said |= _resolved_words(loops, length)
    if keyword(made, "steps_per_epoch") is not None or said & _BATCHES:
        return "batch"
    if "epochs" in said or "epoch" in said:
        return "epoch"
    return None


def _resolved_words(loops: Loops, length: ast.expr) -> set[str]:
    """Words of an expression, and of what its names were last assigned."""
    said = text_words(length)
    for each in ast.walk(length):
        if isinstance(each, ast.Name):
            for node in loops.of(ast.Assign):
                if dotted(node.targets[0]) == each.id:
                    said |= text_words(node.value)
    return said


def _direct(loops: Loops, step: ast.Call, loop: Loop) -> bool:
    """Whether a step stands in the body of a loop under no condition."""
    for each in loops.around(step):
        if each is loop:
            return True
        if isinstance(each, (ast.If, ast.Try, ast.IfExp)):
            return False
    return False


def _trains(loops: Loops, loop: Loop) -> list[ast.Call]:
    """The steps of optimizers inside a loop of the same function."""
    return [each for each in loops.inside(loops.methods("step"), loop)
            if is_optimizer(receiver(each))]  # fmt: skip


def _has_batch_loop(loops: Loops, steps: Sequence[ast.Call]) -> bool:
    """Whether the loop around an optimizer's step goes over batches, and not over optimizers."""
    inner = loops.loops_around(steps[0])[0]
    iterates = text_words(inner.iter) if isinstance(inner, (ast.For, ast.AsyncFor)) else set()
    return not any(is_optimizer(each) for each in iterates)


def _before_optimizer(loops: Loops, step: ast.Call, loop: Loop) -> bool:
    """Whether, in a loop's body, the schedule moves before the first step of the optimizer."""
    trains = _trains(loops, loop)
    if not trains:
        helpers = {getattr(each, "name", ""): each for each in loops.callees(loop)}
        trains = [
            call
            for call in loops.inside(loops.calls, loop)
            if (called_name(call) or "") in helpers
            and _trains_inside(loops, helpers[called_name(call) or ""])
        ]
    return bool(trains) and all(each.lineno > step.lineno for each in trains)


def _trains_inside(loops: Loops, function: ast.AST) -> bool:
    return any(
        is_optimizer(receiver(each)) for each in loops.inside(loops.methods("step"), function)
    )
