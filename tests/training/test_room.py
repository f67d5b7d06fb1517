"""The largest batch that fits is found within its budget, by steps that leave no trace."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from assay.errors import LearnerError
from assay.training.batches import Tensors
from assay.training.losses import CrossEntropy
from assay.training.room import largest_batch
from assay.training.settings import LoopSettings
from assay.training.tensor_memory import TensorMemory, available_bytes

CPU = torch.device("cpu")
DATA = Tensors(torch.randn(300, 50), torch.randint(3, (300,)))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(50, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 3))


def test_tensors_are_counted_while_they_are_there_and_views_are_not() -> None:
    outside = torch.ones(1000)
    with TensorMemory() as memory:
        one = outside + 1
        view = one.view(10, 100)[2]
        outside.add_(1)
        assert memory.now_bytes == 4000
        two = view + 1
        assert memory.now_bytes == 4400
        del one, view
        assert memory.now_bytes == 400
        del two
    assert (memory.now_bytes, memory.peak_bytes) == (0, 4400)


def test_what_backward_needs_is_counted() -> None:
    with TensorMemory() as memory:
        x = torch.zeros(1000, requires_grad=True)
        x.exp().exp().sum().backward()
    assert 4 * 4000 <= memory.peak_bytes <= 6 * 4000


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_the_batch_fits_and_one_a_little_larger_does_not(kind: str) -> None:
    settings = LoopSettings(optimizer=kind)
    budget = 400_000
    found = largest_batch(network(), DATA, CrossEntropy(), settings, CPU, budget_bytes=budget,
                          limit=100_000)  # fmt: skip
    sizes = {t.batch_size: t.size_bytes for t in found.trials if t.size_bytes is not None}
    assert found.batch_size > len(DATA)
    assert sizes[found.batch_size] <= budget
    too_large = min(t.batch_size for t in found.trials if not t.fits)
    assert too_large <= found.batch_size * 1.07
    more = largest_batch(network(), DATA, CrossEntropy(), settings, CPU, budget_bytes=budget * 2,
                         limit=too_large)  # fmt: skip
    assert more.batch_size == too_large
    assert {t.batch_size: t.size_bytes for t in more.trials}[too_large] > budget


def test_nothing_far_above_the_budget_is_tried() -> None:
    found = largest_batch(
        network(), DATA, CrossEntropy(), LoopSettings(), CPU, budget_bytes=400_000, limit=100_000
    )
    assert max(t.size_bytes or 0 for t in found.trials) <= 1.1 * 400_000


def test_where_all_rows_fit_the_largest_batch_is_all_of_them() -> None:
    found = largest_batch(network(), DATA, CrossEntropy(), LoopSettings(), CPU)
    assert found.batch_size == 300
    assert found.budget_bytes is not None
    assert 0 < found.budget_bytes <= available_bytes()


def test_the_network_and_the_generator_are_as_before() -> None:
    model = network()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    generator = torch.get_rng_state()
    largest_batch(model, DATA, CrossEntropy(), LoopSettings(), CPU, limit=64)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(each.grad is None for each in model.parameters())


def test_a_budget_that_nothing_fits_in_is_said_to_be_so() -> None:
    with pytest.raises(LearnerError, match="Not even a batch of 2 rows fits") as caught:
        largest_batch(network(), DATA, CrossEntropy(), LoopSettings(), CPU, budget_bytes=1000)
    assert "of 1,000 bytes" in str(caught.value)
    assert "recompute" in caught.value.mend


class Hungry(nn.Module):
    """Runs out of memory as an accelerator does, above so many rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.inner, self.rows = network(), rows

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.rows:
            raise torch.OutOfMemoryError("out of memory")
        return self.inner(x)


def test_running_out_of_memory_is_an_answer() -> None:
    found = largest_batch(Hungry(100), DATA, CrossEntropy(), LoopSettings(), CPU)
    assert 94 <= found.batch_size <= 100


def test_any_other_failure_is_the_networks_own() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        largest_batch(nn.Linear(7, 3), DATA, CrossEntropy(), LoopSettings(), CPU)
