"""Calibration, comparison: judged by rows that did not take part in the choice."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from assay.data.schema import Task
from assay.evaluation.calibration import calibrate
from assay.evaluation.comparison import independent, paired
from assay.evaluation.intervals import replicate
from assay.evaluation.outcome import Outcome
from assay.predictions import Predictions


def predictions(n: int, sharpness: float, classes: tuple, seed: int = 0) -> tuple:
    """Predictions that are too sharp or too dull, with the truth they were drawn from."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, len(classes))) * 1.5
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([random.choice(len(classes), p=row) for row in true])
    said = np.exp(logits * sharpness)
    said /= said.sum(axis=1, keepdims=True)
    labels = np.array(classes, dtype=object)
    scores = (logits * sharpness)[:, 1] - (logits * sharpness)[:, 0]
    given = scores if len(classes) == 2 else logits * sharpness
    return Predictions(np.arange(n), probabilities=said, classes=labels, scores=given), truth


def calibrated(pair: tuple, method: str, task: Task = Task.BINARY):
    folds = np.arange(len(pair[0])) % 5
    return calibrate(*pair, folds, method=method, task=task, level=0.95, resamples=200)


@pytest.mark.parametrize("classes", [("no", "yes"), ("yes", "no")])
def test_overconfident_probabilities_are_calibrated(classes: tuple[str, str]) -> None:
    pair = predictions(1500, 4.0, classes)
    done = calibrated(pair, "auto")
    assert done.method in ("sigmoid", "beta", "isotonic")
    assert "lowers the log loss by" in done.why
    before = sk.log_loss(pair[1], pair[0].probabilities)
    assert sk.log_loss(pair[1], done.predictions.probabilities) < before - 0.2
    np.testing.assert_allclose(done.predictions.probabilities.sum(axis=1), 1)


def test_good_probabilities_are_left_alone() -> None:
    pair = predictions(1500, 1.0, ("no", "yes"))
    done = calibrated(pair, "auto")
    assert (done.method, done.calibrator) == ("none", None)
    assert done.predictions is pair[0]
    assert "more than noise" in done.why


def test_temperature_is_for_several_classes() -> None:
    pair = predictions(1200, 3.0, ("a", "b", "c"))
    done = calibrated(pair, "auto", Task.MULTICLASS)
    assert done.method == "temperature"
    # A temperature keeps the order of the classes within each row.
    np.testing.assert_array_equal(
        done.predictions.probabilities.argmax(axis=1), pair[0].probabilities.argmax(axis=1)
    )


def test_too_few_rows_of_a_class_are_not_calibrated() -> None:
    pair = predictions(60, 4.0, ("no", "yes"))
    rare = np.concatenate([np.ones(10, dtype=int), np.zeros(50, dtype=int)])
    done = calibrated((pair[0], rare), "sigmoid")
    assert done.why == "none: the rarest class has only 10 rows"


def test_where_nothing_is_decided_wrong_nothing_is_calibrated() -> None:
    truth = np.arange(400) % 3
    said = np.full((400, 3), 0.1)
    said[np.arange(400), truth] = 0.8
    pair = Predictions(np.arange(400), probabilities=said, classes=np.array(["a", "b", "c"]))
    for method in ("auto", "temperature"):
        done = calibrated((pair, truth), method, Task.MULTICLASS)
        assert (done.method, done.why) == ("none", "none: only 0 rows are decided wrong")


def test_it_is_the_calibration_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(400, 3))
    target = np.where(features[:, 0] + random.normal(size=400) > 0, "yes", "no")
    model = LogisticRegression().fit(features[:200], target[:200])
    rest, labels = features[200:], target[200:]
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="sigmoid").fit(rest, labels)
    pair = Predictions(
        np.arange(200),
        probabilities=model.predict_proba(rest),
        classes=np.array(["no", "yes"], dtype=object),
        scores=model.decision_function(rest),
    )
    ours = calibrated((pair, (labels == "yes").astype(int)), "sigmoid")
    [fitted] = ours.calibrator.calibrated_classifiers_
    [reference] = theirs.calibrated_classifiers_
    assert fitted.calibrators[0].a_ == pytest.approx(reference.calibrators[0].a_)
    assert fitted.calibrators[0].b_ == pytest.approx(reference.calibrators[0].b_)


