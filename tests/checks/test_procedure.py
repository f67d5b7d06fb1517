"""What the checks of procedure say: when firmly, when as a question, and when nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

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
from assay.checks.as612_absolute_path import AbsolutePath, absolute_paths
from assay.checks.as613_single_metric import SingleMetric
from assay.checks.base import Check
from assay.data.schema import Task
from assay.findings import Finding, NotApplicable, Severity
from tests.checks.answering import (
    CLASSES,
    beside,
    chosen_by_test,
    handed,
    probabilities,
    record,
    spoiled,
)
from tests.contracts.handed import Handed, look_at, view_of_handed


def of_log(check: Check, log: dict[str, Any], **given: Any) -> Sequence[Finding]:
    return look_at(check, handed(Task.BINARY, n=200, log=log, **given), Task.BINARY)


def severities(found: Sequence[Finding]) -> list[Severity]:
    return [each.severity for each in found]


class TestTuning:
    def test_the_best_of_many_by_its_test_score_was_chosen_by_it(self) -> None:
        log = chosen_by_test(record(tested=30, seed=1))
        [found] = of_log(TuningByTest(), log)
        assert found.severity is Severity.WARN
        assert f"run {log['selected_run']} is the best of 30 settings" in found.title
        assert found.evidence["chance if choice and test had nothing in common"] == round(1 / 30, 4)
        assert "above its validation score" in (found.effect or "")

    def test_of_few_settings_it_asks_and_of_fewer_it_says_nothing(self) -> None:
        asked = {
            n: [
                severities(of_log(TuningByTest(), chosen_by_test(record(n, seed, tested=n))))
                for seed in range(12)
            ]
            for n in (4, 8)
        }
        assert not any(asked[4])
        assert {tuple(each) for each in asked[8]} == {(Severity.ASK,), ()}

    def test_a_choice_by_validation_is_honest_however_many_are_tested(self) -> None:
        for seed in range(10):
            assert of_log(TuningByTest(), record(tested=30, seed=seed)) == []

    @pytest.mark.parametrize(("n", "severity"), [(8, Severity.ASK), (30, Severity.WARN)])
    def test_without_validation_scores_it_is_firm_of_many_only(
        self, n: int, severity: Severity
    ) -> None:
        log = chosen_by_test(record(n, seed=3, tested=n))
        bare = [{k: v for k, v in each.items() if k != "val_auc"} for each in log["runs"]]
        [found] = of_log(TuningByTest(), {**log, "runs": bare})
        assert found.severity is severity
        unnamed = {k: v for k, v in log.items() if k != "selected_run"} | {"runs": bare}
        assert severities(of_log(TuningByTest(), unnamed)) == [severity]

    def test_less_is_better_of_losses(self) -> None:
        log = record(tested=30, seed=1)
        runs = [
            {"run": each["run"], "params": each["params"], "val_loss": 1 - each["val_auc"],
             "test_loss": 1 - each["test_auc"]}
            for each in log["runs"]
        ]  # fmt: skip
        best = min(runs, key=lambda each: each["test_loss"])
        told = {"metric": "loss", "selected_run": best["run"], "runs": runs}
        assert severities(of_log(TuningByTest(), told)) == [Severity.WARN]


class TestStale:
    @pytest.mark.parametrize(
        ("looks", "severity"), [(2, Severity.NOTE), (4, Severity.NOTE), (5, Severity.WARN)]
    )
    def test_few_looks_are_a_note(self, looks: int, severity: Severity) -> None:
        runs = [{"run": n, "params": {"lr": n}, "test_auc": 0.8} for n in range(looks)]
        [found] = of_log(StaleTestSet(), {"metric": "auc", "runs": runs})
        assert found.severity is severity
        assert f"looked at {looks} times" in found.title

    def test_it_says_how_much_wider_intervals_must_be(self) -> None:
        [found] = of_log(StaleTestSet(), record(tested=30))
        assert "must be read at" in (found.effect or "")
        assert found.evidence["looks"] in (30, 31)
        assert found.evidence["days from the first to the last"] > 20

    def test_a_ledger_counts_too(self) -> None:
        [found] = of_log(StaleTestSet(), {"metric": "auc", "runs": [], "looks": 12})
        assert found.severity is Severity.WARN
        assert of_log(StaleTestSet(), {"metric": "auc", "runs": [], "looks": 1}) == []


class TestClaims:
    def test_one_seed_is_asked_about_where_the_rows_show_the_gain(self) -> None:
        told = beside(Task.BINARY, 0.2, seeds=1)
        [found] = look_at(SingleSeedClaim(), told, Task.BINARY)
        assert found.severity is Severity.ASK
        assert found.title == "b is said to be better than a from one seed of each."
        assert look_at(GainInsideNoise(), told, Task.BINARY) == []

    @pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
    def test_a_gain_of_nothing_is_inside_noise(self, task: Task) -> None:
        for seeds in (1, 4):
            [found] = look_at(GainInsideNoise(), beside(task, 0.0, seeds), task)
            assert found.severity is Severity.WARN
            assert found.title in (
                "That b is better than a is within noise.",
                "a is better than b, not the reverse.",
            )
            assert ("McNemar" in found.evidence) == (seeds == 1 and task is not Task.REGRESSION)

    def test_a_claim_the_wrong_way_round_is_told_as_such(self) -> None:
        told = beside(Task.BINARY, 0.2, seeds=3, claim="A outperforms B")
        [found] = look_at(GainInsideNoise(), told, Task.BINARY)
        assert found.title == "b is better than a, not the reverse."
        worse = beside(Task.BINARY, 0.2, seeds=3, claim="A is worse than B")
        assert look_at(GainInsideNoise(), worse, Task.BINARY) == []

    def test_no_claim_no_alarm(self) -> None:
        for claim in ("", "B is not better than A", "both are fine"):
            told = beside(Task.BINARY, 0.0, seeds=1, claim=claim)
            assert look_at(SingleSeedClaim(), told, Task.BINARY) == []
            assert look_at(GainInsideNoise(), told, Task.BINARY) == []

    def test_scores_of_others_are_not_taken_for_the_answers(self) -> None:
        told = beside(Task.BINARY, 0.0, seeds=1, claim="new beats old")
        answers = told.given["predictions"]
        answers = answers.assign(pred_c=answers["pred_a"])
        log = {**told.given["log"], "old": [0.8, 0.81], "new": [0.9, 0.91]}
        three = replace(told, given={"predictions": answers, "log": log})
        assert look_at(GainInsideNoise(), three, Task.BINARY) == []
        assert look_at(SingleSeedClaim(), three, Task.BINARY) == []

    def test_scores_by_seed_do_without_answers(self) -> None:
        random = np.random.default_rng(0)
        noise = random.normal(scale=0.01, size=(2, 5))
        for gain, alarms in ((0.0, 1), (0.1, 0)):
            scores = {"old": list(0.8 + noise[0]), "new": list(0.8 + gain + noise[1])}
            log = {"metric": "auc", "claim": "new beats old", **scores}
            assert len(of_log(GainInsideNoise(), log)) == alarms
            assert of_log(SingleSeedClaim(), log) == []
            fewer = log | {"old": scores["old"][:3]}
            assert len(of_log(GainInsideNoise(), fewer)) == alarms
        loss = {"metric": "loss", "claim": "new beats old", "old": [0.5, 0.51], "new": [0.2, 0.21]}
        assert of_log(GainInsideNoise(), loss) == []

    def test_one_score_each_is_one_seed_each(self) -> None:
        log = {"metric": "auc", "claim": "B better than A", "A": [0.81], "B": [0.84]}
        [found] = of_log(SingleSeedClaim(), log)
        assert found.severity is Severity.WARN
        view = view_of_handed(handed(Task.BINARY, n=200, log=log), Task.BINARY)
        assert isinstance(GainInsideNoise()(view, {}), NotApplicable)

    def test_runs_that_the_claim_names_are_its_scores(self) -> None:
        runs = [
            {"run": f"{model}-{seed}", "params": {"model": model, "seed": seed},
             "test_auc": 0.8 + 0.001 * seed + (0.05 if model == "deep" else 0)}
            for model in ("wide", "deep") for seed in range(5)
        ]  # fmt: skip
        log = {"metric": "auc", "claim": "deep is better than wide", "runs": runs}
        assert of_log(SingleSeedClaim(), log) == []
        assert of_log(GainInsideNoise(), log) == []
        assert len(of_log(SingleSeedClaim(), log | {"runs": runs[::5]})) == 1


class TestDirection:
    @pytest.mark.parametrize("metric", ["log_loss", "rmse", "val_mae"])
    def test_a_loss_is_not_to_be_maximized(self, metric: str) -> None:
        [found] = of_log(MetricDirection(), record(metric=metric))
        assert found.severity is Severity.WARN
        assert "less is better" in found.title
        assert found.mend.startswith('"direction": "minimize"')

    def test_the_worst_run_of_many_is_asked_about(self) -> None:
        log = record()
        worst = min(log["runs"], key=lambda each: each["val_auc"])["run"]
        told = {k: v for k, v in log.items() if k != "direction"} | {"selected_run": worst}
        [found] = of_log(MetricDirection(), told)
        assert found.severity is Severity.ASK
        assert f"Run {worst} was chosen, which is the worst of 30" in found.title
        few = {**told, "runs": [each for each in log["runs"] if each["run"] % 5 == worst % 5]}
        assert of_log(MetricDirection(), few) == []

    def test_a_metric_nobody_knows_goes_the_way_that_is_said(self) -> None:
        assert of_log(MetricDirection(), record(metric="index")) == []


class TestAccuracy:
    def rare(self, share: float, found: float, metric: str = "accuracy") -> Handed:
        """A share of rows is of the rarer class, of which a part is found; no false alarms."""
        honest = handed(Task.BINARY, metric=metric)
        random = np.random.default_rng(0)
        truth = random.random(len(honest.test)) < share
        pred = truth & (random.random(len(truth)) < found)
        labels = np.array(["no", "yes"])
        spoilt = spoiled(honest, y_true=labels[truth * 1], pred=labels[pred * 1])
        return replace(spoilt, test=honest.test.assign(y=labels[truth * 1]))

    @pytest.mark.parametrize(
        ("share", "found", "severity"),
        [
            (0.04, 0.0, [Severity.WARN]),
            (0.15, 0.0, [Severity.WARN]),
            (0.04, 0.3, [Severity.ASK]),
            (0.04, 0.9, []),
            (0.15, 0.3, []),
            (0.45, 0.0, []),
        ],
    )
    def test_it_is_firm_where_the_headline_says_nothing(
        self, share: float, found: float, severity: list[Severity]
    ) -> None:
        told = self.rare(share, found)
        assert severities(look_at(AccuracyOfRareClass(), told, Task.BINARY)) == severity

    def test_another_headline_is_no_matter(self) -> None:
        told = self.rare(0.04, 0.0, metric="average_precision")
        assert look_at(AccuracyOfRareClass(), told, Task.BINARY) == []

    def test_a_claim_alone_is_held_against_the_test_rows(self) -> None:
        told = self.rare(0.04, 0.0)
        for claim, n in (("accuracy of 95.9 %", 1), ("Accuracy=0.955", 1), ("accuracy 0.99", 0)):
            alone = replace(told, given={"metric": "accuracy", "claim": claim})
            assert len(look_at(AccuracyOfRareClass(), alone, Task.BINARY)) == n


class TestCalibration:
    @pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
    @pytest.mark.parametrize("sharper", [0.4, 2.5])
    def test_too_sure_and_not_sure_enough_are_told_apart(self, task: Task, sharper: float) -> None:
        honest = handed(task)
        frame = honest.test
        score = frame["a"] + 0.5 * frame["b"].fillna(0) + (frame["kind"] == "red")
        said = probabilities(score.to_numpy(), task, sharper)
        told = spoiled(honest, **{f"proba_{c}": said[:, k] for k, c in enumerate(CLASSES[task])})
        [found] = look_at(Miscalibrated(), told, task)
        assert found.severity is Severity.WARN
        assert ("too sure" if sharper > 1 else "not sure enough") in found.title

    def test_honest_probabilities_are_silent(self) -> None:
        for seed in range(20):
            assert look_at(Miscalibrated(), handed(Task.BINARY, 1000, seed), Task.BINARY) == []

    def test_a_trifle_that_many_rows_prove_is_a_note(self) -> None:
        honest = handed(Task.BINARY, n=40_000)
        said = np.clip(honest.given["predictions"]["proba_yes"] + 0.02, 0, 1)
        told = spoiled(honest, proba_yes=said, proba_no=1 - said)
        assert severities(look_at(Miscalibrated(), told, Task.BINARY)) == [Severity.NOTE]


class TestSegments:
    def failing(self, where: Any, **columns: Any) -> Handed:
        """Answers are turned round where `where` says."""
        honest = handed(Task.BINARY)
        turned = where(honest.test).to_numpy()
        said = honest.given["predictions"]["proba_yes"].to_numpy()
        said = np.where(turned, 1 - said, said)
        pred = np.where(said > 0.5, "yes", "no")
        return spoiled(honest, proba_yes=said, proba_no=1 - said, pred=pred, **columns)

    @pytest.mark.parametrize(
        ("where", "column"),
        [
            (lambda frame: frame["kind"] == "blue", "kind"),
            (lambda frame: frame["c"] > 1.2, "c"),
            (lambda frame: frame["b"].isna(), "b"),
            (lambda frame: frame["whole"].between(10, 13), "whole"),
        ],
    )
    def test_a_level_a_range_and_a_gap_are_named_with_their_rows(
        self, where: Any, column: str
    ) -> None:
        told = self.failing(where)
        [found] = look_at(WeakSegmentOfPredictions(), told, Task.BINARY)
        assert (found.severity, found.columns) == (Severity.WARN, (column,))
        truly, named = set(np.flatnonzero(where(told.test))), set(found.rows["test"])
        assert 2 * len(truly & named) / (len(truly) + len(named)) > 0.85

    def test_columns_beside_the_answers_are_looked_at_without_the_test_rows(self) -> None:
        told = self.failing(lambda frame: frame["kind"] == "blue")
        region = np.where(told.test["kind"] == "blue", "north", "south")
        answers = told.given["predictions"].assign(region=region).sample(frac=1, random_state=0)
        mixed = replace(told, given={"predictions": answers})
        [found] = look_at(WeakSegmentOfPredictions(), mixed, Task.BINARY)
        assert (found.columns, found.rows) == (("region",), {})

    def test_rows_that_are_hard_by_nature_are_no_failing(self) -> None:
        """Rows of one kind have no signal at all, and the model knows it."""
        honest = handed(Task.BINARY)
        hard = (honest.test["kind"] == "blue").to_numpy()
        said = np.where(hard, 0.5, honest.given["predictions"]["proba_yes"])
        drawn = np.random.default_rng(0).random(len(said)) < said
        truth = np.where(hard, np.where(drawn, "yes", "no"), honest.test["y"])
        told = spoiled(honest, y_true=truth, proba_yes=said, proba_no=1 - said)
        told = replace(told, test=honest.test.assign(y=truth))
        assert look_at(WeakSegmentOfPredictions(), told, Task.BINARY) == []

    def test_without_probabilities_it_asks(self) -> None:
        told = self.failing(lambda frame: frame["kind"] == "blue")
        bare = told.given["predictions"][["y_true", "pred"]]
        told = replace(told, given={"predictions": bare})
        [found] = look_at(WeakSegmentOfPredictions(), told, Task.BINARY)
        assert found.severity is Severity.ASK


class TestBaseline:
    def test_a_baseline_that_is_not_beaten_is_asked_about(self) -> None:
        gains = [{"name": "prior", "gain": 0.01, "low": -0.02, "high": 0.04},
                 {"name": "linear", "gain": 0.01, "low": -0.02, "high": 0.04},
                 {"name": "mean", "gain": 0.2, "low": 0.1, "high": 0.3}]  # fmt: skip
        found = of_log(NoBaseline(), {"metric": "auc", "runs": [], "baselines": gains})
        assert severities(found) == [Severity.ASK, Severity.NOTE]
        assert "prior" in found[0].title

    def test_a_record_without_one_is_a_note(self) -> None:
        log = record()
        assert severities(of_log(NoBaseline(), log)) == [Severity.NOTE]
        log["runs"].append({"run": "dummy", "val_auc": 0.5})
        assert of_log(NoBaseline(), log) == []


class TestTrainingRows:
    def test_answers_to_the_training_rows_are_known_by_their_truth(self) -> None:
        told = handed(Task.BINARY, n=300)
        own = pd.DataFrame({"y_true": told.train["y"], "pred": told.train["y"]})
        test = told.test.head(100)
        given = replace(told, test=test, given={"predictions": own})
        [found] = look_at(TrainingRowsReported(), given, Task.BINARY)
        assert found.severity is Severity.ASK  # they may be those of folds
        other = own.sample(frac=1, random_state=0)
        given = replace(told, test=test, given={"predictions": other})
        assert look_at(TrainingRowsReported(), given, Task.BINARY) == []

    def test_a_reported_score_that_is_the_training_one_is_found_out(self) -> None:
        runs = [{"run": 1, "train_auc": 0.99, "val_auc": 0.8}]
        log = {"metric": "auc", "selected_run": 1, "reported": {"auc": 0.99}, "runs": runs}
        [found] = of_log(TrainingRowsReported(), log)
        assert "0.990 on training rows and 0.800 on validation rows" in (found.effect or "")
        assert of_log(TrainingRowsReported(), log | {"reported": {"auc": 0.8}}) == []
        honest = {"split": "test", "auc": 0.99}
        assert of_log(TrainingRowsReported(), log | {"reported": honest}) == []


class TestSettings:
    def test_what_gradient_training_does_not_mention_is_a_note(self) -> None:
        runs = [{"run": n, "params": {"lr": 0.1, "epochs": 5}} for n in range(2)]
        [found] = of_log(UnwatchedTraining(), {"metric": "auc", "runs": runs})
        assert found.severity is Severity.NOTE
        assert len(found.evidence["not mentioned"]) == 5
        watched = {"lr_scheduler": "cosine", "early_stopping_patience": 3, "max_grad_norm": 1,
                   "save_steps": 100, "logging_steps": 50}  # fmt: skip
        runs = [{"run": 1, "params": {"lr": "0.1", "epochs": 5, **watched}}]
        assert of_log(UnwatchedTraining(), {"metric": "auc", "runs": runs}) == []

    def test_batches_that_grow_at_one_rate_are_seen(self) -> None:
        watched = {"epochs": 1, "scheduler": 1, "patience": 1, "clip": 1, "ckpt": 1, "log_freq": 1}
        runs = [{"run": b, "params": {"batch_size": b, "lr": 0.1, **watched}} for b in (32, 256)]
        [found] = of_log(UnwatchedTraining(), {"metric": "auc", "runs": runs})
        assert found.evidence == {"batch sizes": [32, 256], "rate": 0.1}
        assert "0.8 for 256" in found.mend
        runs[1]["params"]["lr"] = 0.8
        assert of_log(UnwatchedTraining(), {"metric": "auc", "runs": runs}) == []

    def test_other_learners_are_not_asked(self) -> None:
        assert of_log(UnwatchedTraining(), record()) == []

    @pytest.mark.parametrize(
        ("value", "is_absolute"),
        [
            ("/home/ada/rows.csv", True),
            ("C:\\data\\rows.csv", True),
            ("~/rows.csv", True),
            ("file:///srv/data/rows.csv", True),
            ("rows.csv", False),
            ("../data/rows.csv", False),
            ("https://host/data/rows.csv", False),
            ("s3://bucket/rows.csv", False),
            ("${DATA}/rows.csv", False),
            ("/", False),
            ("and/or", False),
            (3, False),
        ],
    )
    def test_paths_of_one_machine_are_told_from_others(self, value: Any, is_absolute: bool) -> None:
        found = absolute_paths({"data.source": value})
        assert severities(found) == [Severity.NOTE] * is_absolute
        runs = [{"run": 1, "params": {"data_path": value}}]
        assert len(of_log(AbsolutePath(), {"metric": "auc", "runs": runs})) == is_absolute

    def test_one_metric_is_a_note_and_two_are_none(self) -> None:
        assert severities(of_log(SingleMetric(), record())) == [Severity.NOTE]
        log = record()
        log["runs"][0]["val_loss"] = 0.5
        assert of_log(SingleMetric(), log) == []
