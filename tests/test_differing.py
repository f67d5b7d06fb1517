"""What differs is what was asked for, each thing once; what follows, only if nothing else does."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import assay
from assay.data.schema import Task
from assay.differing import Told, changes
from assay.experiment.recipe import LEARNER_FILE
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.tables import table
from tests.tiny_transformer import FIXED, texts, written

QUICK = {"evaluation": {"resamples": 200}, "training": {"seeds": 1}}


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def linear(store: MemoryStore, tmp_path_factory: pytest.TempPathFactory) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("linear")
        patch.setenv("ASSAY_WORKSPACE", str(folder / "workspace"))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        run = assay.train(
            table(Task.BINARY),
            target="y",
            learner="linear",
            settings=QUICK,
            store=store,
            workers=1,
            checks=[],
        )
        return Told.of(run, store, folder / "told")


def fine_tuned(folder: Path, store: MemoryStore, more: dict[str, Any], **options: Any) -> Run:
    model = {"learner": "text", "options": {"model": str(folder), "max_length": 16, **options}}
    training = {"epochs": 1, "batch_size": 32, **FIXED, **more}
    return assay.train(
        texts(Task.BINARY), target="y", store=store, checks=[],
        settings={"evaluation": {"resamples": 200}, "model": model, "training": training},
    )  # fmt: skip


def with_params(told: Told, **params: str) -> Told:
    named = {key.replace("__", "."): value for key, value in params.items()}
    return replace(told, record=replace(told.record, params={**told.record.params, **named}))


def with_provenance(told: Told, **about: Any) -> Told:
    return replace(told, run=replace(told.run, provenance={**told.run.provenance, **about}))


def test_what_a_learner_trains_with_by_default_is_no_change_of_its_own(
    tiny_transformer: Path, store: MemoryStore
) -> None:
    full = fine_tuned(tiny_transformer, store, {})
    lora = fine_tuned(tiny_transformer, store, {}, strategy="lora")
    [found] = assay.compare(full, lora, store=store).contrasts
    rates = [store.get(each.run_id).params["training.learning_rate"] for each in (full, lora)]
    assert rates == ["5e-05", "0.0005"]
    assert [str(each) for each in found.changes] == ["model.options.strategy (default, lora)"]
    same = fine_tuned(tiny_transformer, store, {"learning_rate": 5e-5})
    [found] = assay.compare(full, same, store=store).contrasts
    assert found.things == (), "the default was asked for"
    slow = fine_tuned(tiny_transformer, store, {"learning_rate": 1e-5}, strategy="lora")
    [found] = assay.compare(full, slow, store=store).contrasts
    assert set(found.things) == {"model.options.strategy", "training.learning_rate"}


def test_what_a_fit_settled_tells_if_nothing_else_does(
    tiny_transformer: Path, store: MemoryStore, tmp_path: Path
) -> None:
    folder = tmp_path / "pretrained"
    shutil.copytree(tiny_transformer, folder)
    first = fine_tuned(folder, store, {})
    written(folder, seed=1)
    second = fine_tuned(folder, store, {})
    [found] = assay.compare(first, second, store=store).contrasts
    assert found.things == ("chosen.revision",)
    assert found.whose.startswith("One thing differs: chosen.revision (")
    longer = fine_tuned(folder, store, {"epochs": 2})
    [found] = assay.compare(first, longer, store=store).contrasts
    assert found.things == ("training.epochs",)


def test_another_goal_of_the_threshold_is_one_thing(linear: Told) -> None:
    second = with_params(
        linear, evaluation__threshold__goal="f_beta", evaluation__threshold__beta="2.0"
    )
    del second.record.params["evaluation.threshold"]
    found = changes(linear, second)
    assert {(each.thing, each.counts) for each in found} == {("evaluation.threshold", True)}
    assert {each.second for each in found} == {"f_beta", "2.0", "not set"}


def test_what_a_run_is_older_than_was_as_it_is_by_default(linear: Told) -> None:
    known = {**linear.record.params}
    assert known.pop("evaluation.class_counts") == "chance"
    older = replace(linear, record=replace(linear.record, params=known))
    assert changes(older, linear) == changes(linear, older) == ()
    fixed = with_params(linear, evaluation__class_counts="fixed")
    [found] = changes(older, fixed)
    assert str(found) == "evaluation.class_counts (chance, fixed)"
    assert found.counts


def test_packages_count_where_the_learner_stands_on_them(linear: Told) -> None:
    known = linear.run.provenance
    others = {**known["packages"], "torch": "1.0", "transformers": "1.0", "scipy": "1.0"}
    second = with_provenance(linear, packages=others)
    counts = {each.name: each.counts for each in changes(linear, second)}
    assert counts == {"torch": False, "transformers": False, "scipy": True}
    standing = [replace(each, packages=frozenset({"torch"})) for each in (linear, second)]
    counts = {each.name: each.counts for each in changes(*standing)}
    assert counts == {"torch": True, "transformers": False, "scipy": True}
    del others["scipy"]
    gone = with_provenance(linear, packages=others, **{"all packages": others})
    assert "scipy" not in {each.name for each in changes(linear, gone)}


def test_text_stands_on_the_packages_that_fine_tune(
    tiny_transformer: Path, store: MemoryStore, tmp_path: Path
) -> None:
    told = Told.of(fine_tuned(tiny_transformer, store, {}, strategy="lora"), store, tmp_path)
    assert {"torch", "transformers", "peft"} <= told.packages


def test_where_the_table_was_read_is_told_and_counts_for_nothing(linear: Told) -> None:
    other = with_params(linear, data__source="b.xlsx", data__query="select 1", data__sheet="two")
    found = changes(linear, other)
    assert {each.name for each in found} == {"data.source", "data.query", "data.sheet"}
    assert not any(each.counts for each in found)


def test_settings_of_a_training_that_change_no_bit_count_for_nothing(linear: Told) -> None:
    other = with_params(linear, training__loader_workers="8", training__log_every="5")
    found = changes(linear, other)
    assert {each.name for each in found} == {"training.loader_workers", "training.log_every"}
    assert not any(each.counts for each in found)


def test_only_what_counts_explains_other_folds(linear: Told) -> None:
    drawn = with_provenance(linear, **{"split fingerprint": "0" * 64})
    elsewhere = with_params(drawn, data__source="b.csv")
    assert [each.thing for each in changes(linear, elsewhere) if each.counts] == ["split"]
    seeded = with_params(drawn, training__seeds="2")
    assert [each.name for each in changes(linear, seeded)] == ["training.seeds"]
    kinds = with_params(drawn, data__kinds__a="categorical")
    assert [each.thing for each in changes(linear, kinds)] == ["data.kinds.a"]


def test_arrays_of_an_estimator_are_told_apart_by_what_they_hold(
    store: MemoryStore, tmp_path: Path
) -> None:
    frame = table(Task.BINARY)[["a", "c", "y"]]
    runs = [
        assay.train(
            frame, target="y", learner=GaussianNB(priors=np.array([share, 1 - share])),
            settings=QUICK, store=store, checks=[], workers=1,
        )
        for share in (0.5, 0.5, 0.9)
    ]  # fmt: skip
    one, same, other = (Told.of(each, store, tmp_path / each.run_id) for each in runs)
    assert changes(one, same) == ()
    assert [each.thing for each in changes(one, other)] == ["learner"]
    path = store.folder(runs[1].run_id) / LEARNER_FILE
    with ZipFile(path) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    schema = json.loads(contents["schema.json"]) | {"_skops_version": "99.0", "protocol": 99}
    assert schema["content"]["content"].pop("_sklearn_version")
    with ZipFile(path, "w") as file:
        for name, content in (contents | {"schema.json": json.dumps(schema).encode()}).items():
            file.writestr(name, content)
    assert Told.of(runs[1], store, tmp_path / "again").learner == one.learner
