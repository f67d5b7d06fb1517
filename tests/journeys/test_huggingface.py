"""From a saved dataset of Hugging Face to predictions, sealed as its own splits say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.errors import DataError
from assay.reproduction.verdict import Verdict
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.journeys.terminal import Terminal
from tests.tables import table

datasets.disable_progress_bars()

QUICK = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
N_TRAIN, N_TEST = 160, 80


def split_dataset(*, labelled: bool = True) -> datasets.DatasetDict:
    """A task of two named classes; the first rows are the test's, as random would not draw them."""
    frame = table(Task.BINARY, n=N_TRAIN + N_TEST)
    frame["y"] = (frame["y"] == "yes").astype("int64")
    made = datasets.Dataset.from_pandas(frame)
    made = made.cast_column("y", datasets.ClassLabel(names=["stays", "leaves"]))
    made = made.cast_column("whole", datasets.Value("int32"))
    test = made.select(range(N_TEST))
    if not labelled:
        test = test.map(lambda row: {"y": -1}, load_from_cache_file=False)
    return datasets.DatasetDict(train=made.select(range(N_TEST, N_TRAIN + N_TEST)), test=test)


def trained(source: Any, store: MemoryStore, **given: Any) -> Run:
    return assay.train(source, store=store, checks=[], workers=1, **given)


def three_lines(folder: Path) -> Path:
    file = folder.parent / "three.yaml"
    file.write_text(
        f"data: {{source: {folder.name}, target: y}}\nmodel: {{learner: linear}}\n"
        "training: {seeds: 1}\nevaluation: {resamples: 200}\n"
    )
    return file


def test_from_a_saved_dataset_to_predictions(terminal: Terminal, tmp_path: Path) -> None:
    split_dataset().save_to_disk("pets")
    said = terminal("init", "pets", "--target", "y")
    assert "pets.yaml: binary task, 5 features, target y." in said.out
    assert "the rows marked 'test' in column split will be sealed" in said.out
    text = Path("pets.yaml").read_text()
    assert "    column: split " in text
    assert "classes: stays, leaves" in text

    said = terminal("train", "pets.yaml", "--set", "model.learner=linear", "--seeds", "1", "--json")
    assert said.status == 0, said.err
    model = said.json["model"]
    said = terminal("predict", model, "pets/test", "--out", "test.csv")
    assert said.status == 0, said.err
    predicted = pd.read_csv("test.csv")
    assert len(predicted) == N_TEST
    assert set(predicted["prediction"]) <= {"stays", "leaves"}
    whole = assay.predict(model, split_dataset())
    pd.testing.assert_frame_equal(whole.iloc[N_TRAIN:].reset_index(drop=True), predicted)
    said = terminal("predict", model, "pets", "--out", "whole.csv")
    pd.testing.assert_frame_equal(pd.read_csv("whole.csv"), whole, check_dtype=False)


def test_its_test_rows_are_sealed_unless_the_file_says_others(tmp_path: Path) -> None:
    made, store = split_dataset(), MemoryStore()
    made.save_to_disk(tmp_path / "pets")
    file = three_lines(tmp_path / "pets")
    run = trained(file, store)
    assert run.n_rows == {"train": N_TRAIN, "test": N_TEST}
    from_python = trained(made, store, target="y", learner="linear", settings=QUICK)
    assert from_python.fingerprint == run.fingerprint
    assert from_python.test_digest == run.test_digest
    assert from_python.evaluation.metrics == run.evaluation.metrics
    drawn = trained(file, store, overrides=["data.split.by=random"])
    assert drawn.n_rows == {"train": 192, "test": 48}


def test_a_run_is_reproduced_with_the_rows_it_sealed(tmp_path: Path) -> None:
    split_dataset().save_to_disk(tmp_path / "pets")
    store = MemoryStore()
    run = trained(three_lines(tmp_path / "pets"), store)
    assert assay.reproduce(run, store=store, workers=1).verdict is Verdict.IDENTICAL


def test_a_test_without_labels_is_no_test(terminal: Terminal, tmp_path: Path) -> None:
    """As benchmarks publish them: its rows are left out, and others are drawn and sealed."""
    split_dataset(labelled=False).save_to_disk("pets")
    said = terminal("init", "pets", "--target", "y")
    assert f"left out: {N_TEST} rows without target" in said.out
    text = Path("pets.yaml").read_text()
    assert "ignore: [split]" in text
    assert "# split: {by: random" in text
    run = trained(three_lines(tmp_path / "pets"), MemoryStore())
    assert run.n_rows == {"train": 128, "test": 32, "without target": N_TEST}
    with pytest.raises(
        DataError, match="No row marked 'test' in column 'split' has a value in"
    ) as c:
        trained(Path("three.yaml"), MemoryStore(), overrides=["data.split.column=split"])
    assert c.value.where == f"{N_TEST} rows are marked so"
    assert "leave data.split out" in c.value.mend
