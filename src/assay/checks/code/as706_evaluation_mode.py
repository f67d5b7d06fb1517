"""AS706 evaluation-mode: a network measured while dropout and batch statistics still train.

A loop over validation or test batches that calls a network and never `backward` is an evaluation.
`eval()` may be called by whoever calls the function, so callers and callees count. Without
`no_grad` the score is right, only slow and large: that is asked. Where every layer of the module is
in sight and none behaves differently in evaluation, a missing `eval()` is a note.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Function, Loop, Loops, is_model, method, receiver
from assay.checks.code.names import dotted, part_of, words
from assay.checks.code.values import Part
from assay.findings import Finding, Severity

_EVALUATES = frozenset({"evaluate", "validate", "test", "eval", "validation", "evaluation"})
_TRAINS = frozenset({"train", "training", "fit"})
_NO_GRADIENT = frozenset(
    {"no_grad", "inference_mode", "set_grad_enabled", "detach", "requires_grad_"}
)
_BATCHES = frozenset(
    "loader loaders dataloader dataloaders dl batches iter iterator generator".split()
)
_CHANGING = ("Dropout", "BatchNorm", "InstanceNorm", "SyncBatchNorm", "DropPath")


class EvaluationMode:
    """Finds evaluation loops without eval() or no_grad()."""

    code = "AS706"
    name = "evaluation-mode"
    libraries = ("torch",)

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at loops that only measure."""
        found = []
        for loop in _evaluation_loops(script.loops):
            function = script.loops.function_of(loop)
            near = script.loops.neighbours(function)
            called = not isinstance(function, Function) or bool(script.loops.callers(function))
            if not any(_evaluates(script.loops, each) for each in near):
                found.append(self._no_eval(script, loop, called=called))
            elif not any(_stops_gradients(each) for each in near):
                found.append(
                    script.finding(
                        self.code,
                        Severity.ASK,
                        "Gradients are kept while the network is only measured.",
                        loop,
                        "with torch.inference_mode():\n    for inputs, targets in loader: ...",
                    )
                )
        return found

    def _no_eval(self, script: Script, loop: Loop, *, called: bool) -> Finding:
        severity = Severity.WARN if called else Severity.ASK
        if _all_layers_in_sight(script) and not _layers_that_change(script):
            severity = Severity.NOTE
        return script.finding(
            self.code,
            severity,
            "The network is measured in training mode: eval() is never called before this loop.",
            loop,
            "model.eval()\nwith torch.inference_mode():\n    for inputs, targets in loader: ...\n"
            "model.train()",
        )


def _evaluation_loops(loops: Loops) -> Iterator[Loop]:
    for node in loops.of(ast.For, ast.AsyncFor):
        if _over_held_out(loops, node):
            inner = loops.inside(loops.calls, node)
            trains = any(method(each) in ("backward", "step", "zero_grad") for each in inner)
            nested = any(isinstance(each, Loop) and _over_held_out(loops, each)
                         for each in loops.around(node) if isinstance(each, ast.For))  # fmt: skip
            if not trains and not nested and any(_is_network_call(each) for each in inner):
                yield node


def _is_network_call(call: ast.Call) -> bool:
    name = dotted(call.func)
    return name is not None and is_model(name) and not name.rpartition(".")[2][:1].isupper()


def _over_held_out(loops: Loops, loop: ast.For | ast.AsyncFor) -> bool:
    """Whether a loop goes over batches of validation or test rows."""
    if isinstance(loop.iter, ast.Call) and dotted(loop.iter.func) == "range":
        return False
    names = [dotted(each) or "" for each in ast.walk(loop.iter)
             if isinstance(each, (ast.Name, ast.Attribute))]  # fmt: skip
    last = [name.rpartition(".")[2] for name in names if name]
    batches = [each for each in last if _BATCHES & set(words(each))]
    keys = [each.value for each in ast.walk(loop.iter) if isinstance(each, ast.Constant)]
    said = [*batches, *(each for each in keys if isinstance(each, str) and batches)]
    if any(part_of(each) in (Part.TEST, Part.VALIDATION) for each in said):
        return True
    function = loops.function_of(loop)
    if not isinstance(function, Function):
        return False
    named = set(words(function.name))
    return bool(batches) and bool(named & _EVALUATES) and not named & _TRAINS


def _evaluates(loops: Loops, around: ast.AST) -> bool:
    for call in loops.inside(loops.calls, around):
        if method(call) == "eval" and not call.args:
            return True
        if method(call) == "train" and (call.args or call.keywords) and receiver(call):
            return True
        if method(call) in ("set_mode", "model_eval", "eval_mode", "load_from_checkpoint"):
            return True
    return False


def _stops_gradients(around: ast.AST) -> bool:
    return any(
        (isinstance(each, ast.Attribute) and each.attr in _NO_GRADIENT)
        or (isinstance(each, ast.Name) and each.id in _NO_GRADIENT)
        for each in ast.walk(around)
    )


def _all_layers_in_sight(script: Script) -> bool:
    """Whether the module builds its networks itself, of layers of torch.nn only."""
    tops = {"torch", "numpy", "math", "random", "os", "time", "tqdm", "matplotlib", "sklearn",
            "argparse", "pathlib", "sys", "json", "pandas", "typing", "collections"}  # fmt: skip
    if not script.libraries <= tops | {"__future__"} or any(
        full.startswith("torch.hub") for full in script.aliases.values()
    ):
        return False
    return any("Linear" in name or "Conv" in name for name in _layer_names(script))


def _layers_that_change(script: Script) -> bool:
    names = _layer_names(script)
    other = ("Transformer", "MultiheadAttention", "LSTM", "GRU")  # they take dropout as an option
    return any(name.startswith(_CHANGING) or name.startswith(other) for name in names)


def _layer_names(script: Script) -> set[str]:
    return {
        each.attr if isinstance(each, ast.Attribute) else each.id
        for each in ast.walk(script.module.tree)
        if isinstance(each, (ast.Attribute, ast.Name))
    }
