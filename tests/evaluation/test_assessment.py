"""An assessment carries weights, clusters and the order of folds to all that it measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.data.schema import Task
from assay.errors import ExperimentError
from assay.evaluation.assessment import Assessment, assess, importance_of
from assay.evaluation.evaluate import check_settings
from assay.evaluation.resampled import over_fits
from assay.evaluation.settings import EvaluationSettings
from assay.predictions import Predictions
from tests.tables import prepared

N = 600


def test_what_a_metric_needs_of_classes_is_told_before_anything_is_fitted() -> None:
    asked = EvaluationSettings(primary="top_5_accuracy")
    assert check_settings(asked, Task.MULTICLASS, 11) == "top_5_accuracy"
    with pytest.raises(ExperimentError) as told:
        check_settings(asked, Task.MULTICLASS, 10)
    assert "which is for 11 classes and more, and there are 10." in str(told.value)
    assert told.value.mend == "evaluation: {primary: top_2_accuracy}"


def predicted(seed: int, noise: float, truth: np.ndarray, classes: np.ndarray) -> Predictions:
    random = np.random.default_rng(seed)
    logits = (np.eye(len(classes))[truth] + random.normal(size=(N, len(classes))) * noise) * 2
    said = np.exp(logits)
    said /= said.sum(axis=1, keepdims=True)
    return Predictions(np.arange(N), probabilities=said, classes=classes)


def assessed(task: Task, target_seed: int = 0, **given: object) -> tuple[Assessment, np.ndarray]:
    schema = prepared(task).schema
    truth = np.random.default_rng(target_seed).integers(0, len(schema.classes), N)
    own, rival = (predicted(1, noise, truth, schema.class_array) for noise in (0.8, 2.0))
    folds = np.arange(N) * 4 // N
    found = assess(
        [(own, folds), (own, folds)],
        {"rival": rival},
        schema.class_array[truth],
        schema,
        settings=EvaluationSettings(resamples=200, calibration="sigmoid"),
        primary="log_loss",
        learner="own",
        **given,
    )
    return found, truth


def test_weights_reach_metrics_thresholds_and_the_confusion() -> None:
    weights = np.random.default_rng(0).gamma(1, 2, N)
    found, truth = assessed(Task.BINARY, weights=weights)
    outcome, evaluation = found.judged.outcome, found.judged.evaluation
    expected = sk.log_loss(truth, outcome.probabilities, sample_weight=weights)
    assert evaluation.metrics["log_loss"].value == pytest.approx(expected, abs=1e-12)
    assert found.seeds[1] == found.seeds[0]
    assert evaluation.metrics["accuracy"].method == "bootstrap"
    assert sum(evaluation.support.values()) == N
    matrix = sk.confusion_matrix(truth, outcome.decided, sample_weight=weights / weights.mean())
    np.testing.assert_allclose(evaluation.confusion, matrix, atol=0.5)
    plain, _ = assessed(Task.BINARY)
    assert found.threshold.value != plain.threshold.value


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_clusters_reach_intervals_and_differences(task: Task) -> None:
    found, _ = assessed(task, clusters=np.arange(N) // 10)
    assert found.judged.evaluation.headline.method == "cluster bootstrap"
    assert found.gains["rival"].estimate.method == "paired cluster bootstrap"
    few, _ = assessed(task, clusters=np.arange(N) // 50)
    assert few.judged.evaluation.headline.reason == "only 12 groups"
    assert few.gains["rival"].better is None


@pytest.mark.parametrize(
    ("task", "metric"), [(Task.BINARY, "roc_auc"), (Task.MULTICLASS, "roc_auc_ovr")]
)
def test_a_fold_without_a_class_has_no_value_of_its_own(task: Task, metric: str) -> None:
    schema = prepared(task).schema
    folds = np.arange(N) * 4 // N
    truth = np.random.default_rng(0).integers(0, len(schema.classes), N)
    truth[folds == 2] = 0
    own = predicted(1, 0.8, truth, schema.class_array)
    found = assess(
        [(own, folds)], {}, schema.class_array[truth], schema,
        settings=EvaluationSettings(resamples=200, calibration="none"), primary=metric,
        learner="own",
    )  # fmt: skip
    [values] = found.by_fold
    assert np.isnan(values).tolist() == [False, False, True, False]
    assert np.isfinite(found.judged.evaluation.headline.value)
    compared = over_fits([values], [values], n=N, level=0.95).estimate
    assert (compared.value, compared.reason) == (0.0, "it is not defined in every fold")


def test_no_future_in_ordered_folds() -> None:
    folds = np.arange(N) * 4 // N
    schema = prepared(Task.BINARY).schema
    truth = np.random.default_rng(0).integers(0, 2, N)
    own = predicted(1, 0.8, truth, schema.class_array)
    outcomes = []
    for known in (truth, np.where(folds < 2, truth, 1 - truth)):
        found = assess(
            [(own, folds)], {}, schema.class_array[known], schema,
            settings=EvaluationSettings(resamples=200, calibration="sigmoid"),
            primary="log_loss", learner="own", ordered=True,
        )  # fmt: skip
        outcomes.append(found.judged.outcome)
    past, same = folds < 3, np.testing.assert_array_equal
    same(outcomes[0].probabilities[past], outcomes[1].probabilities[past])
    same(outcomes[0].decided[past], outcomes[1].decided[past])
    same(outcomes[0].probabilities[folds == 0], own.probabilities[folds == 0])
    assert not np.array_equal(outcomes[0].probabilities, outcomes[1].probabilities)


def test_importance_is_weighted_and_drawn_by_cluster() -> None:
    schema = prepared(Task.REGRESSION).schema
    random = np.random.default_rng(0)
    target = random.normal(size=N)
    plain = Predictions(np.arange(N), values=target + random.normal(size=N) * 0.1)
    broken = replace(plain, values=np.where(np.arange(N) < 300, 0.0, plain.values))
    for share, weights in ((0.0, np.arange(N) >= 300), (1.0, np.arange(N) < 300)):
        [worth] = importance_of(
            {(): plain, ("a",): broken}, target, schema, metric="mae", level=0.95,
            weights=weights.astype(float), clusters=np.arange(N) // 10,
        )  # fmt: skip
        if share == 1.0:
            assert worth.drop.method == "paired cluster bootstrap"
        else:
            assert worth.drop.reason == "it is the same whichever of these rows are drawn"
        assert (worth.drop.value > 0.1) == (share == 1.0)


def test_some_rows_keep_their_weights_and_clusters() -> None:
    found, _ = assessed(Task.BINARY, weights=np.arange(N) / 7, clusters=np.arange(N) // 10)
    some = found.judged.outcome.on_rows([3, 50, 599])
    assert some.weights.tolist() == [3 / 7, 50 / 7, 599 / 7]
    assert some.clusters.tolist() == [0, 5, 59]
    assert some.known_weights is some.weights


def test_importance_is_that_of_the_model_that_is_logged() -> None:
    found, truth = assessed(Task.BINARY)
    schema = prepared(Task.BINARY).schema
    own = predicted(1, 0.8, truth, schema.class_array)
    still = replace(own, probabilities=np.full((N, 2), 0.5))
    [worth] = importance_of(
        {(): own, ("a",): still}, schema.class_array[truth], schema, metric="f1", level=0.95,
        calibrated=found.calibrated, threshold=found.threshold,
    )  # fmt: skip
    said = found.calibrated.applied(own).probabilities[:, 1]
    assert not np.array_equal(said, own.probabilities[:, 1])
    flat = found.calibrated.applied(still).probabilities[:, 1]
    of_logged, of_flat = (
        sk.f1_score(truth, each >= found.threshold.value, zero_division=0) for each in (said, flat)
    )
    assert worth.drop.value == pytest.approx(of_logged - of_flat)


def test_what_says_the_same_of_a_fold_ranks_nothing() -> None:
    schema = prepared(Task.BINARY).schema
    truth = np.random.default_rng(0).integers(0, 2, N)
    folds = np.arange(N) * 4 // N
    share = np.array([truth[folds != fold].mean() for fold in range(4)])[folds]
    prior = Predictions(
        np.arange(N),
        probabilities=np.column_stack([1 - share, share]),
        classes=schema.class_array,
    )
    assert sk.roc_auc_score(truth, share) < 0.49
    found = assess(
        [(predicted(1, 0.8, truth, schema.class_array), folds)], {"prior": prior},
        schema.class_array[truth], schema, settings=EvaluationSettings(resamples=200),
        primary="roc_auc", learner="own",
    )  # fmt: skip
    shown = found.baselines["prior"].evaluation.metrics
    assert shown["roc_auc"].value == 0.5
    assert shown["log_loss"].value == pytest.approx(sk.log_loss(truth, prior.probabilities))
    auc = found.judged.evaluation.metrics["roc_auc"].value
    assert found.gains["prior"].estimate.value == pytest.approx(auc - 0.5)
    assert found.gains["prior"].better == "second"
