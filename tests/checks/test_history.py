"""Records of runs are read in the spellings that are in use, and refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.claims import says_better
from assay.checks.directions import greater_is_better
from assay.checks.history import read_history
from assay.checks.logged import TEST, VALIDATION
from assay.checks.looks import looks_of
from assay.errors import DataError
from tests.checks.answering import record

SAME: list[dict[str, Any]] = [
    {"run": "r", "params": {"lr": 1}, "val_auc": 0.8, "test_auc": 0.7},
    {"name": "r", "params": {"lr": 1}, "metrics": {"val_auc": 0.8, "test_auc": 0.7}},
    {"run": "r", "params": {"lr": 1}, "metrics": {"valid": {"auc": 0.8}, "test": {"auc": 0.7}}},
    {"run": "r", "params": {"lr": 1}, "metrics": {"auc/val": 0.8, "auc/test": 0.7}},
    {"run": "r", "params": {"lr": 1}, "metrics": {"cv_roc_auc": 0.8, "holdout_roc_auc": 0.7}},
    {"run_id": "r", "params.lr": 1, "metrics.val_auc": 0.8, "metrics.test_auc": 0.7},
    {"tags.mlflow.runName": "r", "run_id": "x", "params.lr": 1, "metrics.val_auc": 0.8,
     "metrics.test_auc": 0.7},
    {"info": {"run_id": "x", "run_name": "r"},
     "data": {"metrics": [{"key": "val_auc", "value": 0.8}, {"key": "test_auc", "value": 0.7}],
              "params": [{"key": "lr", "value": 1}]}},
    {"run": "r", "params": {"lr": 1},
     "evals": [{"split": "val", "auc": 0.8}, {"split": "test", "data_sha": "", "auc": 0.7}]},
]  # fmt: skip


@pytest.mark.parametrize("entry", SAME)
def test_a_run_means_the_same_in_every_spelling(entry: dict[str, Any]) -> None:
    history = read_history({"metric": "roc_auc", "runs": [entry]})
    [run] = history.runs
    assert run.scores == {VALIDATION: 0.8, TEST: 0.7}
    assert {key: int(value) for key, value in run.params.items()} == {"lr": 1}
    assert [each.value for each in run.tests] == [0.7]
    assert run.name == "r"
    assert history.more_is_better


def test_trials_by_value_and_times_in_milliseconds_are_read() -> None:
    trials = [{"number": n, "value": 0.5 + n / 10, "start_time": 1.7e12 + n} for n in range(3)]
    history = read_history({"direction": "StudyDirection.MINIMIZE", "trials": trials})
    assert [each.scores[VALIDATION] for each in history.runs] == [0.5, 0.6, 0.7]
    assert history.runs[0].time is not None
    assert history.runs[0].time.year == 2023
    assert history.is_maximized is False
    assert history.metric == ""


def test_a_metric_that_nobody_names_is_the_one_that_all_runs_have() -> None:
    history = read_history({"runs": [{"val_rmse": 2.0, "test_rmse": 3.0}, {"val_rmse": 1.0}]})
    assert history.metric == "rmse"
    told = read_history({"runs": [{"val_rmse": 2.0}, {"val_rmse": 1.0}]}, metric="roc_auc")
    assert (told.metric, len([each for each in told.runs if each.scores])) == ("rmse", 2)
    best = history.best(VALIDATION)
    assert best is not None
    assert best.scores[VALIDATION] == 1.0


def test_missing_scores_are_no_scores() -> None:
    runs = [{"run": 1, "val_auc": None, "test_auc": float("nan")}, {"run": 2, "test_auc": None}]
    history = read_history({"metric": "auc", "runs": runs})
    assert [(each.scores, each.tests) for each in history.runs] == [({}, ()), ({}, ())]


def test_seeds_of_one_setting_are_one_look() -> None:
    runs = [{"run": n, "params": {"lr": 1, "seed": n}, "test_auc": 0.8} for n in range(10)]
    use = looks_of(read_history({"metric": "auc", "runs": runs}))
    assert (use.settings, use.looks) == (1, 1)
    outside = [{"run": n, "seed": n, "params": {"lr": 1}, "test_auc": 0.8} for n in range(10)]
    assert looks_of(read_history({"metric": "auc", "runs": outside})).looks == 1


def test_fresh_test_rows_begin_anew() -> None:
    runs = [
        {"run": n, "params": {"lr": n}, "evals": [{"split": "test", "data_sha": f"rows {n // 2}"}]}
        for n in range(10)
    ]
    use = looks_of(read_history({"metric": "auc", "runs": runs}))
    assert (use.settings, use.looks, use.digest) == (2, 2, "rows 0")


def test_the_test_measured_at_every_epoch_is_many_looks() -> None:
    evals = [{"split": "test", "data_sha": "x", "auc": 0.8 + n / 100} for n in range(8)]
    use = looks_of(read_history({"metric": "auc", "runs": [{"run": 1, "evals": evals}]}))
    assert (use.settings, use.looks) == (1, 8)
    assert use.errs == pytest.approx(1 - 0.975**8)
    assert use.level == pytest.approx(1 - 0.05 / (8 * 7))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"runs": {"a": 1}}, "'runs' is to be a list of objects"),
    ({"runs": [3]}, "'runs' is to be a list of objects"),
    ({"runs": [{"run": 7, "params": "lr"}]}, "of run 7 are to be objects"),
    ({"runs": [{"run": 7, "evals": {"a": 1}}]}, "'evals' of run 7"),
    ({"reported": 0.8}, "'reported' is to be an object"),
    ({"baselines": 3}, "'baselines' is to be a list"),
]


@pytest.mark.parametrize(("log", "what"), WRONG)
def test_what_cannot_be_read_is_refused(log: dict[str, Any], what: str) -> None:
    with pytest.raises(DataError) as error:
        read_history(log)
    assert what in error.value.what
    assert error.value.where == "the record of runs"
    assert "docs/checks/evidence.md" in error.value.mend


def test_the_record_of_the_tests_is_honest() -> None:
    use = looks_of(read_history(record()))
    assert (use.settings, use.looks) == (1, 1)


MORE = ["roc_auc", "val_AUC", "test/accuracy", "neg_log_loss", "neg_mean_absolute_error", "R2",
        "F1-score", "mAP", "average_precision", "d2_absolute_error_score", "kappa"]  # fmt: skip
LESS = ["log_loss", "val_loss", "RMSE", "mean squared error", "brier_score", "cross_entropy", "ece",
        "perplexity", "error_rate", "wer", "mean_pinball_loss", "hamming_loss"]  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_of_these_more_is_better(name: str) -> None:
    assert greater_is_better(name) is True


@pytest.mark.parametrize("name", LESS)
def test_of_these_less_is_better(name: str) -> None:
    assert greater_is_better(name) is False


@pytest.mark.parametrize("name", ["", "revenue_index", "latency budget", "loudness"])
def test_of_these_nobody_knows(name: str) -> None:
    assert greater_is_better(name) is None


@pytest.mark.parametrize(
    ("claim", "is_said"),
    [
        ("B better than A", True),
        ("the transformer outperforms the baseline", True),
        ("We improve accuracy by 0.4 points", True),
        ("a state-of-the-art result", True),
        ("A is worse than B", True),
        ("B is not better than A", False),
        ("no improvement over A", False),
        ("A and B are equally good", False),
        ("the model is good: accuracy=0.953", False),
        ("", False),
    ],
)
def test_claims_of_better_are_told_from_others(claim: str, is_said: bool) -> None:
    assert says_better(claim) is is_said
