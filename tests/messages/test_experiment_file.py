"""A wrong experiment file: every problem at once, each with its line, what is allowed, the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import AssayError, ExperimentError
from assay.experiment import load_experiment

GOOD = "data:\n  source: a.csv\n  target: y\nmodel:\n  learner: boosting\n"

CASES = {
    "target missing": (
        "data: {source: a.csv}\nmodel: {learner: linear}",
        [
            "data.target is missing.",
            "income.yaml, line 1 (Column to predict; or a list of columns of yes and no",
            "target: COLUMN",
        ],
    ),
    "model missing": (
        "data: {source: a.csv, target: y}",
        ["model is missing.", "learner: boosting"],
    ),
    "misspelt block": (
        GOOD + "evalation: {}",
        ["evalation is not a known key.", "line 6", "known: name, data", "mend:  evaluation"],
    ),
    "misspelt key": (
        GOOD.replace("target", "tagret"),
        ["data.tagret is not a known key.", "line 3", "mend:  target"],
    ),
    "key of Hugging Face": (
        GOOD + "training: {warmup_ratio: 0.1}",
        [
            "training.warmup_ratio is not a known key, but Hugging Face's name of one",
            "mend:  warmup",
        ],
    ),
    "misspelt learner": (
        GOOD.replace("boosting", "bosting"),
        ["model.learner is bosting, which is no learner.", "line 5", "learner: boosting"],
    ),
    "misspelt option": (
        GOOD + "  options: {learning_rat: 1}",
        ["model.options.learning_rat is not an option of boosting", "use learning_rate"],
    ),
    "option out of range": (
        GOOD + "  options:\n    max_leaves: 1",
        [
            "model.options.max_leaves is 1: should be greater than or equal to 2",
            "line 7",
            "leave max_leaves out",
        ],
    ),
    "metric of a gate that is none": (
        GOOD + "registry:\n  gates:\n    production:\n      metrics: {auc: 0.9}",
        [
            "registry.gates.production.metrics names auc, which is no metric.",
            "line 9",
            "mend:  roc_auc: 0.9",
        ],
    ),
    "stage that is none": (
        GOOD + "registry: {gates: {prodution: {card: true}}}",
        ["registry.gates.prodution is not a known key.", "staging, production", "production"],
    ),
    "too few resamples": (
        GOOD + "evaluation:\n  resamples: 10",
        ["evaluation.resamples is 10", "200 to 100,000", "resamples: auto"],
    ),
    "no label": (
        GOOD.replace("target: y", "target: []"),
        ["data.target is an empty list.", "target: COLUMN"],
    ),
    "one label": (
        GOOD.replace("target: y", "target: [y]"),
        ["data.target is a list of one column.", "target: y"],
    ),
    "a label twice": (
        GOOD.replace("target: y", "target: [y, z, y]"),
        ["data.target names a column twice.", "target: [y, z]"],
    ),
    "no such task": (
        GOOD.replace("target: y", "target: y\n  task: binry"),
        ["data.task is binry", "one of binary, multiclass, multilabel, regression", "task: binary"],
    ),
    "too few folds": (
        GOOD.replace("target: y", "target: y\n  split: {folds: 1}"),
        ["data.split.folds is 1: should be greater than or equal to 2", "line 4", "folds: 5"],
    ),
    "split column missing": (
        GOOD.replace("target: y", "target: y\n  split: {by: column}"),
        ["data.split.column does not say which", "column: NAME"],
    ),
    "split column without use": (
        GOOD.replace("target: y", "target: y\n  split: {by: random, column: part}"),
        ["data.split.column is part, but data.split.by is random", "by: column"],
    ),
    "a gap between groups": (
        GOOD.replace(
            "target: y",
            "target: y\n  split: {by: group, gap: 3}\n  roles: {group: g, time: t}",
        ),
        ["data.split.gap lies between two times, but data.split.by is group", "by: time"],
    ),
    "a group torn apart": (
        GOOD.replace("target: y", "target: y\n  split: {by: random}\n  roles: {group: g}"),
        ["data.split.by is random, but data.roles.group is given", "by: group"],
    ),
    "group and time": (
        GOOD.replace("target: y", "target: y\n  roles: {group: g, time: t}"),
        ["has a group and a time", "by: group, or by: time"],
    ),
    "time without a time": (
        GOOD.replace("target: y", "target: y\n  split: {by: time}"),
        ["data.split.by is time, but data.roles.time does not say", "roles: {time: COLUMN}"],
    ),
    "no such kind": (
        GOOD.replace("target: y", "target: y\n  kinds: {a: category}"),
        ["data.kinds.a is category, which is no kind", "a: categorical", "'%d.%m.%Y'"],
    ),
    "two roles": (
        GOOD.replace("target: y", "target: y\n  roles: {ignore: [y]}"),
        ["data.roles.ignore names 'y', which data.target names too"],
    ),
    "no such metric": (
        GOOD + "evaluation: {primary: rocauc}",
        ["evaluation.primary is rocauc, which is no metric", "primary: roc_auc"],
    ),
    "metric of another task": (
        GOOD.replace("target: y", "target: y\n  task: regression")
        + "evaluation: {primary: roc_auc}",
        ["no metric of a regression task", "metrics: r2, rmse, mae"],
    ),
    "a metric by another name": (
        GOOD + "evaluation: {primary: auc}",
        ["evaluation.primary is auc, which is no metric", "primary: roc_auc"],
    ),
    "a metric by another name, of another task": (
        GOOD.replace("target: y", "target: y\n  task: multiclass") + "evaluation: {primary: AUC}",
        ["primary: roc_auc_ovr"],
    ),
    "no such check": (
        GOOD + "checks: {accept: {AS110: because}}",
        ["checks.accept names AS110, which is no check", "mend:  AS108"],
    ),
    "a reason that is none": (GOOD + "checks: {accept: {AS101: ''}}", ["checks.accept"]),
    "zero seeds": (GOOD + "training: {seeds: 0}", ["training.seeds is 0", "auto or a number"]),
    "threshold of 3": (GOOD + "evaluation: {threshold: 3}", ["evaluation.threshold is 3"]),
    "a threshold that is no goal": (
        GOOD + "evaluation: {threshold: f3}",
        ["evaluation.threshold is f3: should be f1, balanced_accuracy", "line 6", "threshold: f1"],
    ),
    "a threshold without a goal": (
        GOOD + "evaluation:\n  threshold: {beta: 2}",
        ["evaluation.threshold.goal is missing", "line 7", "goal: f1"],
    ),
    "no such goal": (
        GOOD + "evaluation: {threshold: {goal: f_bet, beta: 2}}",
        ["evaluation.threshold.goal is f_bet", "one of f1, balanced_accuracy", "goal: f_beta"],
    ),
    "a goal without its numbers": (
        GOOD + "evaluation: {threshold: cost}",
        [
            "threshold.goal is cost, but false_positive and false_negative are not given",
            "threshold: {goal: cost, false_positive: 1, false_negative: 20}",
        ],
    ),
    "a number of another goal": (
        GOOD + "evaluation:\n  threshold:\n    goal: f_beta\n    beta: 2\n    false_positive: 1",
        [
            "evaluation.threshold.false_positive is for the goal cost, and the goal is f_beta.",
            "line 10",
            "leave false_positive out",
        ],
    ),
    "a floor of the other kind": (
        GOOD + "evaluation: {threshold: {goal: recall, recall_at_least: 0.9}}",
        [
            "evaluation.threshold.recall_at_least is for the goal precision",
            "threshold: {goal: precision, recall_at_least: 0.9}",
            "evaluation.threshold.goal is recall, but precision_at_least is not given",
        ],
    ),
    "costs that leave no choice": (
        GOOD
        + "evaluation: {threshold: {goal: cost, false_positive: 1, false_negative: 9, "
        + "true_negative: -1}}",
        [
            "evaluation.threshold.false_positive makes a wrong yes no dearer than a right no",
            "false_positive: a number that is higher",
        ],
    ),
    "a negative cost": (
        GOOD + "evaluation: {threshold: {goal: cost, false_positive: -1, false_negative: 9}}",
        ["evaluation.threshold.false_positive is -1: should be greater than or equal to 0"],
    ),
    "a beta beyond all numbers": (
        GOOD + "evaluation: {threshold: {goal: f_beta, beta: 1.0e+200}}",
        [
            "evaluation.threshold.beta is 1e+200: should be less than or equal to 1000",
            "how many times as much recall counts as precision, at most 1000",
        ],
    ),
    "a floor above 1": (
        GOOD + "evaluation: {threshold: {goal: precision, recall_at_least: 90}}",
        ["evaluation.threshold.recall_at_least is 90: should be less than or equal to 1"],
    ),
    "a threshold of several classes": (
        GOOD.replace("target: y", "target: y\n  task: multiclass")
        + "evaluation: {threshold: {goal: f_beta, beta: 2}}",
        [
            "evaluation.threshold is for two classes, and a multiclass task says the most probable",
            "leave threshold out",
        ],
    ),
    "a threshold of a number": (
        GOOD.replace("target: y", "target: y\n  task: regression") + "evaluation: {threshold: 0.3}",
        ["evaluation.threshold is for two classes, and a regression task predicts a number."],
    ),
    "a value for a block": (GOOD + "checks: all", ["checks must be a block of keys"]),
    "a name that is a number": (GOOD + "name: 3", ["name is 3, which is no text"]),
    "a key twice": (GOOD + "model: {}", ['found duplicate key "model"', "line 6"]),
    "broken YAML": ("data: [\n", ["cannot be read as YAML", "line 2"]),
    "only text": ("hello", ["holds no keys"]),
    "empty": ("", ["income.yaml is empty", "data: {source: FILE"]),
    "variable not set": (
        GOOD.replace("a.csv", "${NO_SUCH_VARIABLE}"),
        ["needs the environment variable NO_SUCH_VARIABLE", "line 2", "${NO_SUCH_VARIABLE:-"],
    ),
}


def refused(text: str, folder: Path, overrides: tuple[str, ...] = ()) -> str:
    path = folder / "income.yaml"
    path.write_text(text)
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, overrides)
    return str(caught.value)


@pytest.mark.parametrize("case", CASES)
def test_a_problem_is_told_with_its_place_and_its_mend(case: str, tmp_path: Path) -> None:
    text, expected = CASES[case]
    told = refused(text, tmp_path)
    assert "\n  mend:  " in told
    for each in expected:
        assert each in told


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    told = refused(
        "data:\n  source: a.csv\n  tagret: y\n  task: binry\nmodel:\n  learner: bosting\n"
        "evaluation:\n  confidence: 2\n",
        tmp_path,
    )
    assert told.startswith("income.yaml has 4 problems.")
    places = [told.index(f"line {number}:") for number in (3, 4, 6, 8)]
    assert places == sorted(places)
    assert told.count("mend:") == 5
    assert "data.target is missing" not in told, "told once, as a misspelt key"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.learner=lnear", ["--set model.learner=lnear", "learner: linear"]),
        ("training.seeds", ["--set training.seeds is not KEY=VALUE", "for example"]),
        ("name.first=x", ["name is {'first': 'x'}, which is no text"]),
        ("model.learner.x=1", ["leads below a single value"]),
        ("data.split.folds=many", ["data.split.folds is many", "--set data.split.folds=many"]),
        ("training.seeds=[", ["a value that is no YAML"]),
        ("foo.bar=1", ["foo is not a known key", "--set foo.bar=1"]),
        ("data.roles.bar.baz=1", ["data.roles.bar is not a known key", "--set data.roles.bar.ba"]),
    ],
)
def test_a_wrong_override_is_told(override: str, expected: list[str], tmp_path: Path) -> None:
    told = refused(GOOD, tmp_path, (override,))
    for each in expected:
        assert each in told


def test_a_missing_file_names_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "adult.yaml").write_text(GOOD)
    with pytest.raises(AssayError, match="There is no experiment file") as caught:
        load_experiment(tmp_path / "adlt.yaml")
    assert "adult.yaml" in caught.value.mend


def test_the_closest_files_are_named_first_and_a_folder_is_called_one(tmp_path: Path) -> None:
    for name in ("alpha", "beta", "penguins", "zoo"):
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    with pytest.raises(AssayError) as caught:
        load_experiment(tmp_path / "pengins.yaml")
    assert caught.value.mend.startswith("experiment files in that folder: penguins.yaml, ")
    with pytest.raises(AssayError, match="is a folder, not an experiment file"):
        load_experiment(tmp_path)


def test_one_column_to_ignore_needs_no_list(tmp_path: Path) -> None:
    path = tmp_path / "income.yaml"
    path.write_text(GOOD)
    loaded = load_experiment(path, ["data.roles.ignore=c"])
    assert loaded.experiment.data.roles.ignore == ("c",)


def test_a_table_given_as_an_experiment_is_told(tmp_path: Path) -> None:
    path = tmp_path / "adult.parquet"
    path.write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(ExperimentError, match="is not text in UTF-8") as caught:
        load_experiment(path)
    assert "assay init" in caught.value.mend
