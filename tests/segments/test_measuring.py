"""Declared segments: the metrics of their rows, fairlearn's definitions, intervals that hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.data.schema import Task
from assay.evaluation.outcome import Outcome
from assay.segments.bins import Binned
from assay.segments.declared import declared
from assay.segments.measuring import divisions, metric_of
from assay.segments.result import MOST_CROSSING, Division

N = 1200


def outcome(seed: int = 0, **given: object) -> Outcome:
    random = np.random.default_rng(seed)
    score = random.normal(size=N)
    truth = (score + random.normal(size=N) > 0).astype(np.int64)
    positive = 1 / (1 + np.exp(-score))
    return Outcome(
        Task.BINARY, np.arange(N) * 3, truth, ("no", "yes"),
        np.column_stack([1 - positive, positive]), (positive > 0.55).astype(np.int64), **given,
    )  # fmt: skip


def column(name: str, codes: np.ndarray) -> Binned:
    return Binned(name, codes, tuple(f"{name[0]}{n}" for n in range(codes.max() + 1)))


def divided(made: Outcome, *columns: Binned, primary: str = "roc_auc") -> tuple[Division, ...]:
    return divisions(made, declared(columns), primary=primary, level=0.95)


def by_hand(made: Outcome, codes: np.ndarray) -> dict[str, float]:
    """fairlearn.metrics 0.12: demographic_parity_*, equalized_odds_* with agg='worst_case'."""
    selected, found, alarmed = [], [], []
    weights = made.known_weights
    for code in np.unique(codes):
        rows = codes == code
        truth, said, weight = made.truth[rows], made.decided[rows], weights[rows]
        selected.append(np.average(said, weights=weight))
        found.append(np.average(said[truth == 1], weights=weight[truth == 1]))
        alarmed.append(np.average(said[truth == 0], weights=weight[truth == 0]))
    return {
        "demographic_parity_difference": max(selected) - min(selected),
        "demographic_parity_ratio": min(selected) / max(selected),
        "equalized_odds_difference": max(max(r) - min(r) for r in (found, alarmed)),
        "equalized_odds_ratio": min(min(r) / max(r) for r in (found, alarmed)),
    }


@pytest.mark.parametrize("weighted", [False, True])
def test_parity_is_as_fairlearn_defines_it(weighted: bool) -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 3, N)
    made = outcome(weights=random.gamma(2, 1, N) if weighted else None)
    [division] = divided(made, column("site", codes))
    parity, expected = division.parity, by_hand(made, codes)
    assert parity.demographic.estimate.value == pytest.approx(
        expected["demographic_parity_difference"]
    )
    assert parity.demographic_ratio == pytest.approx(expected["demographic_parity_ratio"])
    assert parity.odds.estimate.value == pytest.approx(expected["equalized_odds_difference"])
    assert parity.odds_ratio == pytest.approx(expected["equalized_odds_ratio"])
    fairlearn = pytest.importorskip("fairlearn.metrics") if _has_fairlearn() else None
    for name, value in expected.items() if fairlearn is not None else ():
        theirs = getattr(fairlearn, name)(
            made.truth, made.decided, sensitive_features=codes, sample_weight=made.weights
        )
        assert value == pytest.approx(theirs), name


def _has_fairlearn() -> bool:
    from importlib.util import find_spec

    return find_spec("fairlearn") is not None


def test_metrics_are_those_of_the_rows_and_the_gap_is_between_the_extremes() -> None:
    codes = np.random.default_rng(2).integers(0, 4, N)
    made = outcome()
    [division] = divided(made, column("site", codes))
    values = {}
    for segment in division.segments:
        rows = codes == int(segment.definition[-1])
        positive = made.probabilities[:, 1]
        value = sk.roc_auc_score(made.truth[rows], positive[rows])
        rest = sk.roc_auc_score(made.truth[~rows], positive[~rows])
        assert segment.estimate.value == pytest.approx(value)
        assert segment.difference.value == pytest.approx(rest - value)
        assert segment.n == rows.sum()
        values[segment.definition] = value
    assert division.gap.estimate.value == pytest.approx(max(values.values()) - min(values.values()))
    assert values[division.gap.high] == max(values.values())
    worst_first = [segment.difference.value for segment in division.segments]
    assert worst_first == sorted(worst_first, reverse=True)


def test_a_worse_segment_is_told_and_few_rows_are_said_to_be_few() -> None:
    codes = np.random.default_rng(3).integers(0, 2, N)
    codes[:12] = 2
    made = outcome()
    wrong = (codes == 1) & (np.random.default_rng(4).random(N) < 0.35)
    spoilt = np.where(wrong, 1 - made.truth, made.truth)
    made = Outcome(
        made.task, made.rows, spoilt, made.classes, made.probabilities, made.decided
    )  # fmt: skip
    [division] = divided(made, column("site", codes), primary="accuracy")
    by_name = {each.definition: each for each in division.segments}
    assert by_name["site = s1"].is_worse
    assert not by_name["site = s0"].is_worse
    assert by_name["site = s2"].estimate.reason == "12 rows are too few for one"
    assert division.gap.estimate.excludes_zero
    assert (division.gap.high, division.gap.low) == ("site = s0", "site = s1")


def test_the_more_segments_the_wider_the_intervals() -> None:
    random = np.random.default_rng(5)
    few = column("a", random.integers(0, 2, N))
    more = [column(f"b{n}", random.integers(0, 6, N)) for n in range(2)]
    made = outcome()
    [alone] = divided(made, few)
    first, *_ = divided(made, few, *more)

    def width(division: Division) -> float:
        [each] = [one for one in division.segments if one.definition.endswith("a0")]
        return each.difference.high - each.difference.low

    assert width(first) > 1.2 * width(alone)


def test_two_columns_cross_where_rows_are_enough() -> None:
    random = np.random.default_rng(6)
    first, second = random.integers(0, 2, N), np.where(random.random(N) < 0.05, 1, 0)
    found = divided(outcome(), column("a", first), column("b", second))
    assert [each.columns for each in found] == [("a",), ("b",), ("a", "b")]
    crossed = found[-1]
    assert {each.definition for each in crossed.segments} == {
        "a = a0 and b = b0",
        "a = a1 and b = b0",
    }
    assert crossed.left_out == (second == 1).sum()


def test_groups_of_rows_widen_intervals_and_few_of_them_give_none() -> None:
    random = np.random.default_rng(7)
    people = np.arange(N) // 12
    codes = column("site", random.integers(0, 2, N // 12 + 1)[people])
    alike = random.random(N // 12 + 1)[people] < 0.5
    made = outcome()
    decided = np.where(alike, made.truth, made.decided)

    def of(clusters: np.ndarray | None) -> Division:
        known = Outcome(
            made.task, made.rows, made.truth, made.classes, made.probabilities, decided,
            clusters=clusters,
        )  # fmt: skip
        return divided(known, codes, primary="accuracy")[0]

    def width(division: Division) -> float:
        apart = division.segments[0].difference
        return apart.high - apart.low

    assert width(of(people)) > 1.1 * width(of(None))
    assert of(np.arange(N) // 60).segments[0].estimate.reason.startswith("only")


def test_read_back_as_it_was_written() -> None:
    codes = np.random.default_rng(8).integers(0, 3, N)
    [division] = divided(outcome(), column("site", codes))
    assert Division.from_dict(division.as_dict()) == division


def test_a_segment_of_one_class_is_written_as_json() -> None:
    made = outcome()
    codes = np.where(made.truth == 1, np.random.default_rng(9).integers(0, 2, N), 0)
    codes[np.flatnonzero(made.truth == 0)[:40]] = 2
    [division] = divided(made, column("site", codes))
    written = json.dumps(division.as_dict(), allow_nan=False)
    read = Division.from_dict(json.loads(written))
    [one] = [each for each in read.segments if each.definition == "site = s2"]
    assert np.isnan(one.estimate.value)
    assert np.isnan(one.difference.value)


@pytest.mark.parametrize("primary", ["f1", "precision"])
def test_where_nothing_is_to_be_found_nothing_is_said_of_finding_it(primary: str) -> None:
    made = outcome()
    codes = np.random.default_rng(9).integers(0, 2, N)
    codes[np.flatnonzero(made.truth == 0)[:60]] = 2
    [division] = divided(made, column("site", codes), primary=primary)
    [one] = [each for each in division.segments if each.definition == "site = s2"]
    assert one.estimate.reason == "no row is positive"
    assert not one.difference.has_interval
    assert "s2" not in division.gap.high + division.gap.low
    assert "false_positive_rate" in one.rates


def test_segments_are_not_compared_by_what_depends_on_how_many_are_positive() -> None:
    random = np.random.default_rng(11)
    codes = random.integers(0, 2, N)
    score = random.normal(size=N)
    truth = (random.random(N) < np.where(codes == 1, 0.1, 0.5)).astype(np.int64)
    positive = 1 / (1 + np.exp(-(score + 1.5 * truth)))
    made = Outcome(
        Task.BINARY, np.arange(N), truth, ("no", "yes"),
        np.column_stack([1 - positive, positive]), (positive > 0.6).astype(np.int64),
    )  # fmt: skip
    assert metric_of("pr_auc") == "roc_auc"
    [division] = divided(made, column("site", codes), primary="pr_auc")
    assert not any(each.is_worse for each in division.segments)


def test_rows_that_weigh_nothing_are_no_segment() -> None:
    codes = np.random.default_rng(12).integers(0, 3, N)
    made = outcome(weights=np.where(codes == 2, 0.0, 1.0))
    [division] = divided(made, column("site", codes), primary="accuracy")
    assert {each.definition for each in division.segments} == {"site = s0", "site = s1"}
    assert divided(outcome(weights=np.where(codes == 2, 1.0, 0.0)), column("site", codes)) == ()


def test_worse_ones_come_first_however_few_rows_others_have() -> None:
    codes = np.random.default_rng(3).integers(0, 2, N)
    codes[:2] = 2
    made = outcome()
    wrong = (codes == 1) & (np.random.default_rng(4).random(N) < 0.35)
    wrong |= (codes == 2) & (made.decided == made.truth)
    made = replace(made, truth=np.where(wrong, 1 - made.truth, made.truth))
    [division] = divided(made, column("site", codes), primary="accuracy")
    assert [each.definition for each in division.segments][:2] == ["site = s1", "site = s2"]
    few = {each.definition: each for each in division.segments}["site = s2"]
    assert few.difference.value > division.segments[0].difference.value


def test_crossings_of_all_pairs_together_are_few() -> None:
    random = np.random.default_rng(13)
    columns = [column(name, random.integers(0, 4, 6000)) for name in "abc"]
    crossed = [each for each in declared(columns) if len(each.columns) == 2]
    parts = [rows.sum() for each in crossed for rows in each.parts.values()]
    assert len(parts) == MOST_CROSSING < 48
    left_out = sum(each.left_out for each in crossed)
    assert sum(parts) + left_out == 6000 * len(crossed)
    assert min(parts) >= left_out / (48 - MOST_CROSSING)


def test_one_row_is_too_few() -> None:
    codes = np.zeros(N, dtype=np.int64)
    codes[0] = 1
    [division] = divided(outcome(), column("site", codes), primary="accuracy")
    [one] = [each for each in division.segments if each.n == 1]
    assert one.estimate.reason == "1 row is too few for one"
