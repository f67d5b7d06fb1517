"""Reading an experiment: values as written, variables, overrides, TOML, and what was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.data.preparation import prepare
from assay.data.profiling import profile
from assay.data.schema import Task
from assay.data.settings import DataSettings, SplitSettings
from assay.data.sources import from_frame, read_table
from assay.errors import ExperimentError
from assay.evaluation.goals import Goal
from assay.experiment import experiment_from, load_experiment
from assay.experiment.published import json_schema, template
from assay.learners.builtin import check_options, make_learner
from tests.conftest import EXAMPLES
from tests.tables import prepared

GOOD = "data: {source: a.csv, target: y}\nmodel: {learner: boosting}\n"


def loaded(tmp_path: Path, text: str, *overrides: str):
    path = tmp_path / "income.yaml"
    path.write_text(text)
    return load_experiment(path, overrides)


def test_three_lines_are_an_experiment(tmp_path: Path) -> None:
    experiment = loaded(tmp_path, GOOD)
    assert experiment.name == "income"
    assert experiment.source == tmp_path / "a.csv"
    assert experiment.changed == {}
    assert experiment.text == GOOD
    assert experiment.recorded["evaluation"]["confidence"] == 0.95


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sqlite:///shop.db", "sqlite:///{folder}/shop.db"),
        ("sqlite:////data/shop.db", "sqlite:////data/shop.db"),
        ("delta://sales@3", "delta://{folder}/sales@3"),
        ("postgresql://me:pw@host/shop", "postgresql://me:pw@host/shop"),
    ],
)
def test_addresses_are_relative_to_the_file_too(tmp_path: Path, source: str, expected: str) -> None:
    experiment = loaded(tmp_path, GOOD.replace("a.csv", f"'{source}'"))
    assert experiment.source == expected.replace("{folder}", str(tmp_path))


def test_passwords_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "s3cret")
    variable = loaded(tmp_path, GOOD.replace("a.csv", "'postgresql://me:${PASSWORD}@host/shop'"))
    assert variable.source == "postgresql://me:s3cret@host/shop"
    assert "${PASSWORD}" in variable.text
    address = "postgresql://me:s3@cr/et@host/shop?password=s3cret"
    plain = loaded(tmp_path, GOOD.replace("a.csv", f"'{address}'"), f"tracking.uri={address}")
    assert plain.source == address
    for experiment in (variable, plain):
        kept = (experiment.recorded_text, experiment.recorded, experiment.changed)
        assert "s3" not in str(kept)


def test_words_stay_words(tmp_path: Path) -> None:
    text = "data: {source: a.csv, target: no, positive: yes}\nmodel: {learner: linear}"
    data = loaded(tmp_path, text).experiment.data
    assert (data.target, data.positive) == ("no", "yes")


def test_overrides_are_yaml_and_count_as_changes(tmp_path: Path) -> None:
    overrides = ("model.options.learning_rate=0.3", "training.seeds=2", "data.source=/tmp/b.csv")
    experiment = loaded(tmp_path, GOOD, *overrides)
    assert experiment.changed == {"model.options.learning_rate": 0.3, "training.seeds": 2}
    assert experiment.source == Path("/tmp/b.csv")
    assert experiment.overrides == overrides


def test_the_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLES", "/data")
    text = GOOD.replace("a.csv", '"${TABLES}/${YEAR:-2026}/$${x}.csv"')
    assert str(loaded(tmp_path, text).source) == "/data/2026/${x}.csv"


@pytest.mark.parametrize("floor", ['"${FLOOR}"', '"${FLOOR:-0.9}"'])
def test_gates_do_not_read_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, floor: str
) -> None:
    """They would be settled when the numbers are known."""
    monkeypatch.setenv("FLOOR", "0.9")
    gates = f"registry: {{gates: {{production: {{metrics: {{roc_auc: {floor}}}}}}}}}"
    with pytest.raises(ExperimentError) as caught:
        loaded(tmp_path, f"{GOOD}{gates}\n")
    assert caught.value.what == (
        "registry.gates.production.metrics.roc_auc reads the environment: what a gate asks for is "
        "settled before anybody knows the numbers."
    )
    assert caught.value.where == "income.yaml, line 3"
    assert caught.value.mend == "write the value itself"
    named = loaded(tmp_path, GOOD + 'registry: {name: "${FLOOR}", policy: "$${it}.yaml"}\n')
    assert named.experiment.registry.name == "0.9"


def test_a_margin_beside_the_champion_is_given_in_units_of_the_metric(tmp_path: Path) -> None:
    gates = "registry: {{gates: {{production: {{champion: {}}}}}}}"
    given = loaded(tmp_path, f"{GOOD}{gates.format(0.01)}\n")
    assert given.experiment.registry.gates.production.champion == 0.01
    for wrong in ("-1", "worse"):
        with pytest.raises(ExperimentError, match=f"champion is {wrong}, which") as caught:
            loaded(tmp_path, f"{GOOD}{gates.format(wrong)}\n")
        assert "or than a MARGIN in units of the primary metric" in str(caught.value)


def test_toml_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "income.toml"
    path.write_text('[data]\nsource = "a.csv"\ntarget = "y"\n[model]\nlearner = "linear"\n')
    assert load_experiment(path).experiment.model.learner == "linear"


def test_settings_given_in_python_are_an_experiment() -> None:
    experiment = experiment_from(
        {"data": {"source": "x", "target": "y"}, "model": {"learner": "linear"}}, Path.cwd()
    )
    assert experiment.path is None
    assert "learner: linear" in experiment.text


def test_the_template_of_images_is_that_of_a_network(tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "image": list(np.random.default_rng(0).random((60, 8, 8))),
        "more": list(np.random.default_rng(1).random((60, 8, 8))),
        "y": ["a", "b"] * 30,
        "part": (["train"] * 5 + ["test"]) * 10,
    })  # fmt: skip
    asked = DataSettings(source="t", target="y", split=SplitSettings(column="part"))
    schema = prepare(from_frame(frame), asked, "t").schema
    text = template("t.parquet", schema, "x", marks="part", n_rows=48_000)
    data, model = (loaded(tmp_path, text).experiment.model_dump()[key] for key in ("data", "model"))
    assert (model["learner"], data["split"]["column"]) == ("resnet", "part")
    assert data["roles"]["ignore"] == ("more",)
    own = make_learner("resnet", {}).trained_on(round(48_000 * 0.8))
    assert f"#   epochs: {own.epochs} " in text
    assert f"#   learning_rate: {own.learning_rate} " in text


@pytest.mark.parametrize(("numbers", "learner"), [((), "text"), (("stars",), "boosting")])
def test_the_template_of_texts_is_that_of_a_transformer(
    numbers: tuple[str, ...], learner: str, tmp_path: Path
) -> None:
    texts = [f"number {n} of many texts that all say something" for n in range(60)]
    frame = pd.DataFrame({"review": texts, "y": ["a", "b"] * 30})
    for name in numbers:
        frame[name] = np.arange(60) / 7
    schema = prepare(from_frame(frame), DataSettings(source="t", target="y"), "t").schema
    text = template("t.parquet", schema, "x", n_rows=60)
    assert loaded(tmp_path, text).experiment.model.learner == learner
    assert ("#   max_length: 256 " in text) is (learner == "text")


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.floats(0.01, 0.99), st.sampled_from(["f1", "balanced_accuracy"])))
def test_any_allowed_value_comes_through_an_override(tmp_path: Path, value: object) -> None:
    experiment = loaded(tmp_path, GOOD, f"evaluation.threshold={value}")
    assert experiment.experiment.evaluation.threshold == Goal.of(value)
    assert experiment.recorded["evaluation"]["threshold"] == value


@pytest.mark.parametrize("name", ["adult", "penguins", "flights"])
def test_the_examples_load_and_name_columns_that_exist(name: str) -> None:
    experiment = load_experiment(EXAMPLES / f"{name}.yaml")
    columns = read_table(experiment.source).column_names
    data = experiment.experiment.data
    assert {data.target, *data.roles.ignore} <= set(columns)


@pytest.mark.parametrize("task", list(Task))
def test_the_template_loads(task: Task, tmp_path: Path) -> None:
    schema = prepared(task).schema
    text = template("table.csv", schema, "mine")
    experiment = loaded(tmp_path, text)
    assert experiment.experiment.data.task is task
    assert experiment.name == "mine"
    for column in schema.columns:
        assert f"#   {column.name}" in text


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_the_template_takes_any_name_of_a_column(tmp_path: Path, name: str) -> None:
    schema = prepared(Task.BINARY).schema
    odd = tuple(replace(c, name=name) if c.name in ("y", "a") else c for c in schema.columns)
    schema = replace(schema, columns=odd, target=name)
    assert loaded(tmp_path, template("t.csv", schema, "x")).experiment.data.target == name


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_the_template_tells_what_columns_hold_whatever_that_is(tmp_path: Path, level: str) -> None:
    data = prepared(Task.BINARY)
    seen = profile(data.raw_development, data.schema)
    odd = tuple(replace(c, levels=((level, 9), *c.levels)) if c.levels else c for c in seen.columns)
    text = template("t.csv", data.schema, "x", profile=replace(seen, columns=odd))
    assert loaded(tmp_path, text).experiment.data.target == "y"
    assert "distinct): 0 to 29" in text


def test_the_schema_describes_every_key() -> None:
    schema = json_schema()
    json.dumps(schema)
    assert schema["title"] == "Assay experiment"
    assert schema["required"] == ["data", "model"]
    assert schema["additionalProperties"] is False
    for definition in schema["$defs"].values():
        for key, about in definition.get("properties", {}).items():
            assert "description" in about, key
    threshold = schema["$defs"]["EvaluationSettings"]["properties"]["threshold"]
    assert threshold["default"] == "f1"
    assert {"$ref": "#/$defs/Goal"} in threshold["anyOf"]
    assert "recall_at_least" in schema["$defs"]["Goal"]["properties"]


@pytest.mark.parametrize("learner", ["boosting", "forest", "linear"])
def test_every_option_of_a_learner_is_documented(learner: str) -> None:
    [problem] = check_options(learner, {"no such option": 1})
    page = (Path(__file__).parents[2] / "docs" / "experiment.md").read_text()
    options = problem[2].removeprefix("use one of ").split(", ")
    assert len(options) > 2
    assert [name for name in options if f"`{name}`" not in page] == []
