"""Every check of procedure keeps the contract of handed-over evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.checks.as601_test_used_for_tuning import TuningByTest
from assay.checks.as602_stale_test_set import StaleTestSet
from assay.checks.as603_single_seed_claim import SingleSeedClaim
from assay.checks.as604_gain_inside_noise import GainInsideNoise
from assay.checks.as605_metric_direction import MetricDirection
from assay.checks.as606_accuracy_of_rare_class import AccuracyOfRareClass
from assay.checks.as607_miscalibrated import Miscalibrated
from assay.checks.as608_weak_segment_of_predictions import WeakSegmentOfPredictions
from assay.checks.as609_no_baseline import NoBaseline
from assay.checks.as610_training_rows_reported import TrainingRowsReported
from assay.checks.as611_unwatched_training import UnwatchedTraining
from assay.checks.as612_absolute_path import AbsolutePath
from assay.checks.as613_single_metric import SingleMetric
from assay.data.schema import Task
from tests.checks.answering import CLASSES, beside, chosen_by_test, handed, record, spoiled
from tests.contracts.handed import Handed, HandedContract

CLASSIFIED = (Task.BINARY, Task.MULTICLASS)


class TestTuningByTest(HandedContract):
    check = TuningByTest()

    def honest(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())

    def planted(self, task: Task) -> Handed:
        return handed(task, n=200, log=chosen_by_test(record(tested=30, seed=1)))


class TestStaleTestSet(HandedContract):
    check = StaleTestSet()

    def honest(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())

    def planted(self, task: Task) -> Handed:
        return handed(task, n=200, log=record(tested=30))


class TestSingleSeedClaim(HandedContract):
    check = SingleSeedClaim()

    def honest(self, task: Task) -> Handed:
        return beside(task, 0.1, seeds=5)

    def planted(self, task: Task) -> Handed:
        return beside(task, 0.01, seeds=1)


class TestGainInsideNoise(HandedContract):
    check = GainInsideNoise()

    def honest(self, task: Task) -> Handed:
        return beside(task, 0.15, seeds=5)

    def planted(self, task: Task) -> Handed:
        return beside(task, 0.0, seeds=3)


class TestMetricDirection(HandedContract):
    check = MetricDirection()

    def honest(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())

    def planted(self, task: Task) -> Handed:
        return handed(task, n=200, log=record(metric="log_loss"))


class TestAccuracyOfRareClass(HandedContract):
    check = AccuracyOfRareClass()
    tasks = CLASSIFIED

    def honest(self, task: Task) -> Handed:
        return handed(task, metric="accuracy")

    def planted(self, task: Task) -> Handed:
        """One class in twenty rows, and answers that never name it."""
        honest, classes = handed(task, metric="accuracy"), CLASSES[task]
        rare = np.random.default_rng(0).random(len(honest.test)) < 0.05
        truth = np.where(rare, classes[1], classes[0])
        found = spoiled(honest, y_true=truth, pred=classes[0])
        return replace(found, test=honest.test.assign(y=truth))


class TestMiscalibrated(HandedContract):
    check = Miscalibrated()
    tasks = CLASSIFIED

    def honest(self, task: Task) -> Handed:
        return handed(task)

    def planted(self, task: Task) -> Handed:
        """Probabilities that are far too sure of themselves."""
        honest = handed(task)
        names = [f"proba_{each}" for each in CLASSES[task]]
        raised = honest.given["predictions"][names].to_numpy() ** 4
        said = raised / raised.sum(axis=1, keepdims=True)
        return spoiled(honest, **{name: said[:, k] for k, name in enumerate(names)})


class TestWeakSegmentOfPredictions(HandedContract):
    check = WeakSegmentOfPredictions()

    def honest(self, task: Task) -> Handed:
        return handed(task)

    def planted(self, task: Task) -> Handed:
        """Blue rows are answered as their opposites."""
        honest = handed(task)
        answers, blue = honest.given["predictions"], (honest.test["kind"] == "blue").to_numpy()
        if task is Task.REGRESSION:
            return spoiled(honest, pred=answers["pred"].where(~blue, -answers["pred"]))
        names = [f"proba_{each}" for each in CLASSES[task]]
        said = answers[names].to_numpy()
        said = np.where(blue[:, None], said[:, np.roll(np.arange(len(names)), 1)], said)
        decided = np.array(CLASSES[task], dtype=object)[said.argmax(axis=1)]
        return spoiled(honest, pred=decided, **{n: said[:, k] for k, n in enumerate(names)})


class TestNoBaseline(HandedContract):
    check = NoBaseline()

    def honest(self, task: Task) -> Handed:
        return handed(task)

    def planted(self, task: Task) -> Handed:
        """Answers in another order than the rows."""
        honest = handed(task)
        names = [each for each in honest.given["predictions"] if each != "y_true"]
        mixed = honest.given["predictions"][names].sample(frac=1, random_state=0)
        return spoiled(honest, **{name: mixed[name].to_numpy() for name in names})


class TestTrainingRowsReported(HandedContract):
    check = TrainingRowsReported()

    def honest(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())

    def planted(self, task: Task) -> Handed:
        return handed(task, n=200, log=record(reported={"split": "train", "auc": 0.99}))


class TestUnwatchedTraining(HandedContract):
    check = UnwatchedTraining()

    def honest(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())

    def planted(self, task: Task) -> Handed:
        runs = [{"run": 1, "params": {"lr": 0.1, "epochs": 90}, "val_auc": 0.8}]
        return handed(task, n=200, log={"metric": "auc", "runs": runs})


class TestAbsolutePath(HandedContract):
    check = AbsolutePath()

    def honest(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())

    def planted(self, task: Task) -> Handed:
        runs = [{"run": 1, "params": {"source": "/home/ada/rows.csv"}, "val_auc": 0.8}]
        return handed(task, n=200, log={"metric": "auc", "runs": runs})


class TestSingleMetric(HandedContract):
    check = SingleMetric()

    def honest(self, task: Task) -> Handed:
        runs = [{"run": n, "val_auc": 0.8, "val_recall": 0.5} for n in range(3)]
        return handed(task, n=200, log={"metric": "auc", "runs": runs})

    def planted(self, task: Task) -> Handed:
        return handed(task, n=200, log=record())
