"""A tree of state as a document and tensors: what JSON and safetensors keep, and nothing is lost.

The document is JSON that gives back the same types and the same bits: tuples, keys that are no
text, whole numbers of any size, floats with infinity and NaN, bytes. Tensors and arrays go apart,
by name; one that is in two places (tied weights) is kept once and is one again. No pickle.
"""

from __future__ import annotations

import math
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.errors import InputError

_EXACT = 2**53
"""Whole numbers up to this are the same in every reader of JSON."""
RESERVED = "__metadata__"  # of safetensors


def split(state: Any) -> tuple[Any, dict[str, Tensor]]:
    """A tree as a document and the tensors that it names, which are not copied.

    Args:
        state: Dicts, lists and tuples of tensors, arrays, numbers, texts, bytes and None, nested.

    Raises:
        InputError: Something in it is of another kind.
    """
    taking = _Taking()
    return taking.document(state, ()), taking.tensors


def joined(document: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The tree that was split."""
    if isinstance(document, list):
        return [joined(each, tensors) for each in document]
    if not isinstance(document, dict):
        return document
    if len(document) != 1 or not next(iter(document)).startswith("!"):
        return {key: joined(each, tensors) for key, each in document.items()}
    ((kind, value),) = document.items()
    match kind:
        case "!tensor":
            return tensors[value]
        case "!array":
            return tensors[value].numpy()
        case "!scalar":
            return tensors[value].numpy()[()]
        case "!tuple":
            return tuple(joined(each, tensors) for each in value)
        case "!dict":
            return {joined(key, tensors): joined(each, tensors) for key, each in value}
        case "!int":
            return int(value, 16)
        case "!float":
            return struct.unpack(">d", bytes.fromhex(value))[0]
        case "!bytes":
            return b64decode(value)
        case "!text":
            return b64decode(value).decode("utf-8", "surrogatepass")
    raise ValueError(f"no such kind: {kind}")


class _Taking:
    """Goes through a tree and notes each tensor once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[Any, str] = {}

    def document(self, node: Any, path: tuple[str, ...]) -> Any:
        """A part of the tree, found on this way, as JSON can say it."""
        if isinstance(node, Tensor):
            return {"!tensor": self._named(node.detach(), path)}
        if isinstance(node, np.ndarray | np.generic):
            kind = "!array" if isinstance(node, np.ndarray) else "!scalar"
            return {kind: self._named(_of_array(node, path), path)}
        if isinstance(node, Mapping):
            return self._of_mapping(node, path)
        if isinstance(node, list | tuple):
            inner = [self.document(each, (*path, str(i))) for i, each in enumerate(node)]
            return inner if isinstance(node, list) else {"!tuple": inner}
        return _of_leaf(node, path)

    def _of_mapping(self, node: Mapping[Any, Any], path: tuple[str, ...]) -> Any:
        inner = {key: self.document(each, (*path, str(key))) for key, each in node.items()}
        if all(isinstance(key, str) and not key.startswith("!") and _is_plain(key) for key in node):
            return inner
        return {"!dict": [[self.document(key, path), each] for key, each in inner.items()]}

    def _named(self, tensor: Tensor, path: tuple[str, ...]) -> str:
        same = _identity(tensor)
        if same is not None and same in self._names:
            return self._names[same]
        wanted = ".".join(path).encode("utf-8", "replace").decode() or "state"
        name, number = wanted, 1
        while name in self.tensors or name == RESERVED:
            number += 1
            name = f"{wanted}~{number}"
        self.tensors[name] = tensor
        if same is not None:
            self._names[same] = name
        return name


def _of_leaf(node: Any, path: tuple[str, ...]) -> Any:
    if node is None or isinstance(node, bool):
        return node
    if isinstance(node, int):
        whole = int(node)
        return whole if -_EXACT <= whole <= _EXACT else {"!int": hex(whole)}
    if isinstance(node, float):
        bits = struct.pack(">d", node)
        return float(node) if math.isfinite(node) else {"!float": bits.hex()}
    if isinstance(node, str):
        if _is_plain(node):
            return str(node)
        return {"!text": b64encode(node.encode("utf-8", "surrogatepass")).decode()}
    if isinstance(node, bytes | bytearray):
        return {"!bytes": b64encode(node).decode()}
    raise _refusal(type(node), path)


def _of_array(array: Any, path: tuple[str, ...]) -> Tensor:
    native = np.asarray(array)
    native = native.astype(native.dtype.newbyteorder("="), order="C", copy=True)
    try:
        return torch.from_numpy(native)
    except TypeError:
        raise _refusal(f"array of {native.dtype}", path) from None


def _refusal(kind: Any, path: tuple[str, ...]) -> InputError:
    name = f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else kind
    return InputError(
        f"A checkpoint cannot keep state of the kind {name}.",
        where=".".join(path) or "state",
        mend="keep it as tensors, arrays, numbers, texts, bytes, lists, tuples and dicts",
    )


def _identity(tensor: Tensor) -> Any:
    """What two tensors share that are the same memory seen in the same way; None if never."""
    if tensor.layout != torch.strided or tensor.numel() == 0:
        return None
    where = (tensor.device, tensor.data_ptr(), tensor.dtype)
    return (*where, tuple(tensor.shape), tuple(tensor.stride()), tensor.is_conj(), tensor.is_neg())


def _is_plain(text: str) -> bool:
    """Whether it is Unicode without lone surrogates, which JSON may pair."""
    return not any("\ud800" <= each <= "\udfff" for each in text)
