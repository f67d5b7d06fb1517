"""Ablation: every change is valid before anything is trained, and stands beside the base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import assay
from assay.ablation import FILE
from assay.cli.ablating import table as shown
from assay.data.schema import Task
from assay.errors import InputError
from assay.experiment.variation import variants
from assay.tracking.memory import MemoryStore
from tests.cli.test_logbook import shown as printed
from tests.tables import table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    table(Task.BINARY).to_csv(tmp_path / "small.csv", index=False)
    (tmp_path / "broken.py").write_text("def make():\n    raise ValueError('out of luck')\n")
    path = tmp_path / "small.yaml"
    path.write_text(
        "data: {source: small.csv, target: y, roles: {ignore: [c]}}\n"
        "model: {learner: linear, options: {C: 0.5}}\n"
        "training: {seeds: 1}\nevaluation: {resamples: 200}\n"
    )
    return path


def changes(file: Path, *vary: str) -> list[tuple[str, ...]]:
    return [each.overrides for each in variants(file, vary, ())]


def test_what_suggests_itself(file: Path) -> None:
    assert changes(file, "model.options.C") == [
        ("model.options.C=0.25",), ("model.options.C=1.0",),
    ]  # fmt: skip
    assert changes(file, "data.split.folds") == [
        ("data.split.folds=2",), ("data.split.folds=10",),
    ]  # fmt: skip
    assert changes(file, "model.options.class_weight") == [("model.options.class_weight=balanced",)]
    assert ("evaluation.calibration=none",) in changes(file, "evaluation.calibration")
    assert changes(file, "evaluation.threshold") == [("evaluation.threshold=balanced_accuracy",)]
    cost = "{goal: cost, false_positive: 1, false_negative: 20}"
    assert changes(file, f"evaluation.threshold=f1,0.3,{cost}") == [
        ("evaluation.threshold=0.3",), (f"evaluation.threshold={cost}",),
    ]  # fmt: skip
    assert changes(file, "model.learner") == [
        (f"model.learner={name}", "model.options={}") for name in ("boosting", "forest", "auto")
    ]
    left_out = changes(file, "features")
    assert ('data.roles.ignore=["c", "a"]',) in left_out
    assert len(left_out) == 4


def test_given_values_are_taken_and_the_base_is_no_change(file: Path) -> None:
    assert changes(file, "model.options.C=0.5,2", "model.options.C=2") == [("model.options.C=2",)]
    assert changes(file, "data.roles.ignore=[a,b],[]") == [
        ("data.roles.ignore=[a,b]",), ("data.roles.ignore=[]",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("vary", "told", "mend"),
    [
        ("model.optoins.C=1", r"model\.optoins\.C is not a known key", "--vary model.options"),
        ("model.options.D=1", r"model\.options\.D is not an option", ""),
        ("model.options.C=-1", r"model\.options\.C", ""),
        ("model.options.C=0.5", r"model\.options\.C is 0\.5 already", ""),
        ("", "'' cannot be varied", "--vary model.learner"),
        ("tracking.uri=sqlite:///x.db", "'tracking.uri' cannot be varied", "--vary model.learner"),
        ("data.target=x0", "'data.target' cannot be varied", "--vary model.learner"),
        ("evaluation.primary", "Nothing suggests itself", "--vary evaluation.primary=V1,V2"),
    ],
)
def test_slips_are_told_before_anything_is_trained(
    file: Path, vary: str, told: str, mend: str
) -> None:
    store = MemoryStore()
    with pytest.raises(InputError, match=told) as caught:
        assay.ablate(file, ["model.learner", vary], store=store)
    assert caught.value.mend.startswith(mend)
    assert store.runs() == []


def test_effects_stand_in_one_table(file: Path, workspace: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    vary = ["model.options.C=0.0001,0.6", "model.learner=broken:make"]
    ablation = assay.ablate(file, vary, store=store, workers=1)
    assert [each.verdict for each in ablation.effects] == ["worse", "within noise", "failed"]
    assert ablation.effects[0].variant.name == "model.options.C=0.0001"
    assert ablation.level == pytest.approx(1 - 0.05 / 3)
    assert ablation.effects[0].difference.estimate.level == ablation.level
    assert "out of luck" in ablation.effects[2].failure
    runs = assay.runs(tags=["ablation", ablation.tag], store=store)
    assert {ablation.base.run_id, *(each.run.run_id for each in ablation.effects[:2])} <= {
        each.run_id for each in runs
    }
    kept = json.loads(store.fetch(ablation.base.run_id, FILE, tmp_path).read_text())
    assert kept["effects"][0]["verdict"] == "worse"
    text = printed(shown(ablation), width=120)
    assert text.splitlines()[1].startswith("base ")
    assert "3 changes from small/linear-C0.5-seeds1" in text
    assert "98.3%" in text
    assert f"assay runs --tag {ablation.tag} --leaderboard --diff" in text
    assert repr(ablation).startswith("Ablation(linear-C0.5-seeds1: model.options.C=0.0001 worse")
