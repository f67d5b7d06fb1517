"""AS709 epoch-not-set: a DistributedSampler that shuffles in the same order every epoch.

`DistributedSampler` takes its order from a seed and the epoch; without `set_epoch` the epoch is 0
for ever. Lightning, Accelerate and the Trainer of Hugging Face call it themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Loops, called_name, keyword, text_words
from assay.checks.code.names import words
from assay.findings import Finding, Severity

_CALL_IT = frozenset({"lightning", "pytorch_lightning", "accelerate", "ignite", "fastai", "ray",
                      "mmengine", "composer"})  # fmt: skip
_HELD_OUT = frozenset({"val", "valid", "validation", "test", "eval", "dev", "inference", "predict"})


class EpochNotSet:
    """Finds a DistributedSampler of training rows whose epoch is never set."""

    code = "AS709"
    name = "epoch-not-set"
    libraries = ("torch",)

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at samplers, and at loops over epochs."""
        loops = script.loops
        if script.libraries & _CALL_IT or loops.methods("set_epoch"):
            return []
        if not any(called_name(call) == "DistributedSampler" for call in loops.calls):
            return []
        if not _epochs(loops):
            return []
        return [
            script.finding(
                self.code,
                Severity.WARN,
                "The sampler's epoch is never set: every epoch has the same order.",
                call,
                "for epoch in range(epochs):\n"
                "    sampler.set_epoch(epoch)\n"
                "    for batch in loader: ...",
            )
            for call in loops.calls
            if called_name(call) == "DistributedSampler" and _trains(loops, call)
        ]


def _epochs(loops: Loops) -> bool:
    """Whether the module goes over epochs."""
    return any(
        {"epoch", "epochs", "ep"} & (text_words(node.target) | text_words(node.iter))
        for node in loops.of(ast.For, ast.AsyncFor)
    )


def _trains(loops: Loops, call: ast.Call) -> bool:
    """Whether a sampler is of training rows, and shuffles."""
    shuffle = keyword(call, "shuffle")
    if isinstance(shuffle, ast.Constant) and shuffle.value is False:
        return False
    if isinstance(shuffle, ast.Name) or (
        shuffle is not None and not isinstance(shuffle, ast.Constant)
    ):
        return False
    said = text_words(call)
    above = loops.parents.get(call)
    while above is not None and not isinstance(above, ast.stmt):
        above = loops.parents.get(above)
    if isinstance(above, ast.Assign):
        said |= text_words(above.targets[0])
    function = getattr(loops.function_of(call), "name", "")
    return not (said | set(words(function))) & _HELD_OUT
