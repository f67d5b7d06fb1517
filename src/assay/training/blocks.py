"""Blocks of a network: the parts that are frozen, or learn at a rate of their own, as a whole.

A network names its blocks by an attribute `blocks`: modules from the input to the output. Those of
any other are read off its children, in the order in which it registered them. A network that only
prepares what goes into another names that one by an attribute `wrapped`: what prepares is one block
at the input, if it has parameters, and the rest are those of the other.

- Sequentials, lists and dicts of modules are opened, and so is a module in which composite modules
  are repeated (a transformer's layers), but none of those that are repeated;
- modules without a matrix of weights, such as norms, go with what is before them;
- embeddings side by side are one block;
- parameters of the network's own go with the block at the input, and one that two blocks share
  with the block that is nearer the input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from torch import nn

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)
_Pieces = list[tuple[str, nn.Module]]


@dataclass(frozen=True)
class Block:
    """A part of a network.

    Attributes:
        name: The path of its first module with a matrix of weights.
        modules: What it is made of, from the input to the output.
        parameters: By their names in the network; each of them is in one block only.
    """

    name: str
    modules: tuple[nn.Module, ...]
    parameters: dict[str, nn.Parameter]


def blocks(model: nn.Module) -> tuple[Block, ...]:
    """The blocks that hold parameters, from the output down: the first one is the output's."""
    known = dict(model.named_parameters())
    names = {id(parameter): name for name, parameter in known.items()}
    left = dict(known)
    found: list[Block] = []
    for group in _groups(model):
        held = [names[id(each)] for _, part in group for each in part.parameters()]
        mine = {name: left.pop(name) for name in dict.fromkeys(held) if name in left}
        name = next((name for name, part in group if _has_matrix(part)), group[0][0])
        found.append(Block(name, tuple(part for _, part in group), mine))
    if left:
        first = found[0] if found else Block("", (model,), {})
        found[:1] = [Block(first.name, first.modules, left | first.parameters)]
    return tuple(block for block in reversed(found) if block.parameters)


def _groups(model: nn.Module, top: str = "") -> list[_Pieces]:
    """The modules of each block, from the input to the output."""
    before = f"{top}." if top else ""
    inner = getattr(model, "wrapped", None)
    if isinstance(inner, nn.Module):
        return _wrapping(model, inner, before)
    own = _own(model)
    if own is not None:
        paths = {id(module): path for path, module in model.named_modules()}
        return [[(before + paths.get(id(part), f"blocks.{i}"), part)] for i, part in enumerate(own)]
    groups: list[_Pieces] = []
    for path, part in _pieces(model, top):
        if next(chain(part.parameters(), part.buffers()), None) is None:
            continue
        if groups and _belongs(part, groups[-1]):
            groups[-1].append((path, part))
        else:
            groups.append([(path, part)])
    return groups


def _wrapping(model: nn.Module, inner: nn.Module, before: str) -> list[_Pieces]:
    """What prepares the inputs of another network, then that one's groups."""
    paths = {id(child): before + name for name, child in model.named_children()}
    others = [each for each in model.children() if each is not inner]
    first = [(paths[id(each)], each) for each in others if any(True for _ in each.parameters())]
    return [*([first] if first else []), *_groups(inner, paths[id(inner)])]


def _own(model: nn.Module) -> Sequence[nn.Module] | None:
    """The blocks that a network names itself: all of it, or an attribute that is no child."""
    named = getattr(model, "blocks", None)
    if isinstance(named, (nn.Sequential, nn.ModuleList)):
        inside = {id(each) for each in named.parameters()}
        is_all = all(id(each) in inside for each in model.parameters())
        return list(named) if is_all else None
    if isinstance(named, Sequence) and named and all(isinstance(b, nn.Module) for b in named):
        return named
    return None


def _pieces(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    repeats = _repeats(module)
    for name, child in module.named_children():
        below = f"{path}.{name}" if path else name
        if _is_opened(child, is_repeated=repeats):
            yield from _pieces(child, below)
        else:
            yield below, child


def _is_opened(module: nn.Module, *, is_repeated: bool) -> bool:
    if isinstance(module, _CONTAINERS):
        return True
    return not is_repeated and any(_repeats(each) for each in module.modules())


def _repeats(module: nn.Module) -> bool:
    """Whether it is a list of composite modules of a kind."""
    if not isinstance(module, _CONTAINERS):
        return False
    kinds = Counter(
        type(child)
        for child in module.children()
        if not isinstance(child, _CONTAINERS) and next(child.children(), None) is not None
    )
    return max(kinds.values(), default=0) > 1


def _belongs(part: nn.Module, group: _Pieces) -> bool:
    """Whether it is no block apart from the one before it."""
    if isinstance(part, _EMBEDDINGS) and isinstance(group[-1][1], _EMBEDDINGS):
        return True
    return not _has_matrix(part) or not any(_has_matrix(each) for _, each in group)


def _has_matrix(module: nn.Module) -> bool:
    return any(parameter.ndim > 1 for parameter in module.parameters())
