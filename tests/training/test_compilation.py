"""torch.compile, where it can be."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from assay.monitor import AssayWarning
from assay.training.compilation import compiled

# torch speaking to itself, when it first compiles
pytestmark = pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.0), nn.Linear(8, 2))


class Waves(nn.Module):
    """What no library has, so that code has to be written and compiled for it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return (self.layer(x).sin() + 1).relu() * 2


def test_a_compiled_model_keeps_its_names_and_is_left_as_it_was() -> None:
    model = network()
    before, generator = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    x = torch.randn(6, 4)
    torch.set_rng_state(generator)
    wanted = copy.deepcopy(model)(x)
    with compiled(model, x) as is_compiled:
        assert is_compiled
        assert list(model.state_dict()) == list(before)
        assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
        assert all(each.grad is None for each in model.parameters())
        assert torch.equal(torch.get_rng_state(), generator)
        assert torch.allclose(model(x), wanted, atol=1e-5)
        assert "_compiled_call_impl" not in copy.deepcopy(model).__dict__
    assert model._compiled_call_impl is None


def test_without_a_compiler_it_trains_without_and_a_warning_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    model, inputs = Waves(), {"x": torch.randn(3, 4)}
    with (
        config.patch({"cpp.cxx": (None, "/nonexistent"), "force_disable_caches": True}),
        warnings.catch_warnings(record=True, action="always") as said,
        compiled(model, inputs) as is_compiled,
    ):
        assert not is_compiled
        model(**inputs).sum().backward()
    assert model.layer.weight.grad is not None
    told = [str(each.message) for each in said if isinstance(each.message, AssayWarning)]
    assert len(told) == 1
    assert told[0].startswith("training.compile: torch.compile cannot take this model here")
    assert "No working C++ compiler" in told[0]
