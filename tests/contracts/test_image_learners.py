"""Learners of images keep the contract as well, on images."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from assay.data.dataset import Part
from assay.data.preparation import Prepared, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.learners.builtin import make_learner
from assay.learners.networks import NetworkLearner
from tests.contracts.learners import LearnerContract
from tests.tiny_vision import FIXED, pictures


class ImageContract(LearnerContract):
    def table(self, task: Task) -> pd.DataFrame:
        return pictures(task)

    def target(self, task: Task) -> str:
        return "y"

    def prepared(self, task: Task) -> Prepared:
        settings = DataSettings(source="table", target="y", task=task)
        return prepare(from_frame(pictures(task)), settings, "table")

    def test_unknown_levels_and_gaps_are_predicted(self, parts: tuple[Part, Part]) -> None:
        """A row without an image is no row to predict; see tests/learners/test_images.py."""


class TestResNet(ImageContract):
    learns = False

    def learner(self) -> NetworkLearner:
        made = make_learner("resnet", {"widths": [4, 8]})
        assert isinstance(made, NetworkLearner)
        return made.with_training({"epochs": 2, "batch_size": 32, **FIXED})


class TestPretrained(ImageContract):
    tasks = (Task.MULTICLASS,)

    @pytest.fixture(autouse=True)
    def given(self, tiny_vision: Path) -> None:
        self.folder = tiny_vision

    def learner(self) -> NetworkLearner:
        made = make_learner("image", {"model": str(self.folder), "erase": 0.2})
        assert isinstance(made, NetworkLearner)
        return made.with_training({"epochs": 2, "batch_size": 32, **FIXED})