@pytest.mark.parametrize("method", ["sigmoid", "beta", "isotonic", "temperature"])
def test_a_row_of_weight_three_calibrates_as_three_rows(method: str) -> None:
    pair, truth = predictions(300, 3.0, ("no", "yes"))
    weights = np.random.default_rng(0).integers(1, 4, 300)
    often, folds = np.repeat(np.arange(300), weights), np.arange(300) % 5
    settings = {"method": method, "task": Task.BINARY, "level": 0.95, "resamples": 200}
    weighted = calibrate(pair, truth, folds, weights=weights.astype(float), **settings)
    repeated = calibrate(pair.take(often), truth[often], folds[often], **settings)
    np.testing.assert_allclose(
        weighted.predictions.probabilities[often],
        repeated.predictions.probabilities,
        # Platt's targets and the optimisers' ends depend a little on how rows are counted.
        atol=1e-3,
    )


def test_the_future_calibrates_nothing() -> None:
    pair, truth = predictions(600, 4.0, ("no", "yes"))
    folds = np.arange(600) // 150
    other = np.where(folds < 2, truth, 1 - truth)
    settings = {"method": "sigmoid", "task": Task.BINARY, "level": 0.95, "resamples": 200}
    first, second = (
        calibrate(pair, known, folds, ordered=True, **settings).predictions.probabilities
        for known in (truth, other)
    )
    np.testing.assert_array_equal(first[folds < 3], second[folds < 3])
    assert not np.array_equal(first[folds == 3], second[folds == 3])
    np.testing.assert_array_equal(first[folds == 0], pair.probabilities[folds == 0])


def test_a_class_that_the_other_folds_lack_leaves_a_fold_as_it_is() -> None:
    pair, truth = predictions(300, 4.0, ("no", "yes"))
    folds = np.where(truth == 1, 0, np.arange(300) % 4)
    done = calibrated_in(folds, pair, truth)
    inside = folds == 0
    np.testing.assert_array_equal(
        done.predictions.probabilities[inside], pair.probabilities[inside]
    )
    assert not np.array_equal(done.predictions.probabilities[~inside], pair.probabilities[~inside])


def calibrated_in(folds: np.ndarray, pair: Predictions, truth: np.ndarray):
    return calibrate(
        pair, truth, folds, method="sigmoid", task=Task.BINARY, level=0.95, resamples=200
    )


def test_few_clusters_are_not_calibrated_but_told() -> None:
    pair, truth = predictions(1500, 4.0, ("no", "yes"))
    folds = np.arange(1500) % 5
    done = calibrate(
        pair, truth, folds, method="auto", task=Task.BINARY, level=0.95, resamples=200,
        clusters=np.arange(1500) % 12,
    )  # fmt: skip
    assert done.why == "none: what it is worth cannot be said, only 12 groups"


def outcome(values: np.ndarray, truth: np.ndarray) -> Outcome:
    return Outcome(Task.REGRESSION, np.arange(len(truth)), truth, values=values)


def test_the_better_model_wins_whichever_way_the_metric_goes() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    good, bad = truth + random.normal(size=200) * 0.2, truth + random.normal(size=200)
    first, second = replicate([outcome(bad, truth), outcome(good, truth)], 200)
    for metric in ("r2", "rmse", "mae"):
        better = paired(
            first, second, task=Task.REGRESSION, metric=metric, level=0.95, names=("bad", "good")
        )
        assert better.better == "second"
        assert better.verdict.startswith("good is better than bad by")
        worse = paired(
            second, first, task=Task.REGRESSION, metric=metric, level=0.95, names=("good", "bad")
        )
        assert worse.better == "first"


def test_other_rows_of_the_same_law_differ_by_noise_only() -> None:
    random = np.random.default_rng(5)
    hits = 0
    for _ in range(60):
        halves = []
        for _ in range(2):
            truth = random.normal(size=150)
            halves += replicate([outcome(truth + random.normal(size=150), truth)], 200, ["mae"])
        apart = independent(
            *halves, task=Task.REGRESSION, metric="mae", level=0.95, names=("announced", "test")
        )
        hits += apart.better is None
    assert hits >= 52
