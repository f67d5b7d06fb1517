"""Rows with several labels, from a table of yes and no to a page, a card and predictions."""

from __future__ import annotations

import re
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pyarrow.parquet

import assay
from tests.journeys.terminal import Terminal
from tests.reports.markup import Markup

LABELS = ["hot", "rare", "wet"]
N = 500


def weather() -> pd.DataFrame:
    """A column of 0 and 1 for each label; 'rare' only where it is hot."""
    random = np.random.default_rng(0)
    x = random.normal(size=(N, 3))
    kind = random.choice(["r", "g", "b"], N)
    hot = x[:, 0] + random.normal(scale=0.7, size=N) > 0
    return pd.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "c": np.where(random.random(N) < 0.1, np.nan, x[:, 2]),
            "kind": kind,
            "hot": hot.astype(int),
            "wet": (x[:, 1] + (kind == "r") > 1).astype(int),
            "rare": (hot & (x[:, 2] + random.normal(scale=0.5, size=N) > 0.6)).astype(int),
        }
    )


def test_from_columns_of_yes_and_no_to_predictions(
    terminal: Terminal, tmp_path: Path, workspace: Path
) -> None:
    frame = weather()
    frame.to_csv("weather.csv", index=False)

    said = terminal("init", "weather.csv", "--target", "hot,wett,rare")
    assert said.status == 2
    assert "mend:  --target hot,wet,rare" in said.err
    said = terminal("init", "weather.csv", "--target", "hot", "--target", "wet,rare")
    assert "multilabel task, 4 features, target hot, wet, rare." in said.out
    written = Path("weather.yaml").read_text()
    assert "  target: [hot, wet, rare]\n  task: multilabel          # labels: hot, rare" in written

    linear = ("--set", "model.learner=linear", "--seeds", "1", "-q")
    segmented = ("--set", "data.roles.segments=[kind]")
    said = terminal("train", "weather.yaml", *linear)
    assert (said.status, said.err) == (0, "")
    assert "Macro ROC AUC" in said.out
    other = terminal("train", "weather.yaml", *linear, "--json", "--set", "model.options.C=0.001",
                     "--set", "evaluation.primary=exact_match").json  # fmt: skip
    assert {"exact_match", "f1_macro", "hamming_loss"} <= set(other["metrics"])

    compared = terminal("compare", "linear-seeds1", other["name"], "--html", "compared.html")
    assert "All labels right by linear-seeds1 only" in compared.out
    assert "Exact match" in compared.out
    assert (
        "Rows by who gets all their labels right" in Markup(Path("compared.html").read_text()).seen
    )
    both = terminal("compare", "linear-seeds1", other["name"], "--json").json
    assert sum(both["runs"][0]["decisions"][part] for part in _PARTS) == both["n"]

    tested = terminal("evaluate", "linear-seeds1", "--on", "test", "--json", "-q").json
    assert set(tested["metrics"]) == set(other["metrics"])
    _check_page(Path(terminal("report", "linear-seeds1").out.strip()), frame)
    _check_card(Path(terminal("report", "linear-seeds1", "--card").out.splitlines()[0]))
    _check_mistakes(Path(terminal("report", "linear-seeds1", "--mistakes").out.strip()))

    said = terminal("train", "weather.yaml", *linear, *segmented, "--json")
    [division] = said.json["segments"]["divisions"]
    assert {each["definition"] for each in division["segments"]} == {
        "kind = r",
        "kind = g",
        "kind = b",
    }

    said = terminal("reproduce", "linear-seeds1", "-q")
    assert said.status == 0
    assert "is identical to weather/linear-seeds1" in said.out
    frame.drop(columns="wet").to_csv("less.csv", index=False)
    said = terminal("reproduce", "linear-seeds1", "--data", "less.csv", "-q")
    assert "columns gone: wet" in said.err
    assert "labels" not in said.err

    terminal("register", "linear-seeds1", "--as", "weather")
    _check_predictions(terminal, frame)


_PARTS = ("both", "only_first", "only_second", "neither")


