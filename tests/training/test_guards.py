"""Each guard is shown its fault in a real training, and a healthy twin of it."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
import torch
from torch import nn

from assay.findings import Finding, Severity
from assay.training import faults
from assay.training.guards import Guards
from assay.training.losses import Regression
from assay.training.readings import Plan, Reading, fall, level, spread
from assay.training.settings import LoopSettings
from tests.training.tiny import codes, net, rows, trained

SEEDS = range(3)
DOCS = Path(__file__).parents[2] / "docs" / "checks"


@pytest.mark.parametrize("code", faults.CODES)
def test_every_code_has_a_page_in_the_form_of_the_checks(code: str) -> None:
    page = (DOCS / f"{code}.md").read_text()
    assert page.startswith(f"# {code} {faults.NAMES[code]}")
    for part in ("## What it measures", "## What to do", "## What it cannot see"):
        assert part in page
    assert f"| [{code}]({code}.md) | {faults.NAMES[code]} |" in (DOCS / "index.md").read_text()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_training_has_no_finding(seed: int) -> None:
    assert trained(net(seed), *rows(seed)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_regression_has_no_finding(seed: int) -> None:
    inputs, _ = rows(seed)
    targets = inputs @ torch.linspace(-1, 1, inputs.shape[1])
    targets = (targets - targets.mean()) / targets.std()
    assert trained(net(seed, 1), inputs, targets, loss=Regression("mse")) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weak_signal_is_no_constant_answer(seed: int) -> None:
    found = trained(net(seed), *rows(seed, signal=0.35))
    assert not codes(found) & {"AS403", "AS404"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_good_start_that_hardly_improves_is_passed(seed: int) -> None:
    model, table = net(seed), rows(seed)
    trained(model, *table)
    assert not codes(trained(model, *table, rate=1e-6)) & {"AS403", "AS404", "AS408"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_of_ones_own_that_is_learnt_before_the_first_reading_is_passed(seed: int) -> None:
    inputs, _ = rows(seed)
    targets = inputs.sum(1) / 3
    found = trained(
        net(seed, 1), inputs, targets, loss=Regression("mse"), every=20, rate=3e-2, constant=False
    )
    assert not codes(found) & {"AS403", "AS404"}


@pytest.mark.parametrize("seed", SEEDS)
def test_skipped_steps_are_counted(seed: int) -> None:
    model, (inputs, targets) = net(seed), rows(seed)
    inputs[100, 0] = math.nan
    found = [each for each in trained(model, inputs, targets) if each.code == "AS401"]
    first, last = found[0], found[-1]
    assert first.evidence["first after step"] < first.evidence["first by step"]
    assert last.evidence["skipped"] >= first.evidence["skipped"] >= 1
    assert last.evidence["first by step"] == first.evidence["first by step"]
    assert all(each.isfinite().all() for each in model.parameters())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_never_falls_is_found(seed: int) -> None:
    inputs, _ = rows(seed)
    targets = inputs.sum(1) / 3 + 5  # far from the answer of a fresh network
    found = trained(net(seed, 1), inputs, targets, loss=Regression("mse"), rate=1e-8)
    (one,) = [each for each in found if each.code == "AS403"]
    assert one.severity is Severity.WARN
    assert one.evidence["loss"] > one.evidence["loss of the constant answer"]
    unknown = trained(
        net(seed, 1), inputs, targets, loss=Regression("mse"), rate=1e-8, constant=False
    )
    assert [each.severity for each in unknown if each.code == "AS403"] == [Severity.ASK]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rate_that_is_far_too_high_is_found(seed: int) -> None:
    found = trained(net(seed), *rows(seed), rate=3.0, optimizer=torch.optim.SGD, clip=None)
    wild = trained(net(seed), *rows(seed), rate=300.0, optimizer=torch.optim.SGD, clip=None)
    assert codes(wild) & {"AS401", "AS403", "AS404", "AS405"}
    assert len(found) == len({(each.code, each.severity) for each in found})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_at_that_of_the_constant_answer_is_found(seed: int) -> None:
    inputs, targets = rows(seed)
    found = trained(net(seed), torch.zeros_like(inputs), targets)
    (one,) = [each for each in found if each.code == "AS404"]
    assert one.severity is Severity.ASK
    assert one.evidence["loss"] == pytest.approx(
        one.evidence["loss of the constant answer"], rel=0.05
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_that_dies_on_its_way_is_found(seed: int) -> None:
    model = net(seed)

    def kill(step: int) -> None:
        if step == 120:
            with torch.no_grad():
                model[0].bias.fill_(-1e3)

    found = trained(model, *rows(seed), steps=250, meddle=kill)
    (one,) = [each for each in found if each.code == "AS404"]
    assert one.severity is Severity.WARN
    assert one.evidence["had been lower"]


@pytest.mark.parametrize("seed", SEEDS)
def test_exploding_norms_are_found(seed: int) -> None:
    inputs, _ = rows(seed)
    targets = inputs.sum(1)
    linear = torch.nn.Linear(inputs.shape[1], 1)
    grown = trained(
        linear, inputs, targets, loss=Regression("mse"), rate=0.85, clip=None,
        optimizer=torch.optim.SGD, steps=120,
    )  # fmt: skip
    assert Severity.WARN in {each.severity for each in grown if each.code == "AS405"}


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_that_are_clipped_by_far_are_noted(seed: int) -> None:
    inputs, _ = rows(seed)
    targets = 100 * inputs.sum(1)
    found = trained(net(seed, 1), inputs, targets, loss=Regression("mse"), rate=1e-4)
    assert [each.severity for each in found if each.code == "AS405"] == [Severity.NOTE]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gradient_that_vanishes_on_the_way_is_found(seed: int) -> None:
    model = net(seed)

    def kill(step: int) -> None:
        if step == 100:
            with torch.no_grad():
                model[2].weight.mul_(0.0)
                model[2].bias.copy_(torch.tensor([1e4, 0.0, 0.0]))  # surely wrong, and saturated

    found = trained(model, *rows(seed, signal=1.0), steps=200, clip=None, meddle=kill, rate=1e-3)
    assert codes(found) & {"AS403", "AS404", "AS405", "AS407"}
    guards = Guards(Plan(1000, 50, constant_loss=1.0))
    said = [guards.read(Reading(step, 1.0, 1.0 if step < 30 else 1e-9, 1e-3)) for step in range(60)]
    assert "AS407" in {each.code for found in said for each in found}
    fitted = Guards(Plan(1000, 50, constant_loss=1.0))
    said = [fitted.read(Reading(s, 1.0 / (1 + s**2), 1.0 / (1 + s**4), 1e-3)) for s in range(60)]
    assert [each for found in said for each in found] == []


def test_a_constant_schedule_and_no_patience_are_noted_from_the_settings_alone() -> None:
    def begun(validates: bool = True, **settings: object) -> list[tuple[str, Severity]]:
        given = LoopSettings(**settings)  # type: ignore[arg-type]
        plan = Plan.of(given, steps=100, steps_per_epoch=10, validates=validates)
        return [(each.code, each.severity) for each in Guards(plan).begun()]

    assert begun() == []
    assert begun(schedule="constant") == [("AS406", Severity.NOTE)]
    assert begun(patience=None) == [("AS409", Severity.NOTE)]
    assert begun(patience=None, validates=False) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_overfitting_is_noted_and_a_training_that_generalises_is_passed(seed: int) -> None:
    def losses(n: int) -> list[Finding]:
        inputs, targets = rows(seed, signal=0.4)
        model, held = net(seed), (inputs[500:], targets[500:])
        moves = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
        guards = Guards(Plan(500, 10))
        measure = nn.CrossEntropyLoss()
        found = []
        for step in range(1, 401):
            at = torch.arange(step * 32, step * 32 + 32) % n
            value = measure(model(inputs[at]), targets[at])
            moves.zero_grad()
            value.backward()
            moves.step()
            if step % 20 == 0:
                with torch.no_grad():
                    validation = float(measure(model(held[0]), held[1]))
                found += guards.evaluated(step, validation, float(value.detach()))
        return found

    (one,) = losses(64)
    assert (one.code, one.severity) == ("AS410", Severity.NOTE)
    assert one.evidence["validation loss"]["now"] > one.evidence["validation loss"]["best"]


def test_noise_in_the_validation_loss_is_no_overfitting() -> None:
    for seed in range(50):
        draw, guards = random.Random(seed), Guards(Plan(1000, 10))
        for step in range(1, 60):
            training = 1 / (1 + step / 10)
            assert guards.evaluated(step, training + draw.gauss(0.2, 0.01), training) == []


def test_a_return_to_a_checkpoint_is_told_each_time_and_forgets_what_came_after() -> None:
    guards = Guards(Plan(1000, 50, learning_rate=0.1))
    for step in range(10, 60, 10):
        guards.read(Reading(step, 1.0, 1.0, 0.1))
    (first,) = guards.rolled_back(50, 20, 0.05, "'0' gives NaN.")
    (second,) = guards.rolled_back(70, 20, 0.025)
    assert (first.evidence["times"], second.evidence["times"]) == (1, 2)
    assert first.evidence["cause"] == "'0' gives NaN."
    assert guards.state()["ready"][-1][0] == 20
    assert guards.plan.learning_rate == 0.025


def test_guards_that_are_saved_and_read_back_say_what_the_others_would_have() -> None:
    draw = random.Random(0)
    readings = [
        Reading(step, 1 + draw.gauss(0, 0.01), draw.random(), 1e-3, skipped=step // 100)
        for step in range(10, 500, 10)
    ]
    plan = Plan(500, 100, 25, 5, constant_loss=1.0)
    whole = Guards(plan)
    expected = [each for reading in readings for each in whole.read(reading)]
    for cut in (0, 5, 20, 40):
        guards, found = Guards(plan), []
        for at, reading in enumerate(readings):
            if at == cut:
                guards = Guards.from_state(json.loads(json.dumps(guards.state())))
            found += guards.read(reading)
        assert found == expected
        assert guards.ended() == whole.ended()
    assert codes(expected) == {"AS401", "AS404"}


def test_every_finding_is_fit_for_json_and_says_how_to_mend_it() -> None:
    found = [
        faults.skipped(3, 50, 100), faults.rolled_back(9, 5, 0.1, 1, "why"),
        faults.never_falls(9, 1.0, 1.0, 0.1, 1e-3, None),
        faults.constant_answer(9, 1.0, 0.1, 1.0, False), faults.clipped(9, 20.0, 1.0, 1.0, 1e-3),
        faults.exploding(9, 1.0, 1e3, 1e-3), faults.constant_schedule(5, 1e-3),
        faults.no_gradient(["a"], ["b"], 3), faults.vanished(9, 1.0, 1e-9, 1.0, 1e-3),
        faults.initial_loss(30.0, 1.0), faults.no_early_stopping(5),
        faults.overfitting(1, 9, (1.0, 1.0), (2.0, 0.5)),
        faults.cannot_overfit(16, 9, 1.0, 0.9, 0.0),
        faults.texts_cut((3, 9), (20, 99), 16, "head", pairs=False),
        faults.broken_start("why", [1]),
    ]  # fmt: skip
    assert {each.code for each in found} == set(faults.CODES)
    for each in found:
        assert each.title.endswith(".")
        assert each.evidence
        assert each.mend
        assert Finding.from_dict(json.loads(json.dumps(each.as_dict(), allow_nan=False))) == each


def test_the_fall_of_a_loss_is_measured_in_its_noise_and_not_fooled_by_a_jump() -> None:
    for seed in range(200):
        draw = random.Random(seed)
        flat = [draw.gauss(1, 0.1) for _ in range(40)]
        falling = [each - at * 0.02 for at, each in enumerate(flat)]
        falling[30] = 1e6
        assert fall(falling) > 2
        assert 0.02 < spread(falling) < 0.25
        assert level(falling)[1] > 0


def test_a_flat_loss_seldom_passes_for_a_falling_one() -> None:
    draws = [random.Random(seed) for seed in range(2000)]
    fallen = [fall([draw.gauss(1, 0.1) for _ in range(20)]) > 2 for draw in draws]
    assert sum(fallen) / len(fallen) < 0.08
