"""Learners of texts keep the contract as well, on texts, one at a time and in pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
from tests.tiny_transformer import FIXED, texts


class TextContract(LearnerContract):
    options: dict[str, object] = {}

    @pytest.fixture(autouse=True)
    def given(self, tiny_transformer: Path) -> None:
        self.folder = tiny_transformer

    def learner(self) -> NetworkLearner:
        options = {"model": str(self.folder), "max_length": 32, **self.options}
        made = make_learner("text", options)
        assert isinstance(made, NetworkLearner)
        return made.with_training({"epochs": 2, "batch_size": 32, "phases": (), **FIXED})

    def table(self, task: Task) -> pd.DataFrame:
        return texts(task)

    def target(self, task: Task) -> str:
        return "y"

    def prepared(self, task: Task) -> Prepared:
        settings = DataSettings(source="table", target="y", task=task)
        return prepare(from_frame(self.table(task)), settings, "table")

    def test_unknown_levels_and_gaps_are_predicted(self, parts: tuple[Part, Part]) -> None:
        features = parts[1].features.copy()
        name = features.columns[0]
        features[name] = features[name].astype(object)
        features.iloc[0, 0], features.iloc[1, 0], features.iloc[2, 0] = None, "", "of unknown words"
        predicted = self.fitted(parts).predict(features)
        given = predicted.probabilities if predicted.classes is not None else predicted.values
        assert np.isfinite(given).all()


class TestText(TextContract):
    learns = False


class TestWindowsOfText(TextContract):
    tasks = (Task.BINARY,)
    options = {"max_length": 12, "long": "windows"}


class TestAdapters(TextContract):
    tasks = (Task.MULTICLASS,)
    options = {"strategy": "lora"}


class TestPairsOfTexts(TextContract):
    tasks = (Task.BINARY,)

    def table(self, task: Task) -> pd.DataFrame:
        frame = texts(task)
        return frame.assign(second=frame["text"].iloc[::-1].to_numpy())
