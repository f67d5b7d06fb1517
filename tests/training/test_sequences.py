"""Rows of any length: each comes once an epoch, among its like, in the same batches every time."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from itertools import combinations, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from assay.data.ragged import Ragged
from assay.networks.pretrained import FineTuned, text_net
from assay.networks.reading import logits_of
from assay.training.batches import order_of, stream, tensors_of
from assay.training.fit import fit
from assay.training.losses import CrossEntropy
from assay.training.order import Bounds, ByLength, Order
from assay.training.prefetch import Loader, workers_for
from assay.training.sequences import Sequences
from assay.training.settings import LoopSettings
from tests.tiny_transformer import FIXED

N = 203


def ragged(*rows: list[list[int]]) -> Ragged:
    """Rows of sequences of tokens."""
    flat = [sequence for row in rows for sequence in row]
    ids = np.array([token for sequence in flat for token in sequence], dtype=np.int32)
    ends = np.cumsum([0, *map(len, flat)])
    return Ragged({"input_ids": ids}, ends, np.cumsum([0, *map(len, rows)]), {"input_ids": 9})


def sequences(n: int = N, *, several: bool = False) -> Sequences:
    """Rows of 2 to 30 tokens, or of one to four windows of as many."""
    random = np.random.default_rng(0)
    counts = random.integers(1, 5, n) if several else np.ones(n, dtype=int)
    rows = [
        [random.integers(4, 28, random.integers(2, 31)).tolist() for _ in range(each)]
        for each in counts
    ]
    weights = torch.from_numpy(random.uniform(0.1, 2, n).astype(np.float32))
    return Sequences(ragged(*rows), torch.from_numpy(random.integers(0, 3, n)), weights)


def padding(order: Order, lengths: np.ndarray, batch_size: int) -> int:
    """Places in an epoch's batches that hold nothing."""
    batches = [lengths[order.rows(*bound).numpy()] for bound in Bounds(len(order), batch_size)]
    return sum(int(each.max()) * len(each) - int(each.sum()) for each in batches)


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=700),
    batch_size=st.integers(1, 9),
    epoch=st.sampled_from([None, 0, 1]),
)
def test_every_row_comes_once_and_a_batch_has_rows_of_like_length(
    lengths: list[int], batch_size: int, epoch: int | None
) -> None:
    """Within what was sorted together, no batch reaches into another."""
    given_lengths = np.array(lengths)
    order = ByLength(given_lengths, batch_size, 3, epoch)
    rows = order.rows(0, len(lengths))
    assert rows.dtype == torch.int64
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    width = batch_size * max(1, min(50, len(lengths) // (4 * batch_size)))
    width = len(lengths) if epoch is None else width
    stretch_of = np.empty(len(lengths), dtype=int)
    stretch_of[Order(len(lengths), 1, 3, epoch).rows(0, len(lengths)).numpy()] = (
        np.arange(len(lengths)) // width
    )
    spans = []
    for bound in Bounds(len(rows), batch_size)[:-1]:  # the last one takes what is left
        batch = rows[slice(*bound)].numpy()
        [stretch] = set(stretch_of[batch])
        spans.append((stretch, given_lengths[batch].min(), given_lengths[batch].max()))
    for low, high in pairwise(sorted(spans)):
        assert low[0] != high[0] or low[2] <= high[1]


@pytest.mark.parametrize("n", [1600, 1601, 1607, 5000])
def test_far_less_is_padded_than_in_a_random_order(n: int) -> None:
    lengths = np.random.default_rng(0).gamma(2, 30, n).astype(int) + 2
    by_length = padding(ByLength(lengths, 16, 0, 0), lengths, 16)
    assert by_length * 5 < padding(Order(n, 1, 0, 0), lengths, 16)
    assert padding(ByLength(lengths, 16, 0, None), lengths, 16) <= by_length


@pytest.mark.parametrize(("batch_size", "last"), [(16, 11), (6, 5), (101, 102), (203, 203)])
def test_an_uneven_batch_is_the_last_one_in_every_epoch(batch_size: int, last: int) -> None:
    data = sequences()
    for epoch in range(3):
        order = data.order(0, epoch, batch_size)
        sizes = [len(batch.targets) for batch in stream(data, order, batch_size)]
        assert sizes == [batch_size] * (len(sizes) - 1) + [last]


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    lengths = sequences().inputs.lengths
    orders = {
        (seed, epoch): ByLength(lengths, 8, seed, epoch).rows(0, N).tolist()
        for seed in range(3)
        for epoch in range(3)
    }
    assert len({tuple(each) for each in orders.values()}) == 9
    for (seed, epoch), rows in orders.items():
        again = ByLength(lengths, 8, seed, epoch)
        assert again.rows(40, N).tolist() + again.rows(0, 40).tolist() == rows[40:] + rows[:40]
        assert pickle.loads(pickle.dumps(again)).rows(0, N).tolist() == rows


def test_batches_of_an_epoch_are_not_sorted_and_change_their_company() -> None:
    lengths = sequences().inputs.lengths
    longest = [lengths[ByLength(lengths, 8, 0, 0).rows(at, at + 8).numpy()].max() for at in
               range(0, 200, 8)]  # fmt: skip
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)
    company = [
        {frozenset(ByLength(lengths, 8, 0, epoch).rows(at, at + 8).tolist())
         for at in range(0, 200, 8)}
        for epoch in range(2)
    ]  # fmt: skip
    assert len(company[0] & company[1]) < 5


@pytest.mark.parametrize("n", [200, 400, 1600])
def test_few_rows_of_a_batch_meet_again_in_the_next_epoch(n: int) -> None:
    """Were the whole of a small table sorted, nine pairs in ten would."""
    lengths = np.random.default_rng(0).gamma(2, 30, n).astype(int) + 2
    pairs = []
    for epoch in range(2):
        order = ByLength(lengths, 16, 0, epoch)
        batches = [sorted(order.rows(*bound).tolist()) for bound in Bounds(n, 16)]
        pairs.append({pair for batch in batches for pair in combinations(batch, 2)})
    assert len(pairs[0] & pairs[1]) < 0.3 * len(pairs[0])


def test_rows_that_are_not_learnt_from_come_longest_first() -> None:
    data = sequences()
    order = order_of(data, 0, None, 16)
    lengths = data.inputs.lengths[order.rows(0, N).numpy()]
    assert lengths.tolist() == sorted(lengths.tolist(), reverse=True)


@pytest.mark.parametrize("several", [False, True], ids=["single", "windows"])
@pytest.mark.parametrize("together", [16, 48], ids=["batches", "large batches"])
def test_workers_and_starts_change_no_batch(several: bool, together: int) -> None:
    data = sequences(several=several)
    with Loader(data, 16) as alone, Loader(data, 16, workers=2) as read_ahead:
        for epoch, start in ((0, 0), (0, 5), (1, 12), (None, 0)):
            order = order_of(data, 3, epoch, together)
            whole = list(islice(alone.epoch(order), start, None))
            for loader in (alone, read_ahead):
                batches = list(loader.epoch(order, start))
                assert len(batches) == len(whole) == 13 - start
                for ours, wanted in zip(batches, whole, strict=True):
                    assert ours.inputs.keys() == wanted.inputs.keys()
                    pairs = zip(tensors_of(ours), tensors_of(wanted), strict=True)
                    assert all(torch.equal(one, other) for one, other in pairs)


def test_what_is_in_memory_needs_no_workers() -> None:
    assert workers_for(sequences()) == 0


def test_targets_and_weights_go_with_their_rows() -> None:
    data = sequences()
    for batch in stream(data, data.order(0, 0, 16), 16):
        for tokens, mask, target, weight in zip(
            batch.inputs["input_ids"], batch.inputs["attention_mask"], batch.targets,
            batch.weights, strict=True,
        ):  # fmt: skip
            row = int(torch.where(data.weights == weight)[0])
            begin, end = data.inputs.ends[row : row + 2]
            assert tokens[mask == 1].tolist() == data.inputs.values["input_ids"][begin:end].tolist()
            assert target == data.targets[row]


def test_ragged_rows_are_padded_to_the_longest_of_the_batch() -> None:
    rows = ragged([[1, 2, 3]], [[]], [[4]])
    assert rows.lengths.tolist() == [3, 0, 1]
    assert {name: each.tolist() for name, each in rows.padded(np.array([2, 0, 1])).items()} == {
        "input_ids": [[4, 9, 9], [1, 2, 3], [9, 9, 9]],
        "attention_mask": [[1, 0, 0], [1, 1, 1], [0, 0, 0]],
    }
    assert rows.padded(np.array([1]))["input_ids"].tolist() == [[9]]


def test_ragged_windows_are_padded_to_the_most_of_the_batch() -> None:
    rows = ragged([[1, 2]], [[3], [4, 5, 6]], [[7]])
    assert rows.lengths.tolist() == [2, 6, 1]
    padded = rows.padded(np.array([1, 0]))
    assert padded["input_ids"].tolist() == [[[3, 9, 9], [4, 5, 6]], [[1, 2, 9], [9, 9, 9]]]
    assert padded["attention_mask"].sum(-1).tolist() == [[1, 3], [2, 0]]
    assert rows.padded(np.array([2]))["input_ids"].shape == (1, 1, 1)


def net(folder: Path, **how: Any) -> FineTuned:
    torch.manual_seed(0)
    return text_net(str(folder), None, 3, ["a", "b", "c"], **how)


@pytest.mark.parametrize("several", [False, True], ids=["single", "windows"])
def test_padding_company_and_rows_without_tokens_change_no_answer(
    tiny_transformer: Path, several: bool
) -> None:
    rows = [[[4, 5, 6]], [[]], [[7]], [[8, 9, 10, 11, 12]]]
    if several:
        rows += [[[4, 5], [6, 7, 8]]]
    inputs = ragged(*rows)
    data = Sequences(inputs, torch.zeros(len(rows), dtype=torch.int64))
    model = net(tiny_transformer).double().eval()
    with torch.no_grad():
        together = model(**data.take(torch.arange(len(rows))).inputs)
        alone = [model(**data.take(torch.tensor([row])).inputs) for row in range(len(rows))]
    assert together.isfinite().all()
    for row in (0, 2, *range(3, len(rows))):  # nothing has no answer that could be right
        torch.testing.assert_close(together[row], alone[row][0], rtol=1e-9, atol=1e-9)


def test_logits_of_windows_are_the_mean_of_theirs(tiny_transformer: Path) -> None:
    model = net(tiny_transformer).double().eval()
    windows = [[4, 5], [6, 7, 8], [9]]
    data = Sequences(ragged(windows, [[10]]), torch.zeros(2, dtype=torch.int64))
    with torch.no_grad():
        pooled = logits_of(model.wrapped, **data.take(torch.tensor([0, 1])).inputs)
        each = [model(torch.ones(1, len(w)).long(), input_ids=torch.tensor([w])) for w in windows]
    torch.testing.assert_close(pooled[0], torch.cat(each).mean(0), rtol=1e-9, atol=1e-9)


def trained(model: FineTuned, data: Sequences, loss: Any, **settings: Any) -> dict[str, Tensor]:
    loop = LoopSettings(**{**FIXED, "epochs": 2, "optimizer": "sgd", "patience": None, **settings})
    return fit(model, data, loss, settings=loop, device="cpu").model.state_dict()


@pytest.mark.parametrize("several", [False, True], ids=["single", "windows"])
@pytest.mark.parametrize("class_weights", [None, [0.2, 1.0, 3.0]], ids=str)
@pytest.mark.parametrize(("batch", "accumulate"), [(5, 3), (4, 8)])
def test_micro_batches_of_texts_make_exactly_one_large_batch(
    tiny_transformer: Path, batch: int, accumulate: int, class_weights: Any, several: bool
) -> None:
    """Of 47 rows, each with a weight: the last window is incomplete, and its last batch as well."""
    data = sequences(47, several=several)
    assert data.weights is not None
    data = replace(data, weights=data.weights.double())  # so that sums of them are exact as well
    weights = None if class_weights is None else torch.tensor(class_weights).double()
    loss, model = CrossEntropy(weights), net(tiny_transformer, dropout=0.0).double()
    small, large = (
        trained(copy.deepcopy(model), data, loss, batch_size=b, accumulate=a, learning_rate=0.05)
        for b, a in ((batch, accumulate), (batch * accumulate, 1))
    )
    before = model.state_dict()
    assert not torch.equal(small["wrapped.classifier.weight"], before["wrapped.classifier.weight"])
    for name, each in small.items():
        torch.testing.assert_close(each, large[name], rtol=1e-9, atol=1e-12, msg=name)
