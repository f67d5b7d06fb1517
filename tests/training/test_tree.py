"""Any tree of state comes back from JSON and safetensors as it was: types, bits, order."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from assay.errors import InputError
from assay.training.tree import joined, split

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.bool, torch.int64,
          torch.uint8, torch.complex64]  # fmt: skip


def bits(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def same(a: Any, b: Any) -> bool:
    """Whether two trees are the same, to the bit; NaN is itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        alike = (a.dtype, a.shape, a.stride()) == (b.dtype, b.shape, b.stride())
        return alike and bits(a) == bits(b)
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=True)
        return len(a) == len(b) and all(same(x, y) for x, y in pairs)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    size = math.prod(shape)
    tensor = torch.arange(size).reshape(shape).to(draw(st.sampled_from(DTYPES)))
    return tensor.permute(draw(st.permutations(range(len(shape)))))


arrays = st.sampled_from([np.arange(3, dtype="uint32"), np.zeros((2, 0)), np.array(True)])
keys = st.one_of(st.text(st.characters()), st.integers(), st.booleans(), st.none())
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary(),
    tensors(), arrays, st.sampled_from([np.float32(0.1), np.int64(2**60)]),
    st.sampled_from([2**53 + 1, -(2**64), 10**300, -0.0, float("nan"), float("-inf"), 5e-324]),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(keys, st.tuples(keys, keys)), inner, max_size=4),
        st.dictionaries(st.sampled_from(["!tensor", "!int", "a", "a.b", ""]), inner, max_size=2),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(tree=trees)
def test_a_tree_comes_back_to_the_bit_through_strict_json(tree: Any) -> None:
    document, apart = split(tree)
    text = json.dumps(document, allow_nan=False)
    assert text.isascii()
    assert same(joined(json.loads(text), apart), tree)


def test_tied_weights_are_kept_once_and_are_one_again() -> None:
    embedding = nn.Embedding(5, 3)
    head = nn.Linear(3, 5, bias=False)
    head.weight = embedding.weight
    tree = nn.ModuleDict({"embedding": embedding, "head": head}).state_dict()
    document, apart = split(tree)
    assert list(apart) == ["embedding.weight"]
    found = joined(document, apart)
    assert found["head.weight"] is found["embedding.weight"]


def test_views_of_the_same_memory_that_differ_are_kept_each() -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    _, apart = split({"whole": whole, "row": whole[0], "turned": whole.t()})
    assert set(apart) == {"whole", "row", "turned"}


def test_names_that_would_be_the_same_are_told_apart() -> None:
    tree = {"a.b": torch.zeros(1), "a": {"b": torch.ones(1)}, "__metadata__": torch.ones(2)}
    document, apart = split(tree)
    assert len(apart) == 3
    assert "__metadata__" not in apart
    assert same(joined(document, apart), tree)


def test_what_cannot_be_kept_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"kind builtins.set") as caught:
        split({"callbacks": [{"seen": {1, 2}}]})
    assert caught.value.where == "callbacks.0.seen"
    with pytest.raises(InputError, match="array of <U1"):
        split(np.array(["a"]))


def test_whole_numbers_have_no_greatest() -> None:
    number = -(10**5000)
    document, _ = split(number)
    assert joined(json.loads(json.dumps(document)), {}) == number
