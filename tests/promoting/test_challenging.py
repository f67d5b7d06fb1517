"""A candidate beside the champion: on rows that neither has learnt from, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score, roc_auc_score

import assay
from assay.challenging import as_outcome, beside_champion
from assay.data.schema import Schema, Task
from assay.evaluation.outcome import Outcome
from assay.inference.testing import Predicted
from assay.place import Place
from assay.registry.gates.base import Champion
from assay.registry.versions import Version
from assay.run import Run
from tests.promoting.conftest import trained
from tests.tables import table

N_TEST = 60
NONE_EQUAL = "no row equal to one the champion learnt from"


def version_of(run: Run) -> Version:
    return Version("income", 1, "", run.run_id, "", (), "", {})


def beside(run: Run, champion: Run | None, folder: Path) -> Champion:
    holder = None if champion is None else version_of(champion)
    return beside_champion(run, holder, Place.to_find(), folder)


def marked(made: pd.DataFrame, n_test: int) -> pd.DataFrame:
    """The last rows are to be sealed."""
    return made.assign(part=["train"] * (len(made) - n_test) + ["test"] * n_test)


SPLIT = {"split": {"column": "part"}, "roles": {}}


@pytest.fixture(scope="module")
def apart(
    template_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Run], pd.DataFrame]:
    """Runs of tables that differ: what one was tested on, another may have learnt from."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "workspace").mkdir()
    shutil.copy(template_database, folder / "workspace" / "mlflow.db")
    early, late = table(Task.BINARY, n=300, seed=1), table(Task.BINARY, n=300, seed=2)
    # the last 60 rows of `late` are half new to whoever learnt from the first 30 of them
    halves = late.iloc[240:270]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_WORKSPACE", str(folder / "workspace"))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        runs = {
            "early": trained(marked(early, N_TEST), data=SPLIT),
            "all": trained(marked(pd.concat([late, early], ignore_index=True), 100), data=SPLIT),
            "half": trained(
                marked(pd.concat([halves, early], ignore_index=True), N_TEST), data=SPLIT
            ),
            "sealed": trained(
                marked(pd.concat([early, late.iloc[240:]], ignore_index=True), N_TEST), data=SPLIT
            ),
            # the rows that `early` learnt from are sealed, written with fewer decimals
            "rounded": trained(marked(early.iloc[::-1].round(9), N_TEST), data=SPLIT),
            "turned": trained(marked(early, N_TEST), data={**SPLIT, "positive": "no"}),
            "unopened": trained(marked(late, N_TEST + 1), data=SPLIT),
            "late": trained(marked(late, N_TEST), data=SPLIT),
        }
        for name in ("late", "rounded"):
            runs[name] = assay.evaluate(runs[name], on="test")
        for name, seed in (("first number", 3), ("second number", 4)):
            numbers = marked(table(Task.REGRESSION, n=300, seed=seed), N_TEST)
            runs[name] = trained(numbers, data=SPLIT)
        runs["second number"] = assay.evaluate(runs["second number"], on="test")
    return folder, runs, late.iloc[240:]


@pytest.fixture
def others(
    apart: tuple[Path, dict[str, Run], pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Run]:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(apart[0] / "workspace"))
    monkeypatch.setenv("ASSAY_LEDGER", str(apart[0] / "ledger.db"))
    return apart[1]


def test_of_one_table_it_is_the_comparison_of_both(runs: dict[str, Run], tmp_path: Path) -> None:
    assert beside(runs["good"], None, tmp_path) == Champion()
    assert beside(runs["good"], runs["good"], tmp_path).is_same
    found = beside(runs["weak"], runs["good"], tmp_path)
    assert found.difference is not None
    assert found.difference.better == "first"
    assert found.rows == "480 out-of-fold rows that neither learnt from"
    compared = assay.compare(runs["good"], runs["weak"])
    assert found.difference.estimate.value == compared.verdict.estimate.value
    turned = beside(runs["good"], runs["weak"], tmp_path)
    assert turned.difference is not None
    assert turned.difference.better == "second"


def test_of_other_tables_the_opened_rows_tell(
    others: dict[str, Run], apart: tuple[Path, dict[str, Run], pd.DataFrame], tmp_path: Path
) -> None:
    found = beside(others["late"], others["early"], tmp_path)
    assert found.difference is not None
    assert found.rows == f"{N_TEST} test rows, {NONE_EQUAL}"
    rows = apart[2]
    scores = [
        roc_auc_score(rows["y"] == "yes", assay.load(each.model).predict_proba(rows)[:, 1])
        for each in (others["early"], others["late"])
    ]
    assert (found.difference.first, found.difference.second) == pytest.approx(scores, abs=1e-12)
    estimate = found.difference.estimate
    assert estimate.value == pytest.approx(np.diff(scores)[0], abs=1e-12)
    assert (estimate.n, estimate.level) == (N_TEST, 0.95)
    assert estimate.method == "paired bootstrap"


