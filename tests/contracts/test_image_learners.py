"""Learners of images keep the contract as well, on images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.data.dataset import Part
from assay.data.preparation import Prepared, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.learners.builtin import make_learner
from assay.learners.networks import NetworkLearner
from tests.contracts.learners import LearnerContract

FIXED = {"precision": "fp32", "threads": 1, "channels_last": False, "loader_workers": 0}
"""What would be measured: another choice gives other bits."""


def pictures(task: Task, n: int = 120) -> pd.DataFrame:
    """Grey squares on black, whose place and shade say something about the target."""
    random = np.random.default_rng(0)
    shade, place = random.integers(60, 250, n), random.integers(0, 5, n)
    images = random.integers(0, 40, size=(n, 8, 8))
    for image, value, left in zip(images, shade, place, strict=True):
        image[2:6, left : left + 3] = value
    target = {
        Task.BINARY: np.where(place > 2, "yes", "no"),
        Task.MULTICLASS: np.select([place > 3, place > 1], ["high", "middle"], "low"),
        Task.REGRESSION: shade * 10.0 + place,
    }
    return pd.DataFrame({"image": list(images), "y": target[task]})


class TestResNet(LearnerContract):
    def learner(self) -> NetworkLearner:
        made = make_learner("resnet", {"widths": [4, 8]})
        assert isinstance(made, NetworkLearner)
        return made.with_training({"epochs": 2, "batch_size": 32, **FIXED})

    def table(self, task: Task) -> pd.DataFrame:
        return pictures(task)

    def prepared(self, task: Task) -> Prepared:
        settings = DataSettings(source="table", target="y", task=task)
        return prepare(from_frame(pictures(task)), settings, "table")

    def test_unknown_levels_and_gaps_are_predicted(self, parts: tuple[Part, Part]) -> None:
        """A row without an image is no row to predict; see tests/learners/test_images.py."""
