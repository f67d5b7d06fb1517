"""Where the time goes."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from assay.training.breakdown import Breakdown, Operator
from assay.training.precision import NOTHING
from assay.training.profiling import Profile, Profiler, Unprofiled, profile

CPU = torch.device("cpu")


def run(profiler: Profile, steps: int, wait_s: float = 0.0) -> None:
    """A loop that tells where it is."""
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(steps):
        with profiler.region("data"):
            time.sleep(wait_s)
            x = torch.randn(32, 8)
        with profiler.region("forward"):
            loss = model(x).square().mean()
        with profiler.region("backward"):
            loss.backward()
        with profiler.region("optimizer"):
            optimizer.step()
            optimizer.zero_grad()
        profiler.step()


def breakdown(**seconds: float) -> Breakdown:
    return Breakdown(seconds, 10, (), 3 * 2**20, "cpu")


def test_shares_operators_and_a_trace_are_found(tmp_path: Path) -> None:
    with profile(tmp_path / "profile", CPU) as profiler:
        run(profiler, Profiler.steps_needed, wait_s=0.005)
    found = profiler.breakdown
    assert found.steps == 10
    assert set(found.seconds) == {"data", "forward", "backward", "optimizer", "other"}
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.seconds["data"] >= 0.005
    assert any(each.name == "aten::addmm" for each in found.operators)
    assert found.operators[0].seconds >= found.operators[-1].seconds > 0
    linear = next(each for each in found.operators if each.name == "aten::addmm")
    assert linear.calls == 2
    assert found.peak_bytes > 10 * 2**20
    events = json.loads(gzip.decompress(found.trace.read_bytes()))["traceEvents"]
    names = {each.get("name") for each in events}
    assert {"assay: data", "assay: forward", "assay: backward", "assay: optimizer"} <= names


def test_after_the_steps_that_it_needs_it_costs_no_more(tmp_path: Path) -> None:
    with profile(tmp_path, CPU) as profiler:
        run(profiler, Profiler.steps_needed)
        assert profiler.region("forward") is NOTHING
        run(profiler, 3)
    assert profiler.breakdown.steps == 10


def test_a_training_that_ends_early_gives_what_there_is(tmp_path: Path) -> None:
    for steps, timed in ((2, None), (5, 2), (15, 10)):
        with profile(tmp_path / str(steps), CPU) as profiler:
            run(profiler, steps)
        assert (profiler.breakdown.steps if profiler.breakdown else None) == timed
    assert str(profiler.breakdown)


def test_a_training_that_fails_fails_with_its_own_error(tmp_path: Path) -> None:
    def fail() -> None:
        with profile(tmp_path, CPU) as profiler:
            run(profiler, 16)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_loop_that_is_not_profiled_enters_one_empty_context() -> None:
    nothing = Unprofiled()
    assert nothing.region("data") is nothing.region("forward") is NOTHING
    run(nothing, 2)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ({"data": 6, "forward": 2, "backward": 2}, "training.loader_workers. Without it a step "
         "would be 2.5x as fast."),
        ({"recording": 4, "forward": 3, "backward": 3}, "raise training.log_every"),
        ({"optimizer": 5, "forward": 2, "backward": 2}, "raise training.batch_size"),
        ({"transfer": 4, "forward": 3, "backward": 3}, "copying batches"),
        ({"other": 4, "forward": 3, "backward": 3}, "callbacks"),
        ({"data": 1, "forward": 4, "backward": 5}, "90% of a step is forward and backward"),
    ],
)  # fmt: skip
def test_the_largest_lever_is_told(seconds: dict[str, float], told: str) -> None:
    assert told in breakdown(**seconds).lever


def test_small_operators_call_for_larger_batches() -> None:
    small = Operator("aten::addmm", 0.5, 20e-6, 4)
    found = Breakdown({"forward": 1e-4, "backward": 1e-4}, 10, (small,), 1, "cpu")
    assert "operators of 5 us on average" in found.lever
    assert "training.batch_size" in found.lever


def test_the_answer_fits_a_screen() -> None:
    large = Operator("aten::mkldnn_convolution", 0.7, 0.2, 20)
    found = Breakdown(
        {"data": 0.01, "forward": 0.1, "backward": 0.2}, 10, (large,) * 8, 500 * 2**20, "cpu"
    )
    lines = str(found).splitlines()
    assert lines[0] == "A step takes 310 ms (mean of 10)."
    assert lines[1] == "  backward    65%    200 ms  ###################"
    assert lines[5] == "   70%    200 ms     20 calls  aten::mkldnn_convolution"
    assert "Memory: at most 500 MiB resident in this process." in lines
    assert len(lines) < 24
    assert max(map(len, lines[:-1])) < 80
