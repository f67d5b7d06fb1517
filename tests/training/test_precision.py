"""What a device computes in, and what half precision does to a step."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from assay.errors import InputError
from assay.training.precision import NOTHING, Precision, supported

CPU = torch.device("cpu")


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 1)


def stepped(
    precision: Precision, model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor
) -> bool:
    with precision.forward():
        outputs = model(x)
    precision.backward(precision.full(outputs).square().mean())
    precision.unscale(optimizer)
    is_finite = all(bool(p.grad.isfinite().all()) for p in model.parameters())
    moved = precision.step(optimizer, is_finite=is_finite)
    optimizer.zero_grad()
    return moved


def test_fp32_is_the_plain_step_to_the_bit() -> None:
    ours, bare = linear(), linear()
    x = torch.randn(8, 4)
    assert stepped(Precision.of("fp32", CPU), ours, torch.optim.SGD(ours.parameters(), 0.01), x)
    optimizer = torch.optim.SGD(bare.parameters(), 0.01)
    bare(x).square().mean().backward()
    optimizer.step()
    assert torch.equal(ours.weight, bare.weight)


def test_what_is_off_is_one_empty_context_and_the_very_outputs() -> None:
    precision = Precision.of("fp32", CPU)
    outputs = torch.randn(3)
    assert precision.forward() is precision.forward() is NOTHING
    assert precision.full(outputs) is outputs
    assert precision.scaler is None
    assert precision.state() == {}


def test_half_precision_computes_in_half_and_hands_losses_float32() -> None:
    for name, kind in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        precision = Precision(name, CPU)
        for _ in range(2):  # the context is entered again and again
            with precision.forward():
                outputs = linear()(torch.randn(8, 4))
            assert outputs.dtype == kind
        full = precision.full({"logits": outputs, "rows": torch.arange(3)})
        assert full["logits"].dtype == torch.float32
        assert full["rows"].dtype == torch.int64


def test_gradients_that_are_not_finite_move_nothing_and_halve_the_scale() -> None:
    model = linear()
    optimizer = torch.optim.AdamW(model.parameters(), 0.1)
    precision = Precision("fp16", CPU)
    before = copy.deepcopy(model.state_dict())
    assert not stepped(precision, model, optimizer, torch.full((8, 4), 100.0))
    assert precision.state()["scale"] == 32768
    assert all(torch.equal(model.state_dict()[name], each) for name, each in before.items())
    assert stepped(precision, model, optimizer, torch.full((8, 4), 0.01))
    assert precision.state()["scale"] == 32768
    assert not torch.equal(model.weight, before["weight"])


def test_without_a_scaler_too_a_gradient_that_is_not_finite_moves_nothing() -> None:
    model = linear()
    before = model.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    assert not stepped(Precision("bf16", CPU), model, optimizer, torch.full((8, 4), torch.inf))
    assert torch.equal(model.weight, before)


def test_a_skipped_step_is_the_scales_fault_only_while_losses_are_finite_and_it_can_come_down() -> (
    None
):
    finite, broken = torch.tensor(1.0), torch.tensor(torch.nan)
    precision = Precision("fp16", CPU)
    assert precision.overflowed([finite, finite])
    assert not precision.overflowed([finite, broken])
    precision.load(precision.state() | {"scale": 1.0})
    assert not precision.overflowed([finite])
    assert not Precision.of("fp32", CPU).overflowed([finite])


def test_a_scaler_goes_on_from_its_state_to_the_bit() -> None:
    rows = [torch.full((8, 4), each) for each in (100.0, 0.01, 0.02, 80.0, 0.03)]
    model, precision = linear(), Precision("fp16", CPU)
    optimizer = torch.optim.AdamW(model.parameters(), 0.1)
    for x in rows[:3]:
        stepped(precision, model, optimizer, x)
    other, again = linear(), Precision("fp16", CPU)
    other.load_state_dict(model.state_dict())
    resumed = torch.optim.AdamW(other.parameters(), 0.1)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again.load(precision.state())
    assert again.state() == precision.state()
    for x in rows[3:]:
        assert stepped(precision, model, optimizer, x) == stepped(again, other, resumed, x)
    assert torch.equal(model.weight, other.weight)
    assert again.state() == precision.state()


def test_fp16_is_refused_on_a_cpu_in_three_parts() -> None:
    with pytest.raises(InputError) as raised:
        Precision.of("fp16", CPU)
    assert str(raised.value).startswith(
        "training.precision is fp16, which this device (cpu) does not compute in: training in fp16 "
        "is for CUDA.\n  where: training.precision\n  mend:  precision: auto (here: fp32"
    )


def test_bf16_on_a_cpu_is_for_processors_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert supported(CPU) == ("fp32",)
    with pytest.raises(InputError, match="no bf16 instructions"):
        Precision.of("bf16", CPU)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": True})
    assert supported(CPU) == ("fp32", "bf16")
    assert Precision.of("bf16", CPU).name == "bf16"


def test_metal_trains_in_fp32() -> None:
    assert supported(torch.device("mps")) == ("fp32",)
    with pytest.raises(InputError, match="bf16"):
        Precision.of("bf16", torch.device("mps"))
