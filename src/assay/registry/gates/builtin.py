"""The gates that Assay has, in an explicit list."""

from __future__ import annotations

from assay.registry.gates.age import DataAge
from assay.registry.gates.base import Gate
from assay.registry.gates.baselines import BeatsBaselines
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

GATES: tuple[Gate, ...] = (
    NoOpenFinding(),
    BeatsBaselines(),
    BesideChampion(),
    MetricFloor(),
    WorstSegment(),
    Fairness(),
    Calibrated(),
    Latency(),
    Memory(),
    Size(),
    Reproduced(),
    DataAge(),
    CardFilled(),
)
NAMES: tuple[str, ...] = tuple(gate.name for gate in GATES)
"""Each is also the name of its setting in `StageGates`."""
