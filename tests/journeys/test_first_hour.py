"""The first hour with Assay, from a table to a registered model that predicts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import EXAMPLES
from tests.journeys.terminal import Terminal


def test_from_a_table_to_predictions(terminal: Terminal, tmp_path: Path, workspace: Path) -> None:
    shutil.copy(EXAMPLES / "penguins.parquet", tmp_path)

    said = terminal("init", "penguins.parquet", "--target", "Species")
    assert said.status == 0
    assert "multiclass task, 16 features" in said.out
    again = terminal("init", "penguins.parquet", "--target", "Species")
    assert (again.status, "is there already" in again.err) == (2, True)

    said = terminal("train", "penguins.yaml", "--set", "model.learner=linear", "--seeds", "1")
    assert said.status == 0
    assert "linear predicts Species, judged on 276 out-of-fold rows" in " ".join(said.out.split())
    assert "'Region', 'Stage' have one value each" in " ".join(said.out.split())
    assert "assay evaluate penguins/linear-seeds1 --on test" in said.out
    assert "Fitting 11 models" in said.err
    assert (workspace / "reports" / "penguins" / "linear-seeds1.html").exists()

    said = terminal("train", "penguins.yaml", "--seeds", "1", "--json", "-q", "--set",
                    "model.options.max_rounds=30")  # fmt: skip
    assert said.err == ""
    trained = said.json
    assert set(trained) >= {"run_id", "name", "metrics", "rows", "findings", "report", "model"}
    assert trained["rows"] == "out-of-fold"
    assert {"value", "low", "high", "n"} <= set(trained["metrics"]["log_loss"])
    assert Path(trained["report"]).exists()
    alarms = {each["code"] for each in trained["findings"] if each["severity"] != "note"}
    assert alarms == {"AS301"}

    said = terminal("runs")
    assert said.out.count("finished") == 2
    assert [run["status"] for run in terminal("runs", "--json").json["runs"]] == ["finished"] * 2

    compared = terminal("compare", "linear-seeds1", trained["name"], "--json")
    assert compared.status == 0
    assert compared.json["primary"] == "log_loss"
    said = terminal("compare", trained["name"], "last", "--require-better")
    assert said.out.startswith(f"Both are the run penguins/{trained['name']}: there is nothing")
    assert said.status == 1

    tested = terminal("evaluate", "linear-seeds1", "--on", "test", "--json", "-q").json
    assert (tested["rows"], tested["looks"]) == ("test", 1)
    assert tested["difference"]["metric"] == "log_loss"
    page = Path(terminal("report", "linear-seeds1").out.strip()).read_text()
    assert "log loss on 68 sealed rows" in page.lower()

    said = terminal("register", "last", "--as", "penguins")
    assert said.out.startswith("penguins/1 is the model of run boosting")
    assert "penguins/1" in terminal("models").out
    said = terminal("predict", "penguins", "penguins.parquet", "--out", "out.csv")
    assert said.out == "344 rows predicted by penguins/1: out.csv\n"
    predictions = pd.read_csv("out.csv")
    truth = pd.read_parquet("penguins.parquet")["Species"]
    assert (predictions["prediction"] == truth).mean() > 0.95
    said = terminal("predict", "penguins/1", "penguins.parquet")
    assert said.out.splitlines()[0] == ",".join(predictions.columns)

    said = terminal("predict", "penguins", "penguins.parquet", "--out", "out.xlsx")
    assert (said.status, "ends in .csv or .parquet" in said.err) == (2, True)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    said = terminal("predict", "penguins", "other.csv")
    assert (said.status, "columns are missing" in said.err) == (2, True)


def test_what_is_accepted_keeps_its_reason(
    terminal: Terminal, tmp_path: Path, workspace: Path
) -> None:
    shutil.copy(EXAMPLES / "penguins.parquet", tmp_path)
    Path("p.yaml").write_text(
        "data: {source: penguins.parquet, target: Species}\nmodel: {learner: linear}\n"
        "training: {seeds: 1}\nchecks: {accept: {AS301: 'one site, one stage'}}\n"
    )
    said = terminal("train", "p.yaml", "-q")
    assert "accepted  AS301" in said.out
    assert "one site, one stage" in said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian"], "there is no verb 'trian'"),
        (["train"], "Give an EXPERIMENT, or --resume RUN"),
        (["evaluate", "last"], "There is no workspace here"),
        (["runs"], "There is no workspace here"),
        (["evaluate", "last", "--on", "train"], "'train' is not one of"),
        (["predict", "income", "nowhere.csv"], "There is no file nowhere.csv"),
    ],
)
def test_slips_of_the_fingers_are_told(terminal: Terminal, arguments: list[str], told: str) -> None:
    said = terminal(*arguments)
    assert said.status == 2
    assert told in said.err
    assert "Traceback" not in said.err
    assert list(Path().iterdir()) == []


def test_help_and_schema_are_there(terminal: Terminal) -> None:
    said = terminal("--help")
    assert said.status == 0
    for verb in ("init", "train", "evaluate", "compare", "report", "register", "predict"):
        assert f"\n  {verb} " in said.out
    assert terminal("schema").json["title"] == "Assay experiment"
    assert terminal("--version").out.startswith("assay, version")
