"""A snapshot is the state of the moment, in its memory formats, in memory that is used again."""

from __future__ import annotations

import torch

from assay.training.snapshot import Snapshot


def test_what_training_does_afterwards_does_not_reach_a_snapshot() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    copy = Snapshot().taken({"weight": weight})["weight"]
    weight.data.zero_()
    assert copy.tolist() == [1, 1, 1]
    assert not copy.requires_grad


def test_memory_formats_stay_and_what_does_not_fill_its_memory_becomes_contiguous() -> None:
    image = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    tensors = {
        "image": image,
        "turned": torch.randn(3, 4).t(),
        "odd": torch.empty_strided((4, 1, 3, 3), (9, 1, 3, 1)).normal_(),
        "expanded": torch.randn(1, 4).expand(3, 4),
        "strided": torch.randn(8)[::2],
        "scalar": torch.tensor(2.0),
        "empty": torch.empty(0, 3),
    }
    copies = Snapshot().taken(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(copies[name], tensor), name
    for name in ("image", "turned", "odd", "scalar", "empty"):
        assert copies[name].stride() == tensors[name].stride(), name
    assert copies["expanded"].is_contiguous()
    assert copies["strided"].is_contiguous()


def test_the_next_snapshot_takes_the_memory_of_the_last_where_it_fits() -> None:
    snapshot = Snapshot()
    first = snapshot.taken({"a": torch.zeros(4), "b": torch.zeros(2, 3), "c": torch.zeros(1)})
    at = {name: each.data_ptr() for name, each in first.items()}
    then = {"a": torch.ones(4), "b": torch.ones(3, 2)}
    second = snapshot.taken(then)
    assert second["a"].data_ptr() == at["a"]
    assert list(second) == ["a", "b"]
    assert all(torch.equal(second[name], then[name]) for name in then)
