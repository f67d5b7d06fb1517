"""What the report says of labels stays readable, however many there are and however rare."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from assay.data.profiling import profile
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.evaluation.by_class import by_class
from assay.evaluation.curves import Curves
from assay.evaluation.evaluate import judge_together
from assay.evaluation.outcome import Outcome, most_probable
from assay.reports import by_label, card
from assay.reports.content import ReportContent
from assay.reports.page import render
from assay.reports.worst import MOST_LABELS, worst_mistakes
from tests.reports.builders import binary
from tests.reports.markup import Markup

N = 400


@cache
def content(k: int) -> ReportContent:
    """A run on k labels; the first is on no row, and never given."""
    random = np.random.default_rng(0)
    names = tuple(f"label {code:02d}" for code in range(k))
    truth = (random.random((N, k)) < np.linspace(0.05, 0.6, k)).astype(np.int64)
    truth[:, 0] = 0
    said = np.clip(0.3 * truth + 0.7 * random.random((N, k)), 0.0, 1.0)
    said[:, 0] = 0.01
    outcome = Outcome(
        Task.MULTILABEL, np.arange(N), truth, names, said, most_probable(Task.MULTILABEL, said)
    )
    columns = (
        Column("x", Kind.NUMERIC, Role.FEATURE, "float", "numbers", N, 0.0),
        Column("tags", Kind.LABELS, Role.TARGET, "list of text", "any number", k, 0.0),
    )
    schema = Schema(columns, "tags", Task.MULTILABEL, names)
    lists = [[names[code] for code in np.flatnonzero(row)] for row in truth]
    table = pa.table({"x": random.normal(size=N), "tags": pa.array(lists, pa.list_(pa.string()))})
    [judged] = judge_together(
        {"": outcome}, rows="out-of-fold", primary="log_loss", level=0.95, resamples=20
    ).values()
    return replace(
        binary(),
        schema=schema,
        evaluation=judged.evaluation,
        classes=by_class(outcome, 0.95),
        curves=Curves(),
        threshold=None,
        profile=profile(table, schema),
        mistakes=worst_mistakes(outcome, table, outcome.rows, schema),
        label_errors=None,
        opposites=None,
        segments=None,
        test=None,
        importance=(),
    )


@pytest.mark.parametrize("k", [3, 60])
def test_labels_stand_weakest_first_and_one_that_nothing_is_known_of_last(k: int) -> None:
    plot = by_label.plot(content(k))
    assert plot is not None
    rows = [*plot.shown.rows, *(plot.folded.rows if plot.folded else ())]
    assert len(rows) == k
    assert len(plot.shown.rows) == min(k, by_label.SHOWN)
    at = [row.at for row in rows if row.at is not None]
    assert (at, len(at)) == (sorted(at), k - 1)
    assert (rows[-1].name, rows[-1].value) == ("label 00", "none")
    assert rows[-1].interval == "no row has it or is given it"


@pytest.mark.parametrize("k", [3, 60])
def test_the_page_is_whole_and_speaks_of_labels(k: int) -> None:
    page = Markup(render(content(k)))
    assert len(page.ids) == len(set(page.ids))
    assert ("40 stronger labels" in page.seen) == (k == 60)
    assert ("(multilabel: 60 labels)" in page.seen) == (k == 60)
    assert ("Precision and recall of 60 labels" in page.seen) == (k == 60)
    assert f"of {k} labels, on" in page.seen
    assert "Labels of tags" in page.seen
    assert "By class" not in page.seen
    assert "no row has it" in page.seen


def test_of_many_labels_a_mistake_names_those_that_are_wrong() -> None:
    mistakes = content(60).mistakes
    assert mistakes is not None
    for each in mistakes.rows:
        assert each.truth.count("label") == MOST_LABELS
        assert each.truth.endswith(" more")
        assert each.worst.removeprefix("not ").startswith("label")
        assert 0.5 <= (each.confidence or 0.0) <= 1


def test_how_many_labels_rows_have_is_told() -> None:
    target = content(60).profile.target  # type: ignore[union-attr]
    told = by_label.per_row(content(60))
    assert told is not None
    width = -(-(len(target.per_row) - 1) // 6)
    for part in told.parts:
        first, last = map(int, re.findall(r"\d+", part.name))
        assert (last - first < width, part.n) == (True, sum(target.per_row[first : last + 1]))
    assert sum(part.n for part in told.parts) == N == sum(target.per_row)
    held = sum(target.classes.values())
    assert f"A row has {held / N:.2f} labels on average" in told.reading
    few = by_label.per_row(content(3))
    assert few is not None
    assert {part.name for part in few.parts} == {"no label", "1 label", "2 labels"}


def test_a_run_that_was_recorded_before_says_nothing_of_it() -> None:
    assert by_label.per_row(replace(content(3), profile=None)) is None
    assert by_label.together(replace(content(3), profile=None)) is None
    assert by_label.plot(binary()) is None
    assert by_label.named(binary()) == ""


def test_the_card_counts_the_labels_that_it_does_not_name() -> None:
    told = card.render(content(60))
    assert "and 30 more labels" in told
    assert "| label 00 | 0 | no row is given it | no row has it |" in told
