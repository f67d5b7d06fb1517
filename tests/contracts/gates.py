"""What every gate keeps: it judges what is recorded, and passes nothing that it cannot tell."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from assay.data.schema import Task
from assay.evaluation.result import Evaluation
from assay.registry.gates.base import Champion, Evidence, Gate, Verdict
from assay.run import Run


def nothing_recorded() -> Evidence:
    """Of a version beside a champion of which nothing is known."""
    return Evidence(
        reference="income/1",
        stage="production",
        run="income/linear",
        now=datetime.now(UTC),
        evaluation=Evaluation(Task.BINARY, "out-of-fold", 0, "roc_auc", {}, {}),
        baselines={},
        segments=None,
        findings=(),
        champion=Champion("income/0", reason="nothing is recorded of it"),
    )


class GateContract:
    """Subclass it: `gate` is a gate, `asked` something that may be asked of it."""

    passes_nothing_recorded = False
    """Whether it passes a version of which nothing is recorded: where no news is good news."""

    @pytest.fixture
    def gate(self) -> Gate:
        raise NotImplementedError

    @pytest.fixture
    def asked(self) -> Any:
        raise NotImplementedError

    @pytest.fixture
    def recorded(self) -> Evidence:
        """Evidence of a real run."""
        raise NotImplementedError

    def test_it_is_a_gate_with_a_name(self, gate: Gate) -> None:
        assert isinstance(gate, Gate)
        assert gate.name

    def test_it_says_nothing_where_nothing_is_asked(self, gate: Gate, recorded: Evidence) -> None:
        assert gate(recorded, None) is None

    def test_its_verdict_has_reasons_and_goes_into_the_audit_log(
        self, gate: Gate, asked: Any, recorded: Evidence
    ) -> None:
        verdict = gate(recorded, asked)
        assert isinstance(verdict, Verdict)
        assert verdict.gate == gate.name
        assert verdict.asked
        assert verdict.reasons
        assert all(isinstance(each, str) and each.strip() for each in verdict.reasons)
        assert json.loads(json.dumps(verdict.as_dict()))["reasons"] == list(verdict.reasons)

    def test_it_judges_alike_whenever_it_is_asked(
        self, gate: Gate, asked: Any, recorded: Evidence
    ) -> None:
        before = copy.deepcopy(recorded)
        first, second = gate(recorded, asked), gate(recorded, asked)
        assert first is not None
        assert second is not None
        assert first.as_dict() == second.as_dict()
        assert recorded == before

    def test_what_is_not_recorded_does_not_pass(self, gate: Gate, asked: Any) -> None:
        verdict = gate(nothing_recorded(), asked)
        assert verdict is not None
        assert (verdict.passed is True) == self.passes_nothing_recorded
        assert verdict.word == ("passed" if self.passes_nothing_recorded else "cannot tell")


def evidence_of(run: Run) -> Mapping[str, Any]:
    """What of a run's record gates look at, without a store."""
    return {
        "evaluation": run.latest,
        "baselines": {each.name: each.gain for each in run.baselines},
        "segments": run.latest_segments,
        "findings": run.findings,
    }
