"""Runs and models are named so that no other one can be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Status
from tests.conftest import EXAMPLES
from tests.journeys.conftest import terminal  # noqa: F401 - the fixture
from tests.journeys.terminal import Terminal


def test_a_name_of_two_runs_opens_neither(terminal: Terminal, workspace: Path) -> None:  # noqa: F811
    store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace / "artifacts")
    begun = [store.begin(experiment, "linear", {}) for experiment in ("income", "birds")]
    for recorder in begun:
        recorder.finish(Status.FINISHED)
    for verb in (["evaluate", "linear", "--on", "test"], ["report", "linear"],
                 ["register", "linear"], ["compare", "linear", "last"]):  # fmt: skip
        said = terminal(*verb)
        assert said.status == 2
        assert "'linear' is the name of 2 runs" in said.err
        assert all(each.run_id in said.err for each in begun)
    said = terminal("evaluate", "income/linear")
    assert "run.json" in said.err or "has no result" in said.err, "it was found"

    said = terminal("runs", "--experiment", "nope")
    assert said.status == 0
    assert said.out.startswith("There are no runs of the experiment 'nope'.")
    assert "birds" in said.out
    assert "income" in said.out


@pytest.mark.slow
def test_models_are_found_by_the_beginning_of_a_run_id_and_named_with_their_version(
    terminal: Terminal,  # noqa: F811
    workspace: Path,
) -> None:
    experiment, table = str(EXAMPLES / "penguins.yaml"), str(EXAMPLES / "penguins.parquet")
    trained = terminal("train", experiment, "--seeds", "1", "--json", "--set",
                       "model.learner=linear", "--set", "name=birds/of the south").json  # fmt: skip
    said = terminal("predict", f"runs:/{trained['run_id'][:8]}", table, "--out", "p.csv")
    assert said.out == f"344 rows predicted by runs:/{trained['run_id']}: p.csv\n"
    said = terminal("predict", "runs:/12345678", table)
    assert (said.status, "There is no run '12345678'" in said.err) == (2, True)
    said = terminal("register", "last", "--as", "")
    assert (said.status, "'' cannot be the name of a model" in said.err) == (2, True)
    said = terminal("register", "last")
    assert said.out.splitlines()[1:] == [
        "next   assay promote 'birds-of the south' 1 --to staging",
        "next   assay predict 'birds-of the south' DATA --out FILE",
    ]
    predicted = terminal("predict", "birds-of the south", table, "--json").json
    assert (predicted["model"], predicted["n"]) == ("birds-of the south/1", 344)
