"""What the report says of a run follows from the intervals, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import norm

from assay.estimates import Estimate
from assay.evaluation.intervals import widened
from assay.evaluation.result import Difference
from assay.reports import dots, verdicts
from assay.reports.content import BaselineContent, ReportContent, SeedSpread
from assay.reports.wording import MINUS, NARROW_SPACE

from . import builders


def _beside(*gains: tuple[str, Estimate, str | None]) -> ReportContent:
    """A content whose model has these gains over baselines: name, difference, better."""
    content = builders.regression()
    weak = content.baselines[0].evaluation
    return replace(
        content,
        learner="boosting",
        baselines=[
            BaselineContent(name, weak, Difference("r2", 0.0, 0.0, estimate, better, "-"))
            for name, estimate, better in gains
        ],
    )


_FIRM = Estimate(0.021, 0.018, 0.024, n=900)
_LARGE = Estimate(0.41, 0.39, 0.43, n=900)
_OPEN = Estimate(0.002, -0.001, 0.005, n=900)


def test_the_hardest_baseline_is_named() -> None:
    content = _beside(("constant", _LARGE, "second"), ("linear", _FIRM, "second"))
    verdict = verdicts.against_baselines(content)
    assert verdict.tone == "good"
    assert verdict.text == (
        "boosting beats linear in R² by 0.0210 (0.0180 to 0.0240), the strongest of 2 baselines."
    )


def test_a_metric_that_is_better_when_lower_is_told_without_a_sign() -> None:
    lower = Estimate(-0.24, -0.26, -0.23, n=900)
    text = verdicts.against_baselines(_beside(("constant", lower, "second"))).text
    assert text == "boosting beats constant in R² by 0.240 (0.230 to 0.260)."


def test_noise_is_called_noise() -> None:
    content = _beside(("constant", _LARGE, "second"), ("linear", _OPEN, None))
    verdict = verdicts.against_baselines(content)
    assert verdict.tone == "even"
    assert verdict.text == (
        "boosting cannot be told from linear in R²: "
        f"difference 0.00200 ({MINUS}0.00100 to 0.00500)."
    )


def test_a_defeat_outweighs_everything() -> None:
    content = _beside(("linear", _FIRM, "first"), ("other", _OPEN, None))
    verdict = verdicts.against_baselines(content)
    assert (verdict.tone, verdict.text) == (
        "bad",
        "linear beats boosting in R² by 0.0210 (0.0180 to 0.0240).",
    )


def test_without_an_interval_there_is_no_verdict() -> None:
    unknown = Estimate.without_interval(0.1, n=9, reason="9 rows are too few")
    content = _beside(("constant", unknown, None))
    verdict = verdicts.against_baselines(content)
    assert verdict.tone == "even"
    assert "they differ by 0.100, no interval: 9 rows are too few" in verdict.text
    assert dots.against_baselines(content).rows[1].note == "differs by 0.100"


@pytest.mark.parametrize(
    ("drop", "tone", "said"),
    [(0.004, "good", "bears out"), (0.05, "bad", "worse than announced by 0.0500"),
     (-0.05, "even", "better than announced by 0.0500")],
)  # fmt: skip
def test_the_sealed_rows_judge_the_announced_number(drop: float, tone: str, said: str) -> None:
    test = builders.opened(builders.regression(), drop=drop).test
    assert test is not None
    verdict = verdicts.on_test(test)
    assert verdict.tone == tone
    assert said in verdict.text


def test_looks_are_told_from_the_second_on() -> None:
    assert verdicts.staleness(1) == ""
    assert verdicts.staleness(2) == "These rows have had 2 looks."
    assert "flatters" in verdicts.staleness(3)
    assert verdicts.staleness(3).endswith("set fresh rows aside.")


@pytest.mark.parametrize(("looks", "told", "factor"), [(2, "97.5", 1.1436), (5, "99.8", 1.5427)])
def test_how_far_intervals_had_to_widen_is_told(looks: int, told: str, factor: float) -> None:
    content = builders.opened(builders.regression(), looks=looks)
    assert content.test is not None
    tested = content.test.evaluation
    at = widened(0.95, looks)
    assert norm.ppf(0.5 + at / 2) / norm.ppf(0.975) == pytest.approx(factor, abs=1e-3)
    headline = replace(tested.headline, level=at)
    tested = replace(tested, metrics={**tested.metrics, tested.primary: headline})
    content = replace(content, test=replace(content.test, evaluation=tested), looks=looks)
    said = verdicts.on_looks(content).replace(NARROW_SPACE, " ")
    assert f"read at {told} % instead of 95 %, about {factor:.2f} times as wide" in said
    assert "Dunn 1961" in said


@pytest.mark.parametrize(
    ("at", "now", "said"),
    [
        (0, 0, ""),
        (0, 2, "These rows have had 2 looks."),
        (0, None, "How often these rows have been looked at cannot be told."),
        (1, 1, "First look at these rows."),
        (2, 0, "These rows have had 2 looks."),
        (1, 2, "These rows have had 2 looks. The interval was made at 1 look: read it as wider."),
        (2, None, "How often these rows have been looked at cannot be told: at least 2 times."),
    ],
)
def test_looks_are_told_as_they_stand_now(at: int, now: int | None, said: str) -> None:
    content = builders.regression()
    content = builders.opened(content, looks=at) if at else content
    assert verdicts.on_looks(replace(content, looks=now)) == said


def test_one_seed_has_no_spread() -> None:
    content = replace(builders.regression(), seeds=SeedSpread([0.9]))
    assert "unknown" in verdicts.over_seeds(content)
    spread = replace(content, seeds=SeedSpread([0.8, 0.9, 1.0]))
    assert "R² is 0.900 ± 0.100" in verdicts.over_seeds(spread)


def test_importance_within_noise_is_said() -> None:
    content = builders.regression()
    useless = [
        replace(each, drop=Estimate(0.001, -0.01, 0.012, n=900)) for each in content.importance
    ]
    assert "No feature" in dots.importance_reading(replace(content, importance=useless))
    assert all(row.faint for row in dots.importances(replace(content, importance=useless)).rows)
    assert "of 8 features cannot be told" in dots.importance_reading(content)
