"""Law 5: micro-batches add up to the large batch, whatever weighs, and however uneven they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from assay.errors import LearnerError
from assay.training.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    OfFunction,
    Regression,
    as_loss,
)

K = 4
CLASS_WEIGHTS = torch.tensor([0.2, 1.0, 3.0, 0.7])
pieces = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def accumulated(
    loss: Loss, outputs: Tensor, targets: Any, weights: Tensor | None, lengths: list[int]
) -> tuple[Tensor, Tensor]:
    """The loss of a window of micro-batches, as the loop adds it up, and its gradient."""
    leaf = outputs.clone().requires_grad_()
    parts, low = [], 0
    for length in lengths:
        here = slice(low, low + length)
        parts.append((leaf[here], targets[here], None if weights is None else weights[here]))
        low += length
    size = sum(loss.size(target, weight) for _, target, weight in parts)
    total = torch.zeros(())
    for out, target, weight in parts:
        part = loss.total(out, target, weight) / size
        part.backward(retain_graph=True)
        total = total + part.detach()
    return total, leaf.grad


def equal_to(
    reference: Callable[[Tensor, Any], Tensor], loss: Loss, outputs: Tensor, targets: Any,
    weights: Tensor | None, lengths: list[int],
) -> None:  # fmt: skip
    leaf = outputs.clone().requires_grad_()
    wanted = reference(leaf, targets)
    wanted.backward()
    value, gradient = accumulated(loss, outputs, targets, weights, lengths)
    torch.testing.assert_close(value, wanted.detach(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(gradient, leaf.grad, rtol=1e-5, atol=1e-6)


def drawn(lengths: list[int], *shape: int) -> tuple[Tensor, torch.Generator]:
    generator = torch.Generator().manual_seed(sum(lengths))
    return torch.randn(sum(lengths), *shape, generator=generator), generator


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
@pytest.mark.parametrize("is_given", [False, True])
def test_classes_add_up_to_the_mean_of_pytorch(
    lengths: list[int], smoothing: float, class_weights: Tensor | None, is_given: bool
) -> None:
    outputs, generator = drawn(lengths, K)
    targets = torch.randint(0, K, (len(outputs),), generator=generator)
    reference = nn.CrossEntropyLoss(class_weights, label_smoothing=smoothing)
    ours = as_loss(reference) if is_given else CrossEntropy(class_weights, smoothing)
    equal_to(reference, ours, outputs, targets, None, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
def test_tokens_with_padding_add_up_to_the_mean_over_tokens(
    lengths: list[int], smoothing: float, class_weights: Tensor | None
) -> None:
    outputs, generator = drawn(lengths, 5, K)
    targets = torch.randint(0, K, (len(outputs), 5), generator=generator)
    padded = torch.rand(targets.shape, generator=generator) < 0.5
    targets[padded] = -100
    targets[0, 0] = 1

    def reference(logits: Tensor, of: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits.reshape(-1, K), of.reshape(-1), class_weights,
            ignore_index=-100, label_smoothing=smoothing,
        )  # fmt: skip

    ours = CrossEntropy(class_weights, smoothing, ignore_index=-100)
    equal_to(reference, ours, outputs, targets, None, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
@pytest.mark.parametrize("padding", [None, 2])
@pytest.mark.parametrize("length", [None, 3])
def test_sample_weights_give_the_weighted_mean(
    lengths: list[int], class_weights: Tensor | None, padding: int | None, length: int | None
) -> None:
    tokens = () if length is None else (length,)
    outputs, generator = drawn(lengths, *tokens, K)
    targets = torch.randint(0, K, (len(outputs), *tokens), generator=generator)
    targets.view(-1)[0] = 1
    weights = torch.rand(len(outputs), generator=generator) + 0.1

    def reference(logits: Tensor, of: Tensor) -> Tensor:
        each = functional.cross_entropy(logits.reshape(-1, K), of.reshape(-1), reduction="none")
        counts = weights.repeat_interleave(length or 1)
        if class_weights is not None:
            counts = counts * class_weights[of.reshape(-1)]
        if padding is not None:
            counts = counts * (of.reshape(-1) != padding)
        return (each * counts).sum() / counts.sum()

    ours = CrossEntropy(class_weights, ignore_index=padding)
    equal_to(reference, ours, outputs, targets, weights, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
def test_probabilities_of_classes_add_up(lengths: list[int], class_weights: Tensor | None) -> None:
    outputs, generator = drawn(lengths, K)
    targets = torch.rand(len(outputs), K, generator=generator).softmax(1)
    reference = nn.CrossEntropyLoss(class_weights)
    equal_to(reference, CrossEntropy(class_weights), outputs, targets, None, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("reference", [nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(delta=0.5)])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_values_add_up(lengths: list[int], reference: nn.Module, shape: tuple[int, ...]) -> None:
    outputs, generator = drawn(lengths, *shape)
    targets = torch.randn(outputs.shape, generator=generator)
    equal_to(reference, as_loss(reference), outputs, targets, None, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("kind", ["mse", "l1", "huber"])
def test_values_with_weights_give_the_weighted_mean(lengths: list[int], kind: str) -> None:
    outputs, generator = drawn(lengths, 3)
    targets = torch.randn(outputs.shape, generator=generator)
    weights = torch.rand(len(outputs), generator=generator) + 0.1
    function = {
        "mse": functional.mse_loss,
        "l1": functional.l1_loss,
        "huber": functional.huber_loss,
    }

    def reference(values: Tensor, of: Tensor) -> Tensor:
        rows = function[kind](values, of, reduction="none").mean(1)
        return (rows * weights).sum() / weights.sum()

    equal_to(reference, Regression(kind), outputs, targets, weights, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("positive", [None, torch.tensor([1.0, 5.0, 0.3])])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_several_questions_add_up(
    lengths: list[int], positive: Tensor | None, smoothing: float, is_weighted: bool
) -> None:
    outputs, generator = drawn(lengths, 3)
    targets = torch.randint(0, 2, outputs.shape, generator=generator)
    weights = torch.rand(len(outputs), generator=generator) + 0.1 if is_weighted else None

    def reference(logits: Tensor, of: Tensor) -> Tensor:
        each = functional.binary_cross_entropy_with_logits(
            logits, of * (1 - smoothing) + smoothing / 2, pos_weight=positive, reduction="none"
        ).mean(1)
        return each.mean() if weights is None else (each * weights).sum() / weights.sum()

    loss = BinaryCrossEntropy(positive, smoothing)
    equal_to(reference, loss, outputs, targets, weights, lengths)


@settings(deadline=None, max_examples=6)
@given(lengths=pieces)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_function_of_ones_own_adds_up(lengths: list[int], reduction: str) -> None:
    outputs, generator = drawn(lengths, 3)
    targets = torch.randn(outputs.shape, generator=generator)
    given_loss = nn.SmoothL1Loss(reduction=reduction)
    equal_to(nn.SmoothL1Loss(), as_loss(given_loss), outputs, targets, None, lengths)


def test_the_cross_entropy_of_pytorch_keeps_its_place_for_the_classes() -> None:
    logits, targets = torch.randn(6, 3, 3), torch.randint(0, 3, (6, 3))
    given_loss = nn.CrossEntropyLoss()
    ours = as_loss(given_loss)
    mean = ours.total(logits, targets, None) / ours.size(targets, None)
    torch.testing.assert_close(mean, given_loss(logits, targets))


@pytest.mark.parametrize("loss", [CrossEntropy(), Regression(), BinaryCrossEntropy()])
def test_sums_in_half_precision_keep_their_digits(loss: Loss) -> None:
    outputs = torch.randn(4096, K)
    targets = (
        torch.randint(0, K, (4096,)) if isinstance(loss, CrossEntropy) else torch.rand(4096, K)
    )
    exact = loss.total(outputs.bfloat16().float(), targets, None)
    assert torch.equal(loss.total(outputs.bfloat16(), targets, None), exact)


def test_a_last_axis_of_one_is_dropped() -> None:
    values, targets = torch.randn(7, 1), torch.randn(7)
    assert Regression().total(values, targets, None) == Regression().total(
        values[:, 0], targets, None
    )


@pytest.mark.parametrize("loss", [Regression(), BinaryCrossEntropy()])
def test_shapes_that_differ_are_refused_and_never_broadcast(loss: Loss) -> None:
    with pytest.raises(LearnerError, match=r"gives \(7,\) where targets are \(7, 1\)"):
        loss.total(torch.randn(7), torch.rand(7, 1), None)


@pytest.mark.parametrize(
    ("given_loss", "said"),
    [
        (nn.CrossEntropyLoss(reduction="sum"), "grows with the batch"),
        (nn.NLLLoss(weight=CLASS_WEIGHTS), "cannot be added up"),
        (nn.NLLLoss(ignore_index=0), "cannot be added up"),
    ],
)
def test_losses_that_cannot_be_added_up_are_refused(given_loss: nn.Module, said: str) -> None:
    with pytest.raises(LearnerError, match=said):
        as_loss(given_loss)


def test_a_mean_cannot_weight_rows_nor_losses_of_other_rows_be_added() -> None:
    outputs, targets, weights = torch.randn(5, 2), torch.randn(5, 2), torch.ones(5)
    with pytest.raises(LearnerError, match="gives one mean"):
        OfFunction(functional.mse_loss).total(outputs, targets, weights)
    with pytest.raises(LearnerError, match="10 losses of 5 rows"):
        OfFunction(lambda a, b: (a - b).flatten()).total(outputs, targets, None)
