"""Dropout with cheap masks is dropout, and attention with it is attention."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from assay.networks import dropout
from assay.networks.attention import NAME, attention
from assay.networks.dropout import Dropout, dropped
from assay.networks.pretrained import text_net
from tests.networks.test_pretrained import KINDS, V, of_kind

N = 200_003
ALMOST_NONE = 1e-9
"""A share that rounds to nothing: what is not of dropout is then all there is."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_asked_and_the_rest_is_scaled(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.ones(N, dtype=dtype, requires_grad=True)
    left = dropped(x, p)
    zeros = int((left == 0).sum())
    assert binomtest(zeros, N, p).pvalue > 0.001
    kept = left[left != 0]
    assert kept.unique().numel() == 1
    exact = torch.finfo(dtype).eps + 2**-17 / (1 - p)
    assert float(kept[0].detach()) == pytest.approx(1 / (1 - p), rel=exact)
    left.sum().backward()
    torch.testing.assert_close(x.grad, left.detach())


def test_numbers_are_dropped_independently_of_their_neighbours() -> None:
    torch.manual_seed(0)
    left = (dropped(torch.ones(N), 0.5) != 0).double() - 0.5
    for lag in (1, 2, 3, 4, 8, 64):
        correlation = float((left[:-lag] * left[lag:]).mean()) / 0.25
        assert abs(correlation) < 4 / math.sqrt(N)


@pytest.mark.parametrize("shape", [(), (7,), (0, 4), (3, 3001), (2, 3, 40, 50)])
def test_every_shape_is_taken(shape: tuple[int, ...]) -> None:
    assert dropped(torch.ones(shape), 0.3).shape == shape


def test_nothing_and_everything_can_be_dropped() -> None:
    x = torch.randn(50)
    torch.testing.assert_close(dropped(x, 0.0), x)
    torch.testing.assert_close(dropped(x, 1.0), torch.zeros(50))
    layer = Dropout(0.5).eval()
    assert layer(x) is x
    assert isinstance(layer, nn.Dropout)


def test_what_is_dropped_is_of_the_global_generator() -> None:
    x = torch.ones(10_000)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, second = dropped(x, 0.5), dropped(x, 0.5)
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(dropped(x, 0.5), first)


def test_inputs_in_another_order_of_memory_are_dropped_alike() -> None:
    x = torch.randn(8, 6, 15, 15)
    torch.manual_seed(0)
    plain = dropped(x, 0.4)
    torch.manual_seed(0)
    assert torch.equal(dropped(x.to(memory_format=torch.channels_last), 0.4), plain)


@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")
def test_it_compiles() -> None:
    compiled = torch.compile(Dropout(0.25), backend="aot_eager", fullgraph=True)
    x = torch.ones(128, 128, requires_grad=True)
    left = compiled(x)
    left.sum().backward()
    assert binomtest(int((left == 0).sum()), 128 * 128, 0.25).pvalue > 0.001
    torch.testing.assert_close(x.grad, left.detach())


LLAMA = {"vocab_size": V, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 32,
         "num_hidden_layers": 2, "intermediate_size": 64, "max_position_embeddings": 32,
         "pad_token_id": 0}  # fmt: skip


