"""The shape of a training script: its functions, its loops, and which calls stand in which."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assay.checks.code.names import dotted, words

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
_OPTIMIZER = frozenset(
    "opt optim optimizer optimiser optimizers optims adam adamw sgd solver scaler".split()
)
_SCHEDULER = frozenset({"scheduler", "sched", "schedule", "schedulers", "plateau", "warmup"})
_MODEL = frozenset({"model", "net", "network", "classifier", "cnn", "rnn", "lstm", "mlp", "resnet",
                    "unet", "vit", "bert", "transformer", "autoencoder", "module"})  # fmt: skip


@dataclass(frozen=True)
class Loops:
    """A module's syntax with the way up from every node.

    Attributes:
        tree: The module.
        parents: The node around each node.
        calls: Every call, in order of lines.
        kinds: Every node of a kind, in no order.
    """

    tree: ast.Module
    parents: dict[ast.AST, ast.AST]
    calls: tuple[ast.Call, ...]
    kinds: dict[type[ast.AST], list[ast.AST]]

    def of(self, *kinds: type[ast.AST]) -> Iterator[Any]:
        """Every node of these kinds."""
        for kind in kinds:
            yield from self.kinds.get(kind, [])

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, nearest first, to the function it stands in."""
        above = self.parents.get(node)
        while above is not None and not isinstance(above, (Function, ast.Lambda)):
            yield above
            above = self.parents.get(above)

    def function_of(self, node: ast.AST) -> ast.AST:
        """The function that a node stands in; the module if in none."""
        above = self.parents.get(node)
        while above is not None and not isinstance(above, Function):
            above = self.parents.get(above)
        return above or self.tree

    def loops_around(self, node: ast.AST) -> list[Loop]:
        """The loops of the same function around a node, innermost first."""
        return [each for each in self.around(node) if isinstance(each, Loop)]

    def methods(self, *names: str) -> list[ast.Call]:
        """The calls of methods of these names."""
        return [each for each in self.calls if method(each) in names]

    def inside(self, calls: Sequence[ast.Call], around: ast.AST) -> list[ast.Call]:
        """Those of some calls that stand inside a node, at any depth."""
        return [each for each in calls if self.is_inside(each, around)]

    def is_inside(self, node: ast.AST, around: ast.AST) -> bool:
        above: ast.AST | None = node
        while above is not None:
            if above is around:
                return True
            above = self.parents.get(above)
        return False

    def callers(self, function: ast.AST) -> list[ast.Call]:
        """The calls, in the module, of a function or method by its name."""
        name = getattr(function, "name", None)
        return [each for each in self.calls if name and called_name(each) == name]

    def callees(self, around: ast.AST) -> list[ast.AST]:
        """The functions of the module that are called inside a node."""
        names = {called_name(each) for each in self.inside(self.calls, around)}
        return [
            each
            for each in self.of(ast.FunctionDef, ast.AsyncFunctionDef)
            if each.name in names and each is not around
        ]

    def neighbours(self, function: ast.AST) -> list[ast.AST]:
        """A function, what it calls, and what calls it, at two removes."""
        near = [function, *self.callees(function)]
        level = [function]
        for _ in range(2):
            level = [self.function_of(call) for each in level for call in self.callers(each)]
            near += level
        return list(dict.fromkeys(near))


def loops_of(tree: ast.Module) -> Loops:
    """The shape of a module."""
    parents: dict[ast.AST, ast.AST] = {}
    kinds: dict[type[ast.AST], list[ast.AST]] = {}
    for node in ast.walk(tree):
        kinds.setdefault(type(node), []).append(node)
        for child in ast.iter_child_nodes(node):
            parents[child] = node
    calls = [each for each in kinds.get(ast.Call, []) if isinstance(each, ast.Call)]
    calls.sort(key=lambda each: (each.lineno, each.col_offset))
    return Loops(tree, parents, tuple(calls), kinds)


def method(call: ast.Call) -> str | None:
    """The name of the method that is called; None for a function."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else None


def called_name(call: ast.Call) -> str | None:
    """The last name of what is called."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def receiver(call: ast.Call) -> str:
    """The dotted name of what a method is called on; empty if it has none."""
    return (dotted(call.func.value) or "") if isinstance(call.func, ast.Attribute) else ""


def _said(name: str) -> set[str]:
    return set(words(name.rpartition(".")[2]))


def is_optimizer(name: str) -> bool:
    """Whether a name is one that optimizers have."""
    said = _said(name)
    return bool(said & _OPTIMIZER) and not said & _SCHEDULER and "lr" not in said


def is_scheduler(name: str) -> bool:
    """Whether a name is one that schedulers have."""
    return bool(_said(name) & _SCHEDULER)


def is_model(name: str) -> bool:
    """Whether a name is one that networks have."""
    return bool(_said(name) & _MODEL)


def text_words(node: ast.AST | None) -> set[str]:
    """Every word of the names and short strings in an expression."""
    found: set[str] = set()
    for each in ast.walk(node) if node is not None else ():
        if isinstance(each, ast.Name):
            found |= set(words(each.id))
        elif isinstance(each, ast.Attribute):
            found |= set(words(each.attr))
    return found


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The value of the first of these keywords that a call has."""
    return next((each.value for each in call.keywords if each.arg in names), None)