def test_numbers_too(others: dict[str, Run], tmp_path: Path) -> None:
    found = beside(others["second number"], others["first number"], tmp_path)
    assert found.difference is not None
    rows = table(Task.REGRESSION, n=300, seed=4).iloc[-N_TEST:]
    said = assay.load(others["first number"].model).predict(rows)
    assert found.difference.metric == "r2"
    assert found.difference.first == pytest.approx(r2_score(rows["y"], said), rel=1e-12)
    unlike = beside(others["second number"], others["early"], tmp_path)
    assert unlike.reason.startswith("the two predict different things")


def test_no_look_is_spent_on_it(others: dict[str, Run], tmp_path: Path) -> None:
    vault, digest = Place.to_find().vault, others["late"].test_digest
    before = vault.looks(digest)
    beside(others["late"], others["early"], tmp_path)
    assert vault.looks(digest) == before == 1


def test_a_champion_that_learnt_from_these_rows_is_not_compared(
    others: dict[str, Run], tmp_path: Path
) -> None:
    found = beside(others["late"], others["all"], tmp_path)
    assert found.difference is None
    assert f"was trained on rows like each of the {N_TEST} test rows" in found.reason


def test_rows_that_the_champion_learnt_from_are_left_out(
    others: dict[str, Run], tmp_path: Path
) -> None:
    found = beside(others["late"], others["half"], tmp_path)
    assert found.difference is not None
    assert found.rows == f"30 test rows, {NONE_EQUAL}: 30 like those are left out"
    assert found.difference.estimate.n == 30


def test_rows_that_were_rounded_are_known_again(others: dict[str, Run], tmp_path: Path) -> None:
    found = beside(others["rounded"], others["early"], tmp_path)
    assert found.difference is None
    assert f"was trained on rows like each of the {N_TEST} test rows" in found.reason


def test_it_does_not_matter_which_class_is_called_positive(
    others: dict[str, Run], tmp_path: Path
) -> None:
    """That follows from the balance of a table, and so may change when it is refreshed."""
    assert others["turned"].schema.classes == ("yes", "no")
    alike, turned = (
        beside(others["late"], others[name], tmp_path).difference for name in ("early", "turned")
    )
    assert alike is not None
    assert turned is not None
    assert turned.first == pytest.approx(alike.first, abs=1e-3)
    assert turned.first > 0.7


def test_decisions_are_told_in_the_order_of_the_candidates_classes() -> None:
    schema = Schema((), "y", Task.MULTICLASS, ("b", "c", "a"))
    said = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.0, 0.2, 0.8]])
    predicted = Predicted(schema, said, np.argmax(said, axis=1))
    like = Outcome(
        Task.MULTICLASS, np.arange(3), np.zeros(3, np.int64), ("a", "b", "c", "new"), n_unknown=1
    )
    told = as_outcome(predicted, like)
    assert told.known_probabilities.tolist() == [
        [0.2, 0.5, 0.3, 0.0], [0.2, 0.1, 0.7, 0.0], [0.8, 0.0, 0.2, 0.0],
    ]  # fmt: skip
    assert told.decided is not None
    assert [like.classes[each] for each in told.decided] == ["b", "c", "a"]


def test_rows_that_were_sealed_from_the_champion_too_are_new_to_it(
    others: dict[str, Run], tmp_path: Path
) -> None:
    found = beside(others["late"], others["sealed"], tmp_path)
    assert found.difference is not None
    assert found.rows == f"{N_TEST} test rows, {NONE_EQUAL}"


def test_what_nobody_can_tell_is_said(
    others: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unopened = beside(others["unopened"], others["early"], tmp_path)
    assert "were never opened; assay evaluate income/" in unopened.reason
    [kept] = Place.to_find().workspace.snapshots_folder.glob(f"{others['early'].fingerprint}*")
    kept.rename(kept.with_suffix(".away"))
    try:
        gone = beside(others["late"], others["early"], tmp_path)
        assert "is not kept here, so nobody can tell" in gone.reason
    finally:
        kept.with_suffix(".away").rename(kept)
    nowhere = beside_champion(
        others["late"], Version("x", 1, "", "0" * 32, "", (), "", {}), Place.to_find(), tmp_path
    )
    assert nowhere.reason == "nothing is recorded of the run that trained it"
