"""The checks of columns, of labels and of how many rows there are keep the contracts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from assay.checks.as211_test_too_small import TestTooSmall as TooSmall
from assay.checks.as303_mixed_types import MixedTypes
from assay.checks.as304_unit_mix_up import UnitMixUp
from assay.checks.as305_label_noise import LabelNoise
from assay.checks.as306_high_cardinality import HighCardinality
from assay.checks.as307_imbalance import Imbalance
from assay.checks.as308_missing_values import MissingValues
from assay.checks.as309_placeholder_value import PlaceholderValue
from assay.data.schema import Task
from tests.contracts.checks import CheckContract
from tests.contracts.handed import Handed, HandedContract, parted
from tests.tables import table

CLASSES: Sequence[Task] = (Task.BINARY, Task.MULTICLASS)


def some(n: int, share: float) -> np.ndarray:
    """Which of n rows are picked at random, shape (n,)."""
    return np.random.default_rng(9).random(n) < share


class TestMixedTypes(CheckContract):
    check = MixedTypes()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        said = frame["a"].round(2).astype(str)
        return frame.assign(load=said.where(~some(len(frame), 0.05), "N/A"))


class TestUnitMixUp(CheckContract):
    check = UnitMixUp()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        mass = np.random.default_rng(1).normal(70, 8, len(frame))
        return frame.assign(mass=np.where(some(len(frame), 0.03), mass * 1000, mass))


class TestHighCardinality(CheckContract):
    check = HighCardinality()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        numbers = np.random.default_rng(1).integers(0, 400, len(frame))
        return frame.assign(street=[f"street {number}" for number in numbers])


class TestMissingValues(CheckContract):
    check = MissingValues()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        return frame.assign(c=frame["c"].where(~some(len(frame), 0.5)))


class TestPlaceholderValue(CheckContract):
    check = PlaceholderValue()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        return frame.assign(a=frame["a"].where(~some(len(frame), 0.05), -999.0))


class TestTooFewTestRows(HandedContract):
    check = TooSmall()

    def planted(self, task: Task) -> Handed:
        return parted(table(task, n=600), 0.05)


class TestImbalance(HandedContract):
    check = Imbalance()
    tasks = CLASSES

    def planted(self, task: Task) -> Handed:
        frame = table(task, n=600)
        first = "no" if task is Task.BINARY else "low"
        return parted(frame.assign(y=frame["y"].where(some(600, 0.08), first)))


class TestLabelNoise(HandedContract):
    check = LabelNoise()
    tasks = CLASSES

    def planted(self, task: Task) -> Handed:
        frame = table(task, n=1200)
        cut = [-np.inf, -0.4, 0.4, np.inf] if task is Task.MULTICLASS else [-np.inf, 0, np.inf]
        frame["y"] = pd.cut(frame["a"], cut, labels=list("uvw")[: len(cut) - 1]).astype(str)
        handed = parted(frame)
        flipped = some(len(handed.train), 0.12)
        turned = {"u": "v", "v": "u", "w": "u"}
        labels = handed.train["y"]
        noisy = handed.train.assign(y=labels.where(~flipped, labels.map(turned)))
        return Handed(noisy, handed.test)