def _check_page(path: Path, frame: pd.DataFrame) -> None:
    page = Markup(path.read_text())
    assert "predicts labels (multilabel: hot, rare, wet) from 4 features" in page.seen
    assert "Exact match: the share of rows of which all labels are right." in page.seen
    headings = re.findall(r"<h[23][^>]*>([^<]+)</h", path.read_text())
    assert {"By label", "Labels", "Labels of a row", "Labels on the same row"} <= set(headings)
    assert {"By class", "Curves", "Confusion matrix"}.isdisjoint(headings)
    assert "#curves" not in page.values("href")
    assert "class" not in page.seen.partition("Experiment file")[0]
    assert re.search(r"[\d,]+ of 400 rows \(\d+\W%\) have at least one label that was", page.seen)
    assert "“hot” and “rare” are on the same row more often than chance would have it" in page.seen
    rows = frame[LABELS].sum()
    of_data = page.seen.partition("is the most frequent of 3 labels")[2]
    for name, n in re.findall(r"(hot|rare|wet) (\d+) \d+\W%", of_data.partition("Labels of")[0]):
        assert 0 <= rows.pop(name) - int(n) <= 100, "the sealed rows are not counted"
    assert rows.empty
    average = re.search(r"A row has (\d\.\d\d) labels on average", page.seen)
    assert average is not None
    assert abs(float(average[1]) - frame[LABELS].sum(axis=1).mean()) < 0.05


def _check_card(path: Path) -> None:
    card = path.read_text()
    assert "predicts `labels` (multilabel: hot, rare, wet)" in card
    assert re.search(r"- label `hot`: on \d+\W% of the rows", card)
    assert "| Label | Rows with it | Precision | Recall | F1 |" in card
    assert "class" not in card.lower()


def _check_mistakes(path: Path) -> None:
    mistakes = pd.read_csv(path)
    assert [*mistakes] == ["row", "truth", "predicted", "worst", "confidence", "log_loss"]
    assert (mistakes.truth != mistakes.predicted).all()
    assert mistakes.log_loss.is_monotonic_decreasing
    assert mistakes.confidence.between(0.5, 1).all()
    for each in mistakes.itertuples():
        said = each.worst.removeprefix("not ")
        lacks, has = (each.predicted, each.truth)[:: 1 if each.worst == f"not {said}" else -1]
        assert said not in lacks.split(", ")
        assert said in has.split(", ")


def _check_predictions(terminal: Terminal, frame: pd.DataFrame) -> None:
    terminal("predict", "weather", "weather.csv", "--out", "said.csv", "-q")
    terminal("predict", "weather", "weather.csv", "--out", "said.parquet", "-q")
    listed = pyarrow.parquet.read_table("said.parquet")
    assert str(listed.schema.field("prediction").type) == "list<element: string>"
    rows = listed.to_pylist()
    for row in rows:
        assert row["prediction"] == [each for each in LABELS if row[f"probability_{each}"] >= 0.5]
    table = pd.read_csv("said.csv", keep_default_na=False)
    assert table.prediction.tolist() == ["; ".join(row["prediction"]) for row in rows]
    assert {"", "hot", "hot; rare"} <= set(table.prediction)
    assert terminal("predict", "weather", "weather.csv", "-q").out == Path("said.csv").read_text()
    shown = terminal("predict", "weather", "weather.csv", "--json", "-q").json
    assert shown["predictions"][0]["prediction"] == rows[0]["prediction"]

    features = frame.drop(columns=LABELS)
    folder = next(Path().glob("workspace/artifacts/weather/models/*/artifacts"))
    ours = assay.load(str(folder))
    plain = mlflow.pyfunc.load_model(str(folder))
    assert str(plain.metadata.signature.outputs) == "['prediction': Array(string) (required)]"
    assert plain.predict(features)["prediction"].tolist() == list(ours.predict(features))
    probabilities = plain.predict(features, params={"output": "probabilities"})
    assert [*probabilities] == LABELS
    np.testing.assert_array_equal(probabilities.to_numpy(), ours.predict_proba(features))
