"""The registry: versions under a name, found again by whatever they are called, with lineage."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
import pytest

import assay
from assay import delivery, logbook
from assay.data.schema import Task
from assay.errors import InputError, NotFoundError, UnsafeModelError
from assay.monitor import AssayWarning
from assay.place import Place
from assay.registry import registering, versions
from assay.tracking.mlflow_client import client
from tests.tables import table

SETTINGS = {"name": "income", "training": {"seeds": 1}, "evaluation": {"resamples": 200}}


@pytest.fixture
def run(workspace: Path) -> assay.Run:
    return assay.train(table(Task.BINARY), target="y", learner="linear", settings=SETTINGS)


def test_a_model_goes_from_run_to_prediction(run: assay.Run, workspace: Path) -> None:
    assert delivery.models() == []
    version = assay.register(run, "income")
    assert (version.reference, version.run_id) == ("income/1", run.run_id)
    assert assay.register("last", "income") == version, "the same model is registered once"
    assert [each.reference for each in delivery.models()] == ["income/1"]
    assert f"{run.name}.MODEL_CARD.md" in Place.to_find().store.files(run.run_id)

    uri = f"sqlite:///{workspace / 'mlflow.db'}"
    client(uri).set_registered_model_alias("income", "production", "1")
    rows = table(Task.BINARY, seed=5).drop(columns="y")
    references = ["income", "income/1", "income@production", f"runs:/{run.run_id}", run.model]
    predictions = [assay.predict(each, rows) for each in references]
    for each in predictions[1:]:
        pd.testing.assert_frame_equal(predictions[0], each)
    assert list(predictions[0].columns) == ["prediction", "probability_no", "probability_yes"]

    mlflow.set_tracking_uri(uri)
    try:
        plain = mlflow.pyfunc.load_model("models:/income/1")
        assert plain.predict(rows)["prediction"].tolist() == predictions[0]["prediction"].tolist()
        assert plain.metadata.run_id == run.run_id
    finally:
        mlflow.set_tracking_uri(None)


def test_the_card_that_people_filled_in_is_kept_with_the_model(
    run: assay.Run, workspace: Path, tmp_path: Path
) -> None:
    filled = assay.report(run, "card", out=tmp_path / "CARD.md")
    text = filled.read_text(encoding="utf-8").replace("<!-- people: owner -->\n",
                                                     "<!-- people: owner -->\nAnn.\n")  # fmt: skip
    filled.write_text(text, encoding="utf-8")
    assay.register(run, "income", card=filled)
    beside = next(workspace.rglob("*.MODEL_CARD.md"))
    assert "owner -->\nAnn.\n" in beside.read_text(encoding="utf-8")
    assay.register(run, "income")
    assert "owner -->\nAnn.\n" in kept_card(run, tmp_path), "it stays without being named again"

    beside.write_text("# Mine\n")
    with pytest.warns(AssayWarning, match="no model card that Assay wrote"):
        assert assay.register(run, "income", card=filled).reference == "income/1"
    assert beside.read_text() == "# Mine\n"
    assert "owner -->\nAnn.\n" in kept_card(run, tmp_path)
    for wrong, why in ((tmp_path / "none.md", "cannot be read"), (beside, "no model card")):
        with pytest.raises(InputError, match=why):
            assay.register(run, "income", card=wrong)


def kept_card(run: assay.Run, folder: Path) -> str:
    store = Place.to_find().store
    return store.fetch(run.run_id, f"{run.name}.MODEL_CARD.md", folder).read_text(encoding="utf-8")


def test_versions_count_up_and_the_highest_is_meant(run: assay.Run) -> None:
    assay.register(run, "income")
    second = assay.train(table(Task.BINARY), target="y", learner="linear", settings=SETTINGS)
    assert assay.register(second).reference == "income/2", "the experiment's name by default"
    assert [each.reference for each in delivery.models()] == ["income/2", "income/1"]


@pytest.mark.parametrize(
    ("reference", "told", "mend"),
    [
        ("incom", "no model 'incom'", "income"),
        ("income/7", "no model 'income/7'", "income/1"),
        ("income@live", "no model 'income@live'", "income/1"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    run: assay.Run, reference: str, told: str, mend: str
) -> None:
    assay.register(run, "income")
    with pytest.raises(NotFoundError, match=told) as caught:
        assay.load(reference)
    assert caught.value.mend == mend


def test_nothing_registered_is_told(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match="none is registered") as caught:
        assay.load("income")
    assert "assay register" in caught.value.mend


def test_a_name_that_is_none_is_refused(run: assay.Run) -> None:
    with pytest.raises(InputError, match="cannot be the name of a model") as caught:
        assay.register(run, "in/come:x")
    assert "in-come-x" in caught.value.mend


def test_a_registered_model_that_was_changed_is_not_loaded(run: assay.Run, workspace: Path) -> None:
    assay.register(run, "income")
    [path] = workspace.rglob("estimator.skops")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(UnsafeModelError, match="was changed after it was saved"):
        assay.load("income")


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a@b", "a:b", " a", "a\n", "a" * 300])
def test_names_that_could_be_taken_for_something_else_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a model") as caught:
        registering.register("sqlite:///nowhere", "models:/m-x", name=name, run_id="", digest="",
                          tags={})  # fmt: skip
    suggested = caught.value.mend.rpartition(": ")[2]
    registering._refuse_name(suggested)


@pytest.mark.parametrize("name", ["Bob's churn", "both \" and '", "Überleben 2"])
def test_an_experiment_called_with_quotes_goes_from_training_to_prediction(
    workspace: Path, name: str
) -> None:
    frame = table(Task.BINARY)
    for number in (1, 2):
        run = assay.train(frame, target="y", learner="linear", settings={**SETTINGS, "name": name})
        assert assay.register(run).reference == f"{name}/{number}"
    assert [each.name for each in logbook.runs(name)] == [run.name, "linear-seeds1"]
    assert [each.reference for each in delivery.models()] == [f"{name}/2", f"{name}/1"]
    assert len(assay.predict(f"{name}/1", frame)) == len(frame)
    with pytest.raises(NotFoundError, match="There is no model"):
        assay.load(f"{name}?")


def test_more_names_than_a_page_of_the_store_are_all_known(workspace: Path) -> None:
    uri = f"sqlite:///{workspace / 'mlflow.db'}"
    for number in range(105):
        client(uri).create_registered_model(f"model-{number:03d}")
        client(uri).create_model_version(f"model-{number:03d}", source=str(workspace))
    listed = versions.list_versions(uri)
    assert [each.name for each in listed] == [f"model-{number:03d}" for number in range(105)]
    with pytest.raises(NotFoundError, match="There is no model") as caught:
        versions.find_model(uri, "model-1O4")
    assert caught.value.mend == "model-104"