@pytest.mark.parametrize("kind", [*KINDS, "llama"])
def test_training_is_evaluation_where_next_to_nothing_is_dropped(
    kind: str, tiny_transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Causal and not, with heads that share keys, masks of any kind, and padding."""
    monkeypatch.setitem(KINDS, "llama", LLAMA)
    folder = of_kind(kind, tmp_path / "given", tiny_transformer)
    net: Any = text_net(str(folder), None, 3, ["a", "b", "c"], ALMOST_NONE, padding=0).double()
    ids = torch.randint(4, V, (6, 20))
    mask = (torch.arange(20) < torch.tensor([20, 17, 9, 20, 2, 1])[:, None]).long()
    said = {
        is_training: net.train(is_training)(mask, input_ids=ids) for is_training in (True, False)
    }
    torch.testing.assert_close(said[True], said[False], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_attention_weights_are_dropped_in_training(
    kind: str, tiny_transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "llama", LLAMA)
    source = tiny_transformer
    if kind != "bert":
        source = of_kind(kind, tmp_path / "given", tiny_transformer)
    net: Any = text_net(str(source), None, 2, ["a", "b"], 0.3)
    assert net.wrapped.config._attn_implementation == NAME
    for name, module in net.named_modules():
        if isinstance(module, nn.Dropout) and not name.endswith("attention.self.dropout"):
            module.p = 0.0  # that one's p is what BERT asks of its attention
    ids, mask = torch.randint(4, V, (2, 12)), torch.ones(2, 12, dtype=torch.long)
    assert torch.equal(net.eval()(mask, input_ids=ids), net(mask, input_ids=ids))
    assert not torch.equal(net.train()(mask, input_ids=ids), net(mask, input_ids=ids))
    net.wrapped.save_pretrained(tmp_path / "kept")
    assert NAME not in (tmp_path / "kept" / "config.json").read_text().split('"')


@pytest.mark.parametrize("lora", [None, {"kind": "lora", "rank": 2, "alpha": 4, "dropout": 0.1}])
def test_no_dropout_is_left_as_it_came(lora: dict[str, Any] | None, tiny_transformer: Path) -> None:
    net: Any = text_net(str(tiny_transformer), None, 2, ["a", "b"], lora=lora)
    kinds = {type(each) for each in net.modules() if isinstance(each, nn.Dropout)}
    assert kinds == {Dropout}
    assert net.wrapped.config._attn_implementation == NAME


@pytest.mark.parametrize("mask", ["none", "bool", "added", "causal"])
def test_on_average_it_is_attention(mask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 6, 8) for _ in range(3))
    seen = torch.rand(1, 1, 6, 6) < 0.7
    seen |= torch.eye(6, dtype=torch.bool)
    given = {
        "none": None, "causal": None, "bool": seen,
        "added": torch.zeros(1, 1, 6, 6).masked_fill(~seen, -1e9),
    }[mask]  # fmt: skip
    causal = mask == "causal"
    monkeypatch.setattr(dropout, "_FEW", 0)
    many = [attention(nn.Module(), query, key, value, given, 0.2, None, causal)[0]
            for _ in range(4000)]  # fmt: skip
    plain, _ = attention(nn.Module(), query, key, value, given, 0.0, None, causal)
    apart = (torch.stack(many).mean(0) - plain).abs()
    deviation = torch.stack(many).std(0) / math.sqrt(len(many))
    assert (apart < 5 * deviation + 1e-6).all()


@pytest.mark.parametrize("given", ["nothing", "bool", "added", "causal", "as the module says"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("queries", "keys"), [(6, 6), (1, 1), (1, 5), (3, 5), (5, 3)])
def test_where_nothing_is_dropped_it_is_what_pytorch_says(
    queries: int, keys: int, groups: int, given: str
) -> None:
    """Also of fewer queries than keys, as with a cache: a single one sees all of them."""
    torch.manual_seed(0)
    query = torch.randn(2, 4, queries, 8)
    key, value = torch.randn(2, 2, 4 // groups, keys, 8)
    seen = torch.rand(2, 1, queries, keys) < 0.6
    seen[..., 0] = True
    masks = {"bool": seen, "added": torch.zeros(seen.shape).masked_fill(~seen, -1e9)}
    mask, causal = masks.get(given), {"causal": True, "as the module says": None}.get(given, False)
    module = nn.Module()
    module.num_key_value_groups, module.is_causal = groups, True
    ours, _ = attention(module, query, key, value, mask, ALMOST_NONE, None, causal)
    theirs = nn.functional.scaled_dot_product_attention(
        query, key, value, mask, is_causal=causal is not False and queries > 1,
        enable_gqa=groups > 1,
    ).transpose(1, 2)  # fmt: skip
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    plain, _ = attention(module, query, key, value, mask, 0.0, None, causal)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6)


def test_a_network_that_does_not_learn_drops_nothing_before_it_is_told_either(
    tiny_transformer: Path,
) -> None:
    net: Any = text_net(str(tiny_transformer), None, 2, ["a", "b"], 0.3).wrapped
    assert not net.training
    assert not any(each.training for each in net.modules() if isinstance(each, nn.Dropout))
    ids = torch.randint(4, V, (2, 12))
    assert torch.equal(net(input_ids=ids).logits, net(input_ids=ids).logits)
