"""What 'auto' chooses, how it is recorded, and what choosing leaves as it was."""

from __future__ import annotations

import copy
import json
import random
import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from assay.errors import InputError
from assay.training.batches import Batch
from assay.training.choosing import Choices, choose, cores_here, explain
from assay.training.losses import CrossEntropy
from assay.training.settings import LoopSettings
from assay.training.trial import Trial, Variant, race, threads

CPU = torch.device("cpu")
SETTINGS = LoopSettings()
SET = LoopSettings(precision="fp32", channels_last=True, threads=2)
LOSS = CrossEntropy()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(144, 3)
    )


def batch() -> Batch:
    torch.manual_seed(1)
    return Batch(torch.randn(16, 3, 8, 8), torch.randint(0, 3, (16,)))


class Fragile(nn.Module):
    """Its half precision is another function."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        outputs = self.layer(x)
        return outputs * (1 if outputs.dtype == torch.float32 else 10)


PLAIN, LAST, HALF = (
    Variant("fp32", False, 1),
    Variant("fp32", True, 1),
    Variant("bf16", False, 1),
)


def test_measuring_leaves_everything_as_it_was() -> None:
    model = network().eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = copy.deepcopy(model.state_dict())
    random.seed(1)
    rows = batch()
    generators = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)
    n_threads = torch.get_num_threads()
    chosen = choose(model, rows, LOSS, SETTINGS, CPU, seed=3)
    assert chosen.measured["source"] == "measured"
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert model[0].weight.is_contiguous()
    assert not model.training
    assert model[4].weight.grad is None
    assert torch.equal(generators[0], torch.get_rng_state())
    assert random.getstate() == generators[1]
    assert str(np.random.get_state(legacy=False)) == str(generators[2])
    assert torch.get_num_threads() == n_threads


def test_candidates_are_what_the_model_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    images = choose(network(), batch(), LOSS, SETTINGS, CPU, seed=0, cores=1)
    assert set(images.measured["step_s"]) <= {"fp32, 1 thread", "fp32, channels-last, 1 thread"}
    table = Batch(torch.randn(8, 4), torch.randint(0, 3, (8,)))
    nothing = choose(nn.Linear(4, 3), table, LOSS, SETTINGS, CPU, seed=0, cores=1)
    assert nothing == Choices(measured={"source": "set"})


def test_half_precision_that_changes_the_loss_is_not_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    table = Batch(torch.randn(8, 4), torch.randint(0, 3, (8,)))
    given = {"seed": 0, "cores": 1}
    fragile = choose(Fragile(), table, LOSS, SETTINGS, CPU, **given)
    assert fragile.precision == "fp32"
    assert fragile.measured["loss_changes"]["bf16"] > 0.01
    assert "bf16, 1 thread" not in fragile.measured["step_s"]
    sound = choose(nn.Linear(4, 3), table, LOSS, SETTINGS, CPU, **given)
    assert sound.measured["loss_changes"]["bf16"] < 0.01


def test_what_is_set_or_recorded_is_taken_without_measuring() -> None:
    broken = nn.Linear(1, 1)  # a step of it would fail
    assert choose(broken, batch(), LOSS, SET, CPU, seed=0) == Choices(
        "fp32", True, 2, measured={"source": "set"}
    )
    recorded = Choices("fp32", True, 7, loader_workers=3, measured={"gain": 2.0, "plain": "x"})
    record = json.loads(json.dumps(recorded.as_dict()))
    again = choose(broken, batch(), LOSS, SETTINGS, CPU, seed=0, fixed=record)
    assert (again.precision, again.channels_last, again.threads) == ("fp32", True, 7)
    assert again.loader_workers == 3
    assert explain(again) == "fp32, channels-last, 7 threads: 2.0x of plain x, as recorded"


def test_choices_come_back_from_their_record() -> None:
    chosen = choose(network(), batch(), LOSS, SETTINGS, CPU, seed=0)
    assert Choices.of(json.loads(json.dumps(chosen.as_dict()))) == chosen


def test_a_recorded_precision_that_is_not_here_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    with pytest.raises(InputError, match="bf16"):
        choose(network(), batch(), LOSS, SETTINGS, CPU, seed=0, fixed={"precision": "bf16"})


def test_a_step_that_fails_is_left_to_the_training_to_tell() -> None:
    chosen = choose(nn.Linear(1, 1), batch(), LOSS, SETTINGS, CPU, seed=0, cores=2)
    assert (chosen.precision, chosen.threads) == ("fp32", 1)
    assert explain(chosen).startswith("fp32, 1 thread: not measured (")


def test_a_frozen_network_is_not_measured() -> None:
    chosen = choose(network().requires_grad_(False), batch(), LOSS, SETTINGS, CPU, seed=0, cores=2)
    assert chosen.measured["source"] == "not measured"


def test_processes_read_ahead_only_what_is_read() -> None:
    given = {"seed": 0, "cores": 2}
    assert choose(network(), batch(), LOSS, SET, CPU, **given).loader_workers == 0
    assert choose(network(), batch(), LOSS, SET, CPU, reads=True, **given).loader_workers == 2


def test_a_gain_must_be_more_than_five_percent() -> None:
    deadline = time.perf_counter() + 60
    tie = {PLAIN: 1.0, LAST: 0.96, HALF: 1.2}
    assert race([PLAIN, LAST, HALF], tie.__getitem__, deadline).winner == PLAIN
    clear = {PLAIN: 1.0, LAST: 0.9, HALF: 0.5}
    outcome = race([PLAIN, LAST, HALF], clear.__getitem__, deadline)
    assert outcome.winner == HALF
    assert outcome.gain == pytest.approx(2.0)
    assert outcome.seconds == clear


def test_of_two_that_are_as_fast_the_simpler_one_wins() -> None:
    times = {PLAIN: 1.0, LAST: 0.5, HALF: 0.49}
    outcome = race([PLAIN, LAST, HALF], times.__getitem__, time.perf_counter() + 60)
    assert outcome.winner == LAST


def test_what_takes_thrice_as_long_is_tried_once_and_noise_on_all_is_no_difference() -> None:
    tried: list[Variant] = []
    noise = iter([1.0, 3.0, 1.0, 9.0, 2.0, 7.0, 5.0] * 10)

    def seconds(variant: Variant) -> float:
        tried.append(variant)
        if variant == PLAIN:
            seconds.busy = next(noise)
        return seconds.busy * {PLAIN: 1.0, LAST: 0.8, HALF: 4.0}[variant]

    outcome = race([PLAIN, LAST, HALF], seconds, time.perf_counter() + 60)
    assert tried.count(HALF) == 1
    assert outcome.winner == LAST
    assert outcome.gain == pytest.approx(1.25)


def test_two_that_both_beat_the_simplest_are_timed_until_they_are_told_apart() -> None:
    """In the first rounds they swap places; what is faster on the whole shows later."""
    swapped, rounds = {LAST: 0.40, HALF: 0.50}, iter(range(100))

    def seconds(variant: Variant) -> float:
        if variant == PLAIN:
            seconds.round = next(rounds)
            return 1.0
        return (swapped if seconds.round < 2 else {LAST: 0.52, HALF: 0.42})[variant]

    assert race([PLAIN, LAST, HALF], seconds, time.perf_counter() + 60).winner == HALF
    assert seconds.round > 2


@pytest.mark.parametrize(("slow", "last"), [(4, None), (None, 7)])
def test_neither_a_busy_moment_nor_the_end_of_the_time_loses_what_is_clear(
    slow: int | None, last: int | None
) -> None:
    """The machine is busy in one step of the fastest, or time ends in a round before its turn."""
    calls = iter(range(100))
    deadline = time.perf_counter() + 0.2

    def seconds(variant: Variant) -> float:
        call = next(calls)
        if call == last:
            time.sleep(0.2)
        return {PLAIN: 1.0, LAST: 0.97, HALF: 0.5}[variant] * (9 if call == slow else 1)

    assert race([PLAIN, LAST, HALF], seconds, deadline).winner == HALF


def test_each_is_timed_once_however_long_a_step_takes() -> None:
    over = time.perf_counter()
    times = {PLAIN: 2.0, LAST: 1.9, HALF: 0.7}
    outcome = race([PLAIN, LAST, HALF], times.__getitem__, over)
    assert outcome.winner == HALF
    assert outcome.seconds == times


def test_where_time_is_over_a_gain_must_be_seen_at_a_glance() -> None:
    slight, large = {PLAIN: 1.0, LAST: 0.85}, {PLAIN: 1.0, LAST: 0.5}

    def late(times: dict[Variant, float]) -> Variant:
        ends = time.perf_counter() + 0.02

        def seconds(variant: Variant) -> float:
            if variant == LAST:
                time.sleep(0.03)
            return times[variant]

        return race([PLAIN, LAST], seconds, ends).winner

    assert late(slight) == PLAIN
    assert late(large) == LAST


CLOCK = [0.0]


class Weighty(nn.Module):
    """Each row takes a second, by a clock of its own; one alone has no statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))

    def forward(self, x: Tensor) -> Tensor:
        CLOCK[0] += len(x)
        return self.layers(x)


