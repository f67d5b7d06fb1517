"""Thresholds in words: what was chosen, how far that moves, and what it is worth beside others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.estimates import Estimate
from assay.evaluation.choice import ALL_NEGATIVE, AT_HALF
from assay.evaluation.design import Design
from assay.evaluation.goals import Goal
from assay.evaluation.result import Threshold
from assay.reports import card, page
from assay.reports.thresholds import announced, decided_from, moves, threshold_plot, told
from assay.reports.wording import NARROW_SPACE, estimate, magnitude, number

from . import builders

COST = Goal(goal="cost", false_positive=1, false_negative=20)
F2 = Goal(goal="f_beta", beta=2)
PRECISION = Goal(goal="precision", recall_at_least=0.9)
RECALL = Goal(goal="recall", precision_at_least=0.8)
ALL = {"f1": Goal.of("f1"), "f2": F2, "cost": COST, "precision": PRECISION, "recall": RECALL}


@pytest.mark.parametrize("goal", ALL.values(), ids=ALL)
def test_page_and_card_tell_the_choice_and_its_worth(goal: Goal) -> None:
    content = builders.aimed(goal)
    threshold = content.threshold
    (plot,) = threshold_plot(content)
    assert plot.reading == moves(threshold)
    assert plot.reading in plot.description
    assert {mark.look for mark in plot.marks} >= {"band", "curve", "range", "here"}
    assert not any("nan" in mark.path for mark in plot.marks)
    choice = threshold.choice
    low, high = number(choice.low), number(choice.high)
    assert f"95{NARROW_SPACE}% of resamples of these rows choose between" in plot.reading
    assert low[:4] in plot.reading
    assert high[:4] in plot.reading
    html, markdown = page.render(content), " ".join(card.render(content).split())
    for sentence in (plot.reading, *told(threshold)):
        assert sentence.replace(">", "&gt;") in html
        assert " ".join(sentence.split()) in markdown
    assert announced(threshold, content.schema) == (
        [] if goal == ALL["f1"] else [decided_from(threshold, ">50K"), *told(threshold)]
    )


def test_a_cost_is_told_beside_no_model_and_theory() -> None:
    content = builders.aimed(COST)
    threshold = content.threshold
    choice, says = threshold.choice, " ".join(told(threshold))
    saved = choice.beside(AT_HALF).gain
    assert "where the expected cost per row is least" in decided_from(threshold, "yes")
    assert f"{estimate(choice.reached)}, {magnitude(saved)} less than at 0.5." in says
    assert f"All negative would be {estimate(choice.beside(ALL_NEGATIVE).reached)} per row" in says
    assert "from 0.0476 on (Elkan 2001)" in says
    assert page.render(content).count(told(threshold)[0]) == 2, "in the result and at the curve"


def test_a_model_that_saves_nothing_is_told() -> None:
    threshold = builders.aimed(COST).threshold
    choice = threshold.choice
    nothing = Estimate(0.001, -0.02, 0.02, n=100)
    others = tuple(replace(each, gain=nothing) for each in choice.alternatives)
    says = told(replace(threshold, choice=replace(choice, alternatives=others)))
    assert any("The model is not shown to be cheaper than all positive" in each for each in says)
    assert "at 0.5: the difference is within noise." in says[0]


def test_a_model_that_costs_more_than_one_answer_for_all_rows_is_told() -> None:
    threshold = builders.aimed(COST).threshold
    choice = threshold.choice
    worse = Estimate(-0.76, -0.917, -0.589, n=100)
    others = tuple(replace(each, gain=worse) for each in choice.alternatives)
    says = told(replace(threshold, choice=replace(choice, alternatives=others)))
    assert "The model costs 0.760 (0.589 to 0.917) more per row than all positive." in says
    assert not any("within noise" in each for each in says)


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        (COST, "the expected cost per row holds for these shares of the classes only, as do the "
               "threshold and decision theory's."),
        (F2, "F2 holds for these shares of the classes only, as does the threshold."),
        (PRECISION, "precision holds for these shares of the classes only."),
        (RECALL, "precision holds for these shares of the classes only, as does the threshold."),
        (Goal.of("balanced_accuracy"), ""),
    ],
)  # fmt: skip
def test_where_class_counts_are_fixed_what_depends_on_them_is_told(goal: Goal, says: str) -> None:
    content = builders.aimed(goal, Design.CLASSES)
    last = told(content.threshold)[-1]
    assert ("Class counts are fixed" in last) == bool(says)
    assert says in last
    assert last in page.render(content).replace("&#39;", "'")
    assert not any("Class counts" in each for each in told(builders.aimed(goal).threshold))


def test_a_floor_is_told_where_it_is_met_and_where_not() -> None:
    threshold = builders.aimed(PRECISION).threshold
    says = decided_from(threshold, "yes")
    assert "where precision is best with a recall of 0.9" in says
    assert told(threshold)[1].startswith(f"Their recall is {estimate(threshold.choice.held)}")
    assert "where 0.9 is asked for, and " in told(threshold)[1]
    half = replace(threshold.choice.beside(AT_HALF), held=0.0)
    none_found = replace(threshold, choice=replace(threshold.choice, alternatives=(half,)))
    assert told(none_found)[1].endswith("where 0.9 is asked for, and 0.000 at 0.5.")
    (plot,) = threshold_plot(builders.aimed(PRECISION))
    assert "short" in [mark.look for mark in plot.marks]
    out_of_reach = Threshold(0.7, RECALL, score=0.4, at_half=0.6, held=0.72)
    assert decided_from(out_of_reach, "yes") == (
        "“yes” is decided from a probability of 0.700 on. A precision of 0.8 is reached nowhere; "
        "there it comes nearest, with 0.720."
    )


def test_where_nothing_is_known_of_a_choice_nothing_is_drawn() -> None:
    content = builders.binary()
    given = replace(content, threshold=Threshold(0.3, Goal.of(0.3)))
    assert threshold_plot(given) == []
    assert announced(given.threshold, given.schema) == []
    assert "as the experiment asks" in page.render(given)
    few = replace(content.threshold.choice, low=None, high=None, lost=None, reason="few rows")
    said = moves(replace(content.threshold, choice=few))
    assert said == "How far the choice would move on other rows cannot be said: few rows."
