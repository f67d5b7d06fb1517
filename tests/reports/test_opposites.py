"""Rows alike with other labels, on the page and in the table of all mistakes."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.evaluation.details import OppositeLabels, OppositePair
from assay.findings import Severity
from assay.reports.mistakes import Opposites, Seen
from assay.reports.opposites import opposite_table
from assay.reports.page import render
from assay.reports.wording import NARROW_SPACE
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.tables import table

from . import builders
from .markup import Markup

PAIRS = tuple(OppositePair(row, "<yes>", row + 100, "no", ("b",)) for row in range(30))


def shown(found: OppositeLabels) -> Opposites:
    rows = tuple(row for each in found.pairs[:10] for row in (each.row, each.twin))
    columns = (
        Seen("b", tuple(row / 8 for row in rows)),
        Seen("said", tuple("good and <cheap> " * 40 for _ in rows), is_text=True),
    )
    return Opposites(found, rows, columns, ())


def test_what_bounds_every_model_is_a_sentence_and_no_alarm() -> None:
    found = OppositeLabels(of=1000, beyond=21, n=0, twins=0, agree=1.0, pairs=())
    content = replace(builders.binary(), opposites=Opposites(found, (), (), ()))
    seen = Markup(render(content)).seen.replace(NARROW_SPACE, " ")
    assert (
        "Every model of these features gets at least 21 of 1,000 development rows (2.1 %) wrong: "
        "rows of several classes have the very same features." in seen
    )
    assert "of copies with different labels" not in seen
    assert opposite_table(builders.binary()) is None


@pytest.mark.parametrize(
    ("n", "agree", "told"),
    [
        (1, 0.97, "97 % of the copies have the same label; in this pair they differ. Either one of "
                  "the two labels is wrong, or what tells the rows apart is in no column."),
        (30, 0.5, "50 % of the copies have the same label; in these 30 pairs they differ. What "
                  "tells such rows apart is in no column, or their labels say little. These 10 are "
                  "the most one-sided; assay report --mistakes writes all of them."),
        (40, 0.9, "assay report --mistakes writes the first 30."),
    ],
)  # fmt: skip
def test_what_it_may_mean_depends_on_how_often_copies_agree(
    n: int, agree: float, told: str
) -> None:
    found = OppositeLabels(of=1000, beyond=0, n=n, twins=400, agree=agree, pairs=PAIRS[:n])
    read = opposite_table(replace(builders.binary(), opposites=shown(found)))
    assert read is not None
    assert read.bound == ""
    reading = read.reading.replace(NARROW_SPACE, " ")
    assert reading.startswith("400 rows have a copy, which is the same or nearly so")
    assert reading.endswith(told)


def test_pairs_stand_side_by_side_with_what_differs_marked() -> None:
    found = OppositeLabels(of=1000, beyond=0, n=2, twins=40, agree=0.9, pairs=PAIRS[:2])
    html = render(replace(builders.binary(), opposites=shown(found)))
    page = Markup(html)
    assert "2 pairs of copies with different labels" in page.seen
    assert html.count("<mark>") == 4
    assert "<mark>12.625</mark>" in html
    assert "<cheap>" not in html
    assert "good and <cheap> good" in unescape(html)


def test_the_words_in_which_texts_differ_are_marked_also_where_they_are_unfolded() -> None:
    pair = OppositePair(1, "yes", 101, "no", ("said",))
    found = OppositeLabels(of=1000, beyond=0, n=1, twins=40, agree=0.9, pairs=(pair,))
    text = "A <good> thing " + "and so on " * 50 + "until the end"
    other = text.replace("<good>", "<fine>").replace("the end", "the very last end")
    columns = (Seen("said", (text, other), is_text=True), Seen("b", (text, other), is_text=True))
    html = render(replace(builders.binary(), opposites=Opposites(found, (1, 101), columns, ())))
    marked = [unescape(each).strip() for each in re.findall(r"<mark>(.*?)</mark>", html)]
    assert marked == ["<good>", "<fine>", "very last"]
    assert Markup(html).seen.count("A <good> thing") == 2


@pytest.mark.parametrize("other", ["one  two three", "ONE TWO THREE"])
def test_texts_that_differ_in_white_space_or_case_are_marked_whole(other: str) -> None:
    pair = OppositePair(1, "yes", 101, "no", ("said",))
    found = OppositeLabels(of=1000, beyond=0, n=1, twins=40, agree=0.9, pairs=(pair,))
    columns = (Seen("said", ("one two three", other), is_text=True),)
    html = render(replace(builders.binary(), opposites=Opposites(found, (1, 101), columns, ())))
    assert re.findall(r"<mark>(.*?)</mark>", html) == ["one two three", other]


def trained(frame: pd.DataFrame) -> tuple[Run, MemoryStore]:
    store = MemoryStore()
    settings = {"training": {"seeds": 1}}
    return assay.train(frame, target="y", learner="linear", settings=settings, store=store), store


def test_training_finds_them_and_the_table_of_mistakes_has_them() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(500, 4)), columns=list("abcd"))
    frame["y"] = np.where(frame["a"] + frame["b"] > 0, "yes", "no")
    copies = frame[:150].copy()
    copies.loc[:11, "y"] = np.where(copies.loc[:11, "y"] == "yes", "no", "yes")
    run, store = trained(pd.concat([frame, copies], ignore_index=True))
    assert run.opposites is not None
    found = run.opposites.found
    assert 3 <= found.n == found.beyond <= 12, "some are sealed"
    assert all(abs(each.row - each.twin) == 500 for each in found.pairs)
    assert {each.name for each in run.opposites.columns} == set("abcd")
    first = run.opposites.columns[0]
    assert first.cells[0] == first.cells[1]
    assert Run.from_dict(run.as_dict()).opposites == run.opposites
    assert run.report is not None
    assert "pairs of copies with different labels" in run.report.read_text(encoding="utf-8")
    table = pd.read_csv(assay.report(run, "mistakes", store=store)).dropna(subset="alike_row")
    assert dict(zip(table["row"], table["alike_row"], strict=True)) == {
        each.row: each.twin for each in found.pairs
    }
    assert (table["truth"] != table["alike_label"]).all()
    clean, _ = trained(frame)
    assert clean.opposites is None


def test_what_breaks_while_looking_for_them_loses_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(part: object, raw: object) -> None:
        raise MemoryError("no room for the hashes")

    monkeypatch.setattr("assay.looking.opposite_labels", broken)
    run, store = trained(table(Task.BINARY, 300))
    assert run.opposites is None
    assert run.mistakes is not None
    said = run.findings[0]
    assert (said.code, said.severity) == ("AS201", Severity.WARN)
    assert said.title == (
        "Looking for rows that are alike but for their label broke, so this was not looked at."
    )
    assert said.evidence == {"error": "MemoryError: no room for the hashes"}
    assert assay.evaluate(run, store=store).findings == run.findings
    assert run.report is not None
    assert "no room for the hashes" in run.report.read_text(encoding="utf-8")
