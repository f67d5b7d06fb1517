"""The loss of an ensemble: the mean of what each member loses."""

from __future__ import annotations

import pytest
import torch

from assay.training.losses import BinaryCrossEntropy, CrossEntropy, Loss, Regression
from assay.training.members import OfMembers


def given(kind: str, n: int, k: int) -> tuple[Loss, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    if kind == "values":
        return Regression(), torch.randn(n, k, 1, generator=random), torch.randn(n)
    weights = torch.tensor([1.0, 2.0, 0.5]) if kind.startswith("balanced") else None
    if kind == "balanced labels":
        targets = (torch.rand(n, 3, generator=random) < 0.4).float()
        return BinaryCrossEntropy(weights), torch.randn(n, k, 3, generator=random), targets
    loss = CrossEntropy(class_weights=weights, label_smoothing=0.1)
    return loss, torch.randn(n, k, 3, generator=random), torch.arange(n) % 3


KINDS = ["classes", "balanced", "balanced labels", "values"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_mean_of_the_members_losses(kind: str, weighted: bool) -> None:
    loss, outputs, targets = given(kind, 12, 5)
    weights = torch.rand(12) if weighted else None
    each = torch.stack([loss.total(outputs[:, m], targets, weights) for m in range(5)])
    together = OfMembers(loss)
    torch.testing.assert_close(together.total(outputs, targets, weights), each.mean())
    assert float(together.size(targets, weights)) == float(loss.size(targets, weights))


@pytest.mark.parametrize("kind", KINDS)
def test_micro_batches_add_up_to_the_large_batch(kind: str) -> None:
    loss, outputs, targets = given(kind, 13, 4)
    members = OfMembers(loss)
    parts = [slice(0, 5), slice(5, 10), slice(10, 13)]
    total = sum(members.total(outputs[part], targets[part], None) for part in parts)
    size = sum(float(members.size(targets[part], None)) for part in parts)
    whole = members.total(outputs, targets, None) / members.size(targets, None)
    torch.testing.assert_close(total / size, whole)


def test_it_is_a_loss_of_the_engine() -> None:
    assert isinstance(OfMembers(CrossEntropy()), Loss)
