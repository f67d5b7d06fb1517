"""Gates: each refuses a model that was planted to fail it, and passes one that should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.result import Difference
from assay.evaluation.spread import NEVER_VARIES
from assay.registry import costs
from assay.registry.gates.age import DataAge
from assay.registry.gates.base import Age, Champion, Evidence, Gate
from assay.registry.gates.baselines import BeatsBaselines
from assay.registry.gates.builtin import GATES, NAMES
from assay.registry.gates.calibration import Calibrated
from assay.registry.gates.card import CardFilled
from assay.registry.gates.champion import BesideChampion
from assay.registry.gates.fairness import Fairness
from assay.registry.gates.findings import NoOpenFinding
from assay.registry.gates.latency import Latency
from assay.registry.gates.memory import Memory
from assay.registry.gates.metrics import MetricFloor
from assay.registry.gates.reproduced import Reproduced
from assay.registry.gates.segments import WorstSegment
from assay.registry.gates.size import Size
from assay.registry.settings import (
    FairnessLimits,
    LatencyLimits,
    SegmentLimits,
    StageGates,
)
from assay.run import Run

Of = Callable[[str], Evidence]

CASES: dict[str, tuple[Gate, Any, str, bool | None, str]] = {
    "floor": (MetricFloor(), {"roc_auc": 0.7}, "weak", False, "its lower end is below 0.7"),
    "ceiling": (MetricFloor(), {"log_loss": 0.6}, "weak", False, "its upper end is above 0.6"),
    "baselines": (BeatsBaselines(), "simplest", "weak", False, "within noise"),
    "worst segment": (WorstSegment(), SegmentLimits(worst=0.65), "unfair", False, "kind = red"),
    "segments apart": (WorstSegment(), SegmentLimits(gap=0.25), "unfair", False, "is above 0.25"),
    "no segments": (WorstSegment(), SegmentLimits(worst=0.1), "weak", None, "data.roles.segments"),
    "parity": (Fairness(), FairnessLimits(demographic_parity=0.4), "unfair", False, "kind = red"),
    "ratio": (Fairness(), FairnessLimits(demographic_ratio=0.5), "unfair", False, "ratio of"),
    "odds": (Fairness(), FairnessLimits(equalised_odds=0.6), "unfair", False, "is above 0.6"),
    "no fairness": (Fairness(), FairnessLimits(odds_ratio=0.1), "weak", None, "no segments"),
    "calibration": (Calibrated(), 0.15, "overconfident", False, "its upper end is above 0.15"),
    "findings": (NoOpenFinding(), "block", "copied", False, "block AS102"),
    "reproduced": (Reproduced(), True, "weak", None, "assay reproduce income/"),
    "old": (DataAge(), 30.0, "aged", False, "the newest day of the development rows"),
    "undated": (DataAge(), 30.0, "costly", None, "declare data.roles.time"),
    "card": (CardFilled(), True, "aged", None, "no model card"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refuses_what_was_planted_and_passes_what_is_good(evidence: Of, case: str) -> None:
    gate, asked, planted, expected, reason = CASES[case]
    passed = gate(evidence("good"), asked)
    assert passed is not None
    assert passed.passed is True, passed.reasons
    refused = gate(evidence(planted), asked)
    assert refused is not None
    assert refused.passed is expected, refused.reasons
    assert reason in "\n".join(refused.reasons)
    assert refused.asked == passed.asked or "segment" in case


def test_costs_are_measured_in_a_process_of_their_own_and_refused_by_three_gates(
    evidence: Of, here: Path, runs: dict[str, Run], tmp_path: Path
) -> None:
    from assay.place import Place

    def measured(name: str) -> Evidence:
        folder, digest = Place.to_find().store.model(runs[name].run_id, tmp_path)
        return replace(evidence(name), costs=costs.measure(folder, digest))

    good, costly = measured("good"), measured("costly")
    assert good.costs is not None
    assert costly.costs is not None
    assert costs.Costs.from_dict(good.costs.as_dict()) == good.costs
    assert good.costs.hardware["logical cores"] >= 1
    assert costly.costs.latencies[1].p50_ms >= 100
    assert costly.costs.latencies[1].n == 20, "a slow one is not asked a hundred times"
    assert costly.costs.model_mib - good.costs.model_mib > 250
    assert costly.costs.size_mib - good.costs.size_mib > 5
    for gate, asked, reason in (
        (Latency(), LatencyLimits(p50_ms=90), "p50 of one row"),
        (Latency(), LatencyLimits(p99_ms=95, batch_p99_ms=10_000), "p99 of 1,000 rows"),
        (Memory(), good.costs.memory_mib + 100, "MiB at the peak"),
        (Size(), 5.0, "MiB"),
    ):
        for each, expected in ((good, True), (costly, False)):
            verdict = gate(each, asked)
            assert verdict is not None
            if expected and gate.name == "latency" and not verdict.passed:
                assert good.costs.latencies[1].p99_ms > 90, "a machine too busy to tell"
                continue
            assert verdict.passed is expected, verdict.reasons
            assert reason in "\n".join(verdict.reasons)


def test_what_is_accepted_is_not_open(evidence: Of) -> None:
    copied = evidence("copied")
    accepted = [replace(each, accepted="it is a demo") for each in copied.findings]
    verdict = NoOpenFinding()(replace(copied, findings=accepted), "warn")
    assert verdict is not None
    assert verdict.passed
    assert verdict.reasons[-1] == "AS102 is accepted: it is a demo"


def test_a_run_that_came_out_different_is_refused(evidence: Of) -> None:
    said = replace(evidence("good"), reproduced="different at 2026-01-01T00:00:00+00:00")
    verdict = Reproduced()(said, True)
    assert verdict is not None
    assert verdict.passed is False


def test_a_card_with_an_open_place_is_refused(evidence: Of) -> None:
    verdict = CardFilled()(replace(evidence("good"), unwritten=("owner",)), True)
    assert verdict is not None
    assert (verdict.passed, verdict.reasons) == (False, ("still open: owner",))


def test_data_ages(evidence: Of) -> None:
    good = evidence("good")
    later = replace(good, now=good.now + timedelta(days=31))
    for each, expected in ((good, True), (later, False)):
        verdict = DataAge()(each, 30.0)
        assert verdict is not None
        assert verdict.passed is expected
        assert "the file of the data was written" in verdict.reasons[0]


def test_data_of_the_future_has_no_age(evidence: Of) -> None:
    good = evidence("good")
    for ahead, expected in ((timedelta(hours=20), True), (timedelta(days=400), None)):
        dated = replace(good, age=Age(good.now + ahead, "the newest day"))
        verdict = DataAge()(dated, 30.0)
        assert verdict is not None
        assert verdict.passed is expected
    assert "which is in the future: nobody can tell how old the data is" in verdict.reasons[0]


def difference(
    value: float, low: float | None, high: float | None, better: str | None,
    metric: str = "roc_auc", reason: str = "too few rows",
) -> Any:  # fmt: skip
    why = None if low is not None else reason
    estimate = Estimate(value, low, high, 9, reason=why)
    return Difference(metric, 0.8, 0.8 + value, estimate, better, "It is so.")


def beside(found: Difference, edge: float | None = 0.4) -> Champion:
    return Champion("x/1", difference=found, rows="60 test rows", edge=edge)


@pytest.mark.parametrize(
    ("found", "not_worse", "better"),
    [
        (Champion(), True, True),
        (Champion("x/1", is_same=True), True, True),
        (Champion("x/1", reason="no row was predicted by both"), None, None),
        (beside(difference(0.1, 0.05, 0.15, "second")), True, True),
        (beside(difference(0.0, -0.01, 0.01, None)), True, False),
        (beside(difference(0.01, -0.05, 0.15, None)), None, False),  # so few rows show nothing
        (beside(difference(0.01, -0.05, 0.15, None), edge=None), None, False),
        (beside(difference(0.1, 0.05, 0.15, "second"), edge=-0.1), None, True),
        (beside(difference(-0.1, -0.15, -0.05, "first")), False, False),
        (beside(difference(-0.1, -0.15, -0.05, "first"), edge=None), False, False),
        (beside(difference(0.1, None, None, None)), None, None),
        (beside(difference(0.0, None, None, None)), None, None),
        (beside(difference(0.0, None, None, None, reason=NEVER_VARIES)), True, None),
        (beside(difference(0.0, -0.05, 0.01, None, "log_loss")), True, False),
        (beside(difference(0.0, -0.01, 0.05, None, "log_loss")), None, False),
    ],
)
def test_beside_a_champion_only_what_is_known_passes(
    evidence: Of, found: Champion, not_worse: bool | None, better: bool | None
) -> None:
    for asked, expected in (("not-worse", not_worse), ("better", better)):
        verdict = BesideChampion()(replace(evidence("good"), champion=found), asked)
        assert verdict is not None
        assert verdict.passed is expected


def test_the_margin_is_a_twentieth_of_what_the_champion_is_worth_or_given(evidence: Of) -> None:
    held = replace(evidence("good"), champion=beside(difference(0.0, -0.019, 0.02, None)))
    default, wide, narrow = (BesideChampion()(held, asked) for asked in ("not-worse", 0.1, 0.01))
    assert default is not None
    assert wide is not None
    assert narrow is not None
    assert [default.passed, wide.passed, narrow.passed] == [True, True, None]
    assert default.reasons[1] == (
        "its worse end may be 0.020 worse than the champion: a twentieth of 0.40, by which that is "
        "better than a constant"
    )
    assert (default.evidence["margin"], narrow.evidence["margin"]) == (
        pytest.approx(0.02),
        0.01,
    )
    assert narrow.asked == "not worse than the champion by more than 0.01"


def test_every_baseline_must_be_beaten_where_all_are_asked_for(evidence: Of) -> None:
    level = {
        "prior": difference(0.3, 0.2, 0.4, "second"),
        "linear": difference(0.0, -0.1, 0.1, None),
    }
    behind = {**level, "linear": difference(-0.2, -0.3, -0.1, "first")}
    for baselines, simplest, every in ((level, True, False), (behind, False, False)):
        held = replace(evidence("good"), baselines=baselines)
        for asked, expected in (("simplest", simplest), ("all", every)):
            verdict = BeatsBaselines()(held, asked)
            assert verdict is not None
            assert verdict.passed is expected


def test_numbers_have_no_calibration_and_no_auc(evidence: Of) -> None:
    good = evidence("good")
    task = replace(good.evaluation, task=Task.REGRESSION, metrics={"mae": Estimate(1, 0.9, 1.1, 9)})
    numbers = replace(good, evaluation=task)
    calibrated = Calibrated()(numbers, 0.01)
    assert calibrated is not None
    assert calibrated.passed
    floor = MetricFloor()(numbers, {"roc_auc": 0.7, "mae": 1.2})
    assert floor is not None
    assert floor.passed is None
    assert floor.asked == "roc_auc at least 0.7, mae at most 1.2"
    assert "roc_auc was not recorded: a regression run has mae" in floor.reasons


def test_each_gate_has_a_setting_of_its_name() -> None:
    assert set(NAMES) | {"others"} == set(StageGates.model_fields)
    assert len(NAMES) == len(set(NAMES)) == len(GATES)
