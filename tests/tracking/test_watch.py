"""Watching a network: the histograms are right, and cost nothing in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from assay.errors import InputError
from assay.tracking.recorder import Histogram
from assay.tracking.transcript import Transcript
from assay.tracking.watch import histogram_of, watch

torch = pytest.importorskip("torch")


class Seen(Transcript):
    @property
    def histograms(self) -> dict[tuple[str, int], Histogram]:
        found = [arguments for name, arguments in self._calls if name == "histogram"]
        return {(name, step): made for name, made, step in found}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def trained(recorder: Any, steps: int, **how: Any) -> Any:
    network = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    watched = watch(network, recorder, **how)
    for _ in range(steps):
        features = torch.randn(32, 8)
        loss = ((network(features) - features[:, :1]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        watched.step()
        optimizer.step()
    return network


def test_a_training_loop_is_watched_now_and_then() -> None:
    seen = Seen()
    trained(seen, 21, every=10)
    names = {f"{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
    assert set(seen.histograms) == {
        (f"{what}/{name}", step)
        for what in ("gradients", "parameters")
        for name in names
        for step in (0, 10, 20)
    }
    assert sum(seen.histograms["gradients/0.weight", 10].counts) == 8 * 16


@pytest.mark.parametrize("log", ["gradients", "parameters"])
def test_one_of_both_is_enough(log: Any) -> None:
    seen = Seen()
    trained(seen, 1, log=log)
    assert {name.partition("/")[0] for name, _ in seen.histograms} == {log}


def test_a_gradient_is_counted_as_numpy_counts_it() -> None:
    seen = Seen()
    network = trained(seen, 5, every=4)
    gradient = network[0].weight.grad.numpy().ravel().astype(np.float64)
    counts, edges = np.histogram(gradient, bins=64)
    made = seen.histograms["gradients/0.weight", 4]
    assert made.counts == tuple(counts)
    assert made.edges == pytest.approx(edges, abs=1e-12)


def test_resumed_training_keeps_its_steps() -> None:
    seen = Seen()
    trained(seen, 3, every=10, first=9)
    assert {step for _, step in seen.histograms} == {10}


def test_parameters_without_gradients_are_left_out() -> None:
    seen = Seen()
    network = torch.nn.Linear(2, 2)
    network.bias.requires_grad_(False)
    network(torch.ones(1, 2)).sum().backward()
    watch(network, seen).step()
    assert {name for name, _ in seen.histograms} == {
        "gradients/weight",
        "parameters/weight",
        "parameters/bias",
    }


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float64", "int64", "bool"])
def test_any_precision_is_counted(kind: str) -> None:
    made = histogram_of(torch.tensor([0, 1, 1, 1]).to(getattr(torch, kind)))
    assert made == Histogram((1, 0, 0, 3), (0.0, 0.25, 0.5, 0.75, 1.0))


def test_what_is_not_finite_is_left_out() -> None:
    odd = torch.tensor([0.0, float("nan"), 1.0, float("inf"), -float("inf")])
    assert histogram_of(odd) == Histogram((1, 1), (0.0, 0.5, 1.0))
    assert histogram_of(torch.tensor([float("nan")])) is None
    assert histogram_of(torch.tensor([])) is None


def test_sparse_gradients_are_counted_where_they_are() -> None:
    embedding = torch.nn.Embedding(100, 2, sparse=True)
    embedding(torch.tensor([3, 3, 7])).sum().backward()
    made = histogram_of(embedding.weight.grad)
    assert made is not None
    assert sum(made.counts) == 4
    assert (made.counts[0], made.counts[-1]) == (2, 2)


def test_wide_and_equal_values_are_counted_to_the_last() -> None:
    for values in ([1e38, -3e38, 3e38], [7.0, 7.0], [1e30] * 3):
        made = histogram_of(torch.tensor(values))
        assert made is not None
        assert sum(made.counts) == len(values)


@pytest.mark.parametrize(("how", "what"), [({"log": "loss"}, "'loss'"), ({"every": 0}, "every 0")])
def test_what_cannot_be_watched_is_said(how: Any, what: str) -> None:
    with pytest.raises(InputError, match=what):
        watch(torch.nn.Linear(1, 1), Transcript(), **how)
