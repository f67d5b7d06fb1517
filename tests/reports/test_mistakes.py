"""The mistakes to look at: the worst, of several confusions, never sealed, shown as they are."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

import assay
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.errors import InputError
from assay.estimates import Estimate
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Importance
from assay.reports.content import ReportContent
from assay.reports.mistake_table import mistake_table
from assay.reports.mistakes import Mistakes
from assay.reports.page import render
from assay.reports.sample import losses
from assay.reports.wording import NARROW_SPACE
from assay.reports.worst import MOST_ROWS, worst_mistakes
from assay.run import Run
from assay.tracking.memory import MemoryStore

from . import builders
from .markup import Markup

N = 300
SPACED = str.maketrans({NARROW_SPACE: " "})


def column(name: str, kind: Kind = Kind.NUMERIC, role: Role = Role.FEATURE) -> Column:
    return Column(name, kind, role, "string", "", 5, 0.0)


def schema(task: Task, *columns: Column, n_classes: int = 2) -> Schema:
    classes = tuple("abcdefgh"[:n_classes]) if task.is_classification else ()
    return Schema((*columns, column("y", role=Role.TARGET)), "y", task, classes)


def outcome(n_classes: int = 2, n: int = N, seed: int = 1) -> Outcome:
    """Probabilities at random, on every second row."""
    random = np.random.default_rng(seed)
    task = Task.BINARY if n_classes == 2 else Task.MULTICLASS
    said = random.dirichlet(np.ones(n_classes), n)
    truth = random.integers(0, n_classes, n)
    return replace(
        builders.outcome(task, truth, said, classes=tuple("abcdefgh"[:n_classes])),
        rows=np.arange(0, 2 * n, 2),
    )


def picked(made: Outcome, *columns: Column, folder: Path = Path(), **held: Any) -> Mistakes:
    """The mistakes in a table of these columns."""
    images = held.pop("images", {})
    importance = held.pop("importance", ())
    table = pa.table({"y": ["?"] * len(made), **held})
    described = schema(made.task, *columns, n_classes=len(made.classes))
    return worst_mistakes(
        made, table, made.rows, described, importance=importance, images=images, folder=folder
    )


def page(mistakes: Mistakes | None, content: ReportContent | None = None) -> Markup:
    return Markup(render(replace(content or builders.multiclass(), mistakes=mistakes)))


def section(mistakes: Mistakes | None, content: ReportContent | None = None) -> str:
    """What is read in the section."""
    html = render(replace(content or builders.multiclass(), mistakes=mistakes))
    [found] = re.findall(r'<section id="mistakes".*?</section>', html, re.DOTALL)
    return Markup(found).seen.translate(SPACED)


@pytest.mark.parametrize("n_classes", [2, 3, 8])
def test_at_most_ten_rows_are_shown_and_few_of_one_confusion(n_classes: int) -> None:
    made = outcome(n_classes)
    mistakes = picked(made, column("a"), a=np.arange(N))
    assert len(mistakes.rows) == MOST_ROWS
    confusions = Counter((each.truth, each.said) for each in mistakes.rows)
    assert max(confusions.values()) <= (5 if n_classes == 2 else 3)
    assert all(truth != said for truth, said in confusions)
    assert mistakes.n == (made.decided != made.truth).sum()


def test_they_are_the_worst_of_their_confusion() -> None:
    made = outcome(3)
    loss = dict(zip(made.rows.tolist(), losses(made).tolist(), strict=True))
    mistakes = picked(made, column("a"), a=np.arange(N))
    shown = [loss[each.row] for each in mistakes.rows]
    assert shown == sorted(shown, reverse=True)
    full = {each for each, n in Counter((m.truth, m.said) for m in mistakes.rows).items() if n == 3}
    numbers = {each.row for each in mistakes.rows}
    assert made.decided is not None
    for at, row in enumerate(made.rows.tolist()):
        truth, said = (made.classes[code] for code in (made.truth[at], made.decided[at]))
        if truth != said and row not in numbers and loss[row] > shown[-1]:
            assert (truth, said) in full


def test_a_row_is_told_with_what_was_said_of_it() -> None:
    made = outcome(3)
    mistakes = picked(made, column("a"), a=np.arange(N))
    for each in mistakes.rows:
        given = made.known_probabilities[each.row // 2]
        assert each.confidence == given["abc".index(each.said)] == given.max()
        assert each.for_truth == given["abc".index(each.truth)]
        assert mistakes.columns[0].cells[mistakes.rows.index(each)] == each.row // 2


def test_no_mistakes_are_said_to_be_none() -> None:
    truth = np.array([0, 1, 2] * 10)
    made = builders.outcome(Task.MULTICLASS, truth, np.eye(3)[truth], classes=tuple("abc"))
    mistakes = picked(made, column("a"), a=np.arange(30))
    assert mistakes.rows == ()
    seen = section(mistakes)
    assert seen == "Mistakes to look at No row was taken for another class."
    exact = builders.outcome(Task.REGRESSION, np.arange(30.0), np.arange(30.0))
    seen = section(picked(exact, column("a"), a=np.arange(30)), builders.regression())
    assert seen == "Mistakes to look at Every row was predicted exactly."


def test_runs_recorded_without_them_still_make_a_page() -> None:
    assert section(None) == "Mistakes to look at This run was recorded without them."


def test_a_regression_shows_how_far_it_is_off() -> None:
    truth = np.array([10.0, 20.0, 30.0, 40.0])
    said = np.array([11.0, 20.0, 5.0, 52.5])
    made = builders.outcome(Task.REGRESSION, truth, said)
    mistakes = picked(made, column("size"), size=[1, 2, 3, None])
    assert [each.row for each in mistakes.rows] == [2, 3, 0]
    seen = section(mistakes, builders.regression())
    assert "Half of the rows are off by at most 6.75; these 3 are furthest off." in seen
    assert "2 30.0 5.0 25.0 too low 3" in seen
    assert "3 40.0 52.5 12.5 too high missing" in seen


def test_the_number_of_all_mistakes_is_told() -> None:
    mistakes = picked(outcome(3), column("a"), a=np.arange(N))
    told = f"{mistakes.n} of 300 rows ({mistakes.n / 3:.0f} %) were taken for another class."
    more = "These 10 gave the truth the least probability, at most 3 of one confusion."
    assert f"{told} {more}" in section(mistakes)
    made = outcome()
    same = replace(made, truth=np.zeros(N, dtype=np.int64), decided=np.ones(N, dtype=np.int64))
    assert section(picked(same, column("a"), a=np.arange(N)), builders.binary()).startswith(
        "Mistakes to look at 300 of 300 rows (100 %) were taken for another class. "
        "These 10 gave the truth the least probability. All are"
    )
    one = picked(
        builders.outcome(Task.BINARY, np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]),
                         classes=("a", "b")),
        column("a"), a=[1, 2],
    )  # fmt: skip
    assert "1 of 2 rows (50 %) was taken for another class. All are" in section(one)


def test_features_stand_beside_them_in_the_order_of_their_importance() -> None:
    columns = [column(each) for each in "abcdefg"] + [column("who", role=Role.ID)]
    held = {each: np.arange(N) for each in "abcdefg"} | {"who": np.arange(N)}
    drop = Estimate(0.1, 0.0, 0.2, n=N)
    importance = [Importance("f", drop), Importance("b + d", drop, ("b", "d"))]
    mistakes = picked(outcome(), *columns, importance=importance, **held)
    assert [each.name for each in mistakes.columns] == ["who", "f", "b", "d", "a", "c"]


def test_texts_ids_and_groups_stand_beside_them() -> None:
    texts = [f"text no. {n}" for n in range(N)]
    columns = (
        column("question", Kind.TEXT),
        column("secret", Kind.TEXT, Role.IGNORED),
        column("who", Kind.CATEGORICAL, Role.GROUP),
        column("price"),
        column("answer", Kind.TEXT),
    )
    held = {each.name: texts for each in columns} | {"price": np.arange(N)}
    mistakes = picked(outcome(), *columns, **held)
    assert [each.name for each in mistakes.columns] == ["question", "answer", "who"]
    seen = section(mistakes, builders.binary())
    row = mistakes.rows[0].row
    assert seen.count(f"text no. {row // 2}") == 3
    assert f"row {row} who text no. {row // 2} question" in seen


def test_a_long_text_is_unfolded_up_to_a_limit() -> None:
    words = " ".join(f"word{n}" for n in range(1000))
    assert len(words) > 5000
    mistakes = picked(outcome(), column("text", Kind.TEXT), text=[words] * N)
    table = mistake_table(replace(builders.binary(), mistakes=mistakes))
    assert table is not None
    [text] = table.rows[0].texts
    assert f"{text.beginning} {text.rest}" == words[:1999] + "…"
    assert 250 < len(text.beginning) <= 320
    assert "more characters" in section(mistakes)
    assert len(render(replace(builders.binary(), mistakes=mistakes))) < 200_000


def test_texts_are_escaped() -> None:
    evil = "<script>alert('x')</script><img src=x onerror=alert(1)>"
    mistakes = picked(outcome(), column("text", Kind.TEXT), text=[evil] * N)
    html = render(replace(builders.binary(), mistakes=mistakes))
    assert "<script" not in html
    assert "<img" not in html
    assert section(mistakes).count(evil) == MOST_ROWS


@pytest.mark.parametrize("form", ["files", "pixels", "paths"])
def test_pictures_are_seen(form: str, tmp_path: Path) -> None:
    shades = np.random.default_rng(0).integers(0, 255, (N, 20, 30), dtype=np.uint8)
    files = []
    for at, each in enumerate(shades):
        file = BytesIO()
        Image.fromarray(each).save(file, "png")
        files.append(file.getvalue())
        if form == "paths":
            (tmp_path / f"{at}.png").write_bytes(file.getvalue())
    made = outcome()
    if form == "paths":
        paths = [f"{at}.png" for at in range(N)]
        named = column("photo", Kind.CATEGORICAL, Role.ID)
        mistakes = picked(made, named, photo=paths, folder=tmp_path)
    else:
        held = files if form == "files" else list(shades)
        photo = column("photo", Kind.IMAGE)
        mistakes = picked(made, photo, photo=["not looked at"] * N, images={"photo": held})
    markup = page(mistakes)
    sources = markup.values("src")
    assert len(sources) == MOST_ROWS
    for mistake, source in zip(mistakes.rows, sources, strict=True):
        shown = Image.open(BytesIO(b64decode(source.removeprefix("data:image/png;base64,"))))
        assert (np.asarray(shown) == shades[mistake.row // 2]).all()
    assert markup.values("alt")[0] == f"photo of row {mistakes.rows[0].row}"


def test_large_pictures_are_made_small_and_broken_ones_said_to_be_missing() -> None:
    file = BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "png")
    held = [file.getvalue() if at % 2 else b"broken" for at in range(N)]
    mistakes = picked(
        outcome(), column("photo", Kind.IMAGE), photo=[""] * N, images={"photo": held}
    )
    [pictures] = mistakes.pictures
    for mistake, picture in zip(mistakes.rows, pictures.cells, strict=True):
        assert (picture is None) == (mistake.row // 2 % 2 == 0)
        assert picture is None or (picture.width, picture.height) == (160, 120)
    assert "no picture" in section(mistakes)
    assert len(render(replace(builders.binary(), mistakes=mistakes))) < 500_000


@pytest.mark.parametrize("kind", ["texts", "pictures"])
def test_what_is_recorded_is_read_back(kind: str) -> None:
    for content in (builders.seen(kind, builders.multiclass()), builders.regression()):
        assert content.mistakes is not None
        record = json.loads(json.dumps(content.mistakes.as_dict(), allow_nan=False))
        assert Mistakes.from_dict(record) == content.mistakes


def trained(frame: pd.DataFrame, **settings: Any) -> tuple[Run, MemoryStore]:
    store = MemoryStore()
    given = {"training": {"seeds": 1}, **settings}
    return assay.train(frame, target="y", learner="linear", settings=given, store=store), store


def test_no_text_of_a_sealed_row_is_in_the_page() -> None:
    random = np.random.default_rng(0)
    n = 240
    frame = pd.DataFrame({"y": random.choice(["no", "yes"], n)})
    frame["part"] = np.where(np.arange(n) % 4 == 0, "test", "train")
    words = random.choice(["good", "bad", "rather", "plain", "story", "never"], (n, 6))
    frame["text"] = [f"{' '.join(each)} of-row-{at}-" for at, each in enumerate(words)]
    split = {"by": "column", "column": "part"}
    run, store = trained(frame, data={"split": split, "kinds": {"text": "text"}})
    assert run.report is not None
    assert run.mistakes is not None
    first = run.report.read_text(encoding="utf-8")
    shown = {int(each) for each in re.findall(r"of-row-(\d+)-", first)}
    assert shown == {each.row for each in run.mistakes.rows}
    assert len(shown) == MOST_ROWS
    assert all(each % 4 for each in shown)
    assert assay.report(run, store=store).read_text(encoding="utf-8") == first
    opened = assay.evaluate(run, on="test", store=store)
    assert opened.report is not None
    again = opened.report.read_text(encoding="utf-8")
    assert {int(each) for each in re.findall(r"of-row-(\d+)-", again)} == shown


def test_training_shows_the_features_that_the_model_uses_most() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(300, 9)), columns=list("abcdefghi"))
    frame["y"] = np.where(frame["g"] + 0.3 * random.normal(size=300) > 0, "yes", "no")
    run, _ = trained(frame)
    assert run.mistakes is not None
    assert [each.name for each in run.mistakes.columns] == [
        each.feature for each in run.importance[:5]
    ]
    assert run.mistakes.columns[0].name == "g"
    row = run.mistakes.rows[0].row
    assert run.mistakes.columns[0].cells[0] == frame["g"][row]
    assert run.mistakes.rows[0].truth == frame["y"][row]


def test_planted_labels_are_told_and_in_the_table_of_all_mistakes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(1500, 4)), columns=list("abcd"))
    right = np.where(frame["a"] + frame["b"] > 0, "yes", "<no>")
    flipped = random.random(1500) < 0.05
    frame["y"] = np.where(flipped, np.where(right == "yes", "<no>", "yes"), right)
    run, store = trained(frame)
    assert run.report is not None
    seen = Markup(run.report.read_text(encoding="utf-8")).seen
    [shown] = re.findall(r"(\d+) labels that may be wrong", seen)
    path = assay.report(run, "mistakes", store=store)
    assert path.name == f"{run.report.stem}.mistakes.csv"
    table = pd.read_csv(path)
    suspected = table.dropna(subset="likely_label")
    assert flipped[suspected["row"]].mean() > 0.9
    assert len(suspected) == int(shown)
    assert (suspected["likely_label"] == right[suspected["row"]]).mean() > 0.9
    elsewhere = assay.report(run, "mistakes", out=tmp_path / "all.parquet", store=store)
    assert pd.read_parquet(elsewhere)["row"].tolist() == table["row"].tolist()
    with pytest.raises(InputError, match="no report 'mistake'"):
        assay.report(run, "mistake", store=store)  # type: ignore[arg-type]
    frame["y"] = right
    clean, _ = trained(frame)
    assert clean.report is not None
    assert "may be wrong" not in clean.report.read_text(encoding="utf-8")
