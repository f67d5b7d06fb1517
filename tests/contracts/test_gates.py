"""Every gate keeps the contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import assay
from assay.data.schema import Task
from assay.registry.gates.base import Evidence, Gate
from assay.registry.gates.builtin import GATES, NAMES
from assay.registry.settings import FairnessLimits, LatencyLimits, SegmentLimits
from assay.tracking.memory import MemoryStore
from tests.contracts.gates import GateContract, evidence_of, nothing_recorded
from tests.tables import table

ASKED: dict[str, Any] = {
    "findings": "block",
    "baselines": "all",
    "champion": "better",
    "metrics": {"roc_auc": 0.6, "log_loss": 0.5},
    "segments": SegmentLimits(worst=0.6, gap=0.2),
    "fairness": FairnessLimits(
        demographic_parity=0.2, demographic_ratio=0.8, equalised_odds=0.2, odds_ratio=0.5
    ),
    "calibration": 0.1,
    "latency": LatencyLimits(p50_ms=1, p99_ms=2, batch_p50_ms=3, batch_p99_ms=4),
    "memory_mib": 100.0,
    "size_mib": 1.0,
    "reproduced": True,
    "data_days": 7.0,
    "card": True,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> assay.Run:
    folder = tmp_path_factory.mktemp("gates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_WORKSPACE", str(folder / "workspace"))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        return assay.train(
            table(Task.BINARY), target="y", learner="linear", store=MemoryStore(), workers=1,
            checks=[], settings={
                "name": "income", "training": {"seeds": 1}, "evaluation": {"resamples": 200},
                "data": {"roles": {"segments": ["kind"]}},
            },
        )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
class TestGates(GateContract):
    @pytest.fixture(autouse=True)
    def _passes(self, name: str) -> None:
        self.passes_nothing_recorded = name == "findings"

    @pytest.fixture
    def gate(self, name: str) -> Gate:
        [gate] = [each for each in GATES if each.name == name]
        return gate

    @pytest.fixture
    def asked(self, name: str) -> Any:
        return ASKED[name]

    @pytest.fixture
    def recorded(self, run: assay.Run) -> Evidence:
        return replace(nothing_recorded(), **evidence_of(run))
