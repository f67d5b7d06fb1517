"""The page of a search: all that was found, drawn and said, with nothing to be fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from assay.estimates import Estimate
from assay.searching.figures import figures
from assay.searching.found import Found, Trial
from assay.searching.page import render
from assay.tuning.correction import Corrected
from assay.tuning.objective import FOLD_STEP


def trial(number: int, value: float | None, **more: object) -> Trial:
    settings = {"model.options.C": 10.0**number, "model.options.kind": ["a", "<b>"][number % 2]}
    curve: Mapping[int, float] = {n: 1 / n for n in range(1, 8)} | {FOLD_STEP: 0.5}
    values = () if value is None else (value, number + 1.0)
    state = "pruned" if value is None else "complete"
    return Trial(number, state, settings, values, (), curve, seconds=1.0, **more)  # type: ignore[arg-type]


FOUND = Found(
    study="s",
    objectives=("roc_auc", "latency_ms"),
    directions=("maximize", "minimize"),
    trials=(
        trial(0, 0.7), trial(1, 0.8), trial(2, None, reason="it <fell> behind"), trial(3, 0.75),
    ),
    best=1,
    front=(0, 1),
    corrected=Corrected("roc_auc", 0.8, Estimate(0.77, 0.7, 0.84, n=100), 3),
    importance={"model.options.C": 0.9, "model.options.kind": 0.1},
    saved=0.25,
)  # fmt: skip


def test_every_plot_is_there_with_a_sentence() -> None:
    plots = {each.title: each for each in figures(FOUND)}
    assert list(plots) == ["History", "Pareto front", "On the way", "C", "kind"]
    said = {title: each.reading.replace("\u202f", " ") for title, each in plots.items()}
    assert said == {
        "History": "The best of 3 complete trials is trial 1, with ROC AUC 0.800; corrected for "
        "having been chosen, 0.770.",
        "Pareto front": "Of 3 trials 2 are beaten by none.",
        "On the way": "1 trial of 4 ended before its time, which saved 25 % of the time.",
        "C": "The best has C 10. It explains 90 % of what differs between trials.",
        "kind": "The best has kind <b>. It explains 10 % of what differs between trials.",
    }
    assert plots["C"].x_label == "C, as a power of ten"
    assert plots["kind"].more == ["0: <b>, 1: a."]


def test_the_page_stands_alone_and_escapes_what_is_not_ours() -> None:
    page = render(FOUND, "<exp>")
    assert "<b>" not in page
    assert "<fell>" not in page
    assert "<exp>" not in page
    assert "it &lt;fell&gt; behind" in page
    for fetched in ("<script", "http://", "https://", "src=", "@import", "url("):
        assert fetched not in page
    assert render(FOUND, "<exp>") == page
    rows = re.findall(r'<th scope="row" class="number">(\d+)</th>', page)
    assert rows == ["1", "3", "0", "2"], "the best first, those without a score last"


@pytest.mark.parametrize(
    "corrected", [None, Corrected("roc_auc", 0.8, Estimate(0.77, None, None, n=9), 2)]
)
def test_what_is_not_known_is_left_out(corrected: Corrected | None) -> None:
    one = replace(
        FOUND, objectives=("roc_auc",), directions=("maximize",), front=(), corrected=corrected,
        trials=(trial(1, 0.8),), importance={}, saved=0.0,
    )  # fmt: skip
    one = replace(one, trials=tuple(replace(each, curve={}, values=(0.8,)) for each in one.trials))
    assert [each.title for each in figures(one)] == ["History", "C", "kind"]
    assert "What mattered" not in render(one, "e")