@pytest.mark.parametrize("n", [2, 3, 16])
def test_however_long_a_row_takes_there_are_two(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", lambda: CLOCK[0])
    rows = Batch(torch.randn(n, 4), torch.randint(0, 3, (n,)))
    trial = Trial(Weighty(), rows, LOSS, SETTINGS, CPU)
    trial.fit_rows(PLAIN)
    assert trial.rows == 2
    assert trial.seconds(PLAIN) == 2.0


def test_threads_are_set_within_and_restored_after() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_an_environment_that_grants_fewer_threads_is_obeyed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores_here() == 1


def test_choices_are_applied_and_taken_back() -> None:
    model, before = network(), torch.get_num_threads()
    names = list(model.state_dict())
    kinds = [type(each) for each in model.modules()]
    choices = Choices("fp32", channels_last=True, threads=before + 1, recompute=True)
    with choices.applied(model, CPU, batch().inputs):
        assert torch.get_num_threads() == before + 1
        assert not model[0].weight.is_contiguous()
        assert [type(each) for each in model.modules()] != kinds
        assert list(model.state_dict()) == names
    assert torch.get_num_threads() == before
    assert model[0].weight.is_contiguous()
    assert [type(each) for each in model.modules()] == kinds


def test_choices_are_told_in_a_line() -> None:
    measured = {"source": "measured", "gain": 3.14, "plain": "fp32, 1 thread"}
    assert explain(Choices("bf16", True, 2, measured=measured)) == (
        "bf16, channels-last, 2 threads: 3.1x of plain fp32, 1 thread, measured here"
    )
    assert explain(Choices(measured=measured | {"gain": 1.0})) == (
        "fp32, 1 thread: nothing else is 5 % faster, measured here"
    )
    assert explain(Choices(measured={"source": "set"})) == "fp32, 1 thread: as set"
