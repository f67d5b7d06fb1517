"""Law 6: intervals cover at their level, or say that they cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, factorial, pi
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from assay.data.schema import Task
from assay.evaluation import sampling
from assay.evaluation.closed import wilson
from assay.evaluation.design import Design
from assay.evaluation.evaluate import judge_together
from assay.evaluation.intervals import replicate, widened
from assay.evaluation.metrics import METRICS, metrics_of
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Evaluation
from assay.evaluation.sampling import MOST_LEFT_OUT, POISSON_FROM, Sampling
from assay.evaluation.support import FEWEST_ROWS
from assay.evaluation.time_blocks import time_blocks


def drawn(random: np.random.Generator, n: int, share: float, apart: float = 1.5) -> Outcome:
    """Rows of a known law: scores of two normal classes so far apart, decided in the middle."""
    truth = (random.random(n) < share).astype(np.int64)
    score = random.normal(size=n) + apart * truth
    odds = share / (1 - share) * np.exp(apart * score - apart**2 / 2)
    positive = odds / (1 + odds)
    probabilities = np.column_stack([1 - positive, positive])
    decided = (score > apart / 2).astype(np.int64)
    return Outcome(Task.BINARY, np.arange(n), truth, ("no", "yes"), probabilities, decided)


LAWS = {
    "balanced": (Task.BINARY, lambda random: drawn(random, 100, 0.5)),
    "good and uneven": (Task.BINARY, lambda random: drawn(random, 120, 0.3, apart=2.5)),
    "rare": (Task.BINARY, lambda random: drawn(random, 600, 0.06)),
    "three classes": (Task.MULTICLASS, lambda random: drawn_of_three(random, 150)),
    "few numbers": (Task.REGRESSION, lambda random: measured_with(random.normal, 120, random)),
    "long tails": (
        Task.REGRESSION, lambda random: measured_with(random.laplace, 600, random)
    ),
}  # fmt: skip
"""Laws of rows whose true metrics a large sample tells."""


def drawn_of_three(random: np.random.Generator, n: int) -> Outcome:
    truth = random.choice(3, n, p=(0.5, 0.3, 0.2))
    logits = 2 * (random.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    decided = probabilities.argmax(axis=1)
    return Outcome(Task.MULTICLASS, np.arange(n), truth, ("a", "b", "c"), probabilities, decided)


def measured_with(error: Callable[..., np.ndarray], n: int, random: np.random.Generator) -> Outcome:
    values = random.normal(size=n)
    return Outcome(Task.REGRESSION, np.arange(n), values + error(size=n), values=values)


@pytest.mark.parametrize("law", LAWS)
def test_intervals_of_every_metric_cover(law: str) -> None:
    task, draw = LAWS[law]
    repetitions, resamples = 250, 500
    # Enough rows for the true values: a thousand samples, one after another.
    true = truth_of([draw(np.random.default_rng([9, seed])) for seed in range(1500)])
    names = [*metrics_of(task, 3)]
    hits, given = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(repetitions):
        [measured] = replicate([draw(np.random.default_rng(seed))], resamples)
        for name in names:
            estimate = measured.estimate(name, 0.95)
            if estimate.has_interval:
                given[name] += 1
                hits[name] += estimate.low <= true[name] <= estimate.high
    for name, many in given.items():
        assert many > repetitions / 4, name
        # 93 % less three standard errors of so many repetitions
        assert hits[name] / many >= 0.93 - 3 * (0.95 * 0.05 / many) ** 0.5, (name, hits[name], many)


def truth_of(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Each metric on the rows of all outcomes together."""
    first = outcomes[0]

    def joined(name: str) -> Any:
        parts = [getattr(each, name) for each in outcomes]
        return None if parts[0] is None else np.concatenate(parts)

    names = ("truth", "probabilities", "decided", "values")
    whole = replace(
        first,
        rows=np.arange(sum(map(len, outcomes))),
        **{name: joined(name) for name in names},
    )
    return {name: metric.of(whole) for name, metric in METRICS[first.task].items()}


def test_intervals_are_never_of_no_width() -> None:
    said = np.linspace(0.01, 0.99, 60)
    probabilities, truth = np.column_stack([1 - said, said]), (said > 0.5).astype(np.int64)
    for decided in (truth, np.zeros_like(truth)):
        outcome = Outcome(
            Task.BINARY, np.arange(60), truth, ("no", "yes"), probabilities, decided
        )  # fmt: skip
        [measured] = replicate([outcome], 300)
        for name in METRICS[Task.BINARY]:
            estimate = measured.estimate(name, 0.95)
            assert not estimate.has_interval or estimate.low < estimate.high, name
        reasons = {
            "roc_auc": "too few rows are ranked wrong to tell how many would be",
            "log_loss": "only 0 rows would be decided wrong",
            "mcc": "it is the same whichever of these rows are drawn",
        }
        for name, reason in reasons.items():
            assert measured.estimate(name, 0.95).reason == reason
    undefined = measured.estimate("precision", 0.95)
    assert undefined.reason == "it is not defined: no row is decided positive"
    assert measured.estimate("f1", 0.95).high > 0.05


def test_five_right_of_five_called_is_not_certain() -> None:
    outcome = drawn(np.random.default_rng(0), 100, 0.3)
    called = np.zeros(100, dtype=np.int64)
    called[np.flatnonzero(outcome.truth)[:5]] = 1
    [measured] = replicate([replace(outcome, decided=called)], 300)
    estimate = measured.estimate("precision", 0.95)
    assert (estimate.value, estimate.method) == (1, "Wilson")
    assert (estimate.low, estimate.high) == pytest.approx((0.5655, 1), abs=1e-4)


def test_a_rare_class_silences_only_what_it_tells() -> None:
    outcome = drawn_of_three(np.random.default_rng(1), 900)
    truth = np.where(np.arange(900) < 9, 2, outcome.truth % 2)
    [measured] = replicate([replace(outcome, truth=truth)], 300)
    known = set(metrics_of(Task.MULTICLASS, 3))
    told = {name for name in known if measured.estimate(name, 0.95).has_interval}
    silent = {"f1_macro", "roc_auc_ovr"}
    assert told == known - silent
    for name in silent:
        assert measured.estimate(name, 0.95).reason == "class c has only 9 rows"
    other = replace(outcome, truth=truth, probabilities=np.full((900, 3), 1 / 3))
    first, second = replicate([replace(outcome, truth=truth), other], 300, ["log_loss"])
    assert second.difference(first, "log_loss", 0.95).has_interval


def test_errors_without_a_variance_give_no_interval() -> None:
    random = np.random.default_rng(0)
    heavy = measured_with(lambda size: random.standard_t(2, size), 1000, random)
    [measured] = replicate([heavy], 300)
    reason = "the largest errors make most of it, and larger ones are to be expected"
    assert measured.estimate("rmse", 0.95).reason == reason
    assert measured.estimate("r2", 0.95).reason == reason
    assert measured.estimate("mae", 0.95).has_interval


def test_all_looks_after_the_first_err_as_often_as_one() -> None:
    assert widened(0.95, 1) == widened(0.95, 0) == 0.95
    allowed = [1 - widened(0.95, looks) for looks in range(2, 2000)]
    assert 0.0499 < sum(allowed) < 0.05


def test_too_few_rows_of_a_class_give_no_interval_but_the_reason() -> None:
    outcome = drawn(np.random.default_rng(0), 200, 0.04)
    n_rare = int(outcome.truth.sum())
    assert n_rare < FEWEST_ROWS
    [measured] = replicate([outcome], 200)
    estimate = measured.estimate("roc_auc", 0.95)
    assert not estimate.has_interval
    assert estimate.reason == f"class yes has only {n_rare} rows"
    assert measured.estimate("accuracy", 0.95).method == "Wilson"


def clustered(random: np.random.Generator, n_clusters: int, mean_size: int = 8) -> Outcome:
    """Clusters of uneven size that differ in how often they are positive and in their scores."""
    members = np.repeat(np.arange(n_clusters), random.poisson(mean_size - 1, n_clusters) + 1)
    n = len(members)
    leaning, shift = random.normal(size=(2, n_clusters))[:, members]
    truth = (random.random(n) < 1 / (1 + np.exp(-leaning))).astype(np.int64)
    score = random.normal(size=n) + 1.5 * truth + shift
    positive = 1 / (1 + np.exp(-score + 0.75))
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"),
        np.column_stack([1 - positive, positive]), (score > 0.75).astype(np.int64),
        clusters=members,
    )  # fmt: skip


def test_related_rows_are_drawn_together_and_intervals_cover() -> None:
    names, repetitions = ["roc_auc", "accuracy", "log_loss"], 300
    [true] = replicate([clustered(np.random.default_rng(99), 50_000)], 1, names)
    by_cluster, by_row = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(repetitions):
        outcome = clustered(np.random.default_rng(seed), 60)
        for hits, drawn in ((by_cluster, outcome), (by_row, replace(outcome, clusters=None))):
            [measured] = replicate([drawn], 300, names)
            for name in names:
                estimate = measured.estimate(name, 0.95)
                hits[name] += estimate.low <= true.values[name] <= estimate.high
    for name in names:
        assert 0.905 <= by_cluster[name] / repetitions <= 0.985, (name, by_cluster[name])
        # What this is for: as if each row stood for itself, one interval in ten or more misses.
        assert by_row[name] / repetitions < 0.905, (name, by_row[name])


def test_clusters_of_one_row_are_rows() -> None:
    outcome = drawn(np.random.default_rng(3), 300, 0.4)
    alone = replace(outcome, clusters=np.random.default_rng(0).permutation(300) * 7)
    [rows], [clusters] = replicate([outcome], 400), replicate([alone], 400)
    first, second = rows.estimate("roc_auc", 0.95), clusters.estimate("roc_auc", 0.95)
    assert (first.method, second.method) == ("bootstrap", "cluster bootstrap")
    assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.15)


def test_many_rows_are_drawn_a_poisson_number_of_times() -> None:
    counts = Sampling(POISSON_FROM, POISSON_FROM).draw((0, 20))
    assert counts.dtype == np.uint8
    assert counts.mean() == pytest.approx(1, abs=0.005)
    assert counts.var() == pytest.approx(1, abs=0.01)
    shares = np.bincount(counts.ravel(), minlength=9) / counts.size
    np.testing.assert_allclose(shares, [exp(-1) / factorial(k) for k in range(9)], atol=0.002)
    assert not np.array_equal(counts[0], counts[1])


def test_poisson_draws_say_what_multinomial_ones_say(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = drawn(np.random.default_rng(2), 3000, 0.2)
    [exact] = replicate([outcome], 2000)
    monkeypatch.setattr(sampling, "POISSON_FROM", 1)
    [quick] = replicate([outcome], 2000)
    assert quick.values == exact.values
    for name, resampled in exact.resampled.items():
        assert quick.resampled[name].std() == pytest.approx(resampled.std(), rel=0.1), name
        assert abs(quick.resampled[name].mean() - resampled.mean()) < resampled.std() / 10, name


@pytest.mark.parametrize("design", Design)
@pytest.mark.parametrize("n", [2000, 4 * POISSON_FROM])
def test_any_number_of_threads_gives_the_same_bits(
    n: int, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters = time_blocks(np.arange(n)) if design is Design.TIME else None
    outcome = replace(drawn(np.random.default_rng(4), n, 0.3), clusters=clusters, design=design)
    monkeypatch.setattr(sampling, "cores", lambda: 4)
    monkeypatch.setattr(sampling, "_CELLS_OF_EACH", 1)
    [many] = replicate([outcome], 300)
    monkeypatch.setattr(sampling, "_CELLS_OF_ALL", 1)
    with threadpool_limits(2):
        [one] = replicate([outcome], 300)
    for name, resampled in many.resampled.items():
        np.testing.assert_array_equal(resampled, one.resampled[name], err_msg=name)


def case_control(random: np.random.Generator, n: int, positive: int) -> Outcome:
    """Rows of which so many are positive in every sample; probabilities say that."""
    truth = random.permutation(np.arange(n) < positive).astype(np.int64)
    score, share = random.normal(size=n) + 1.5 * truth, positive / n
    odds = share / (1 - share) * np.exp(1.5 * score - 1.5**2 / 2)
    said = odds / (1 + odds)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - said, said]),
        (said > 0.15).astype(np.int64), design=Design.CLASSES,
    )  # fmt: skip


@pytest.mark.parametrize("n", [200, 3 * POISSON_FROM])
def test_fixed_class_counts_are_those_of_every_resample(n: int) -> None:
    outcome = case_control(np.random.default_rng(0), n, n // 2)
    sampling, classes = Sampling.of(outcome), np.eye(2)[outcome.truth]
    counts = sampling.draw((0, 20))
    assert counts.dtype == np.uint8
    np.testing.assert_array_equal(counts @ classes, np.full((20, 2), n // 2))
    assert counts.var() == pytest.approx(1, abs=0.05)
    # Classes of one size are not drawn alike, nor are two blocks.
    first, second = (counts[:, outcome.truth == code] for code in (0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(counts, sampling.draw((1, 20)))
    np.testing.assert_allclose(sampling.leave_out((0, 7)) @ classes, np.full((7, 2), n / 2))


def test_a_row_that_is_left_out_is_made_up_for_by_its_class() -> None:
    outcome = case_control(np.random.default_rng(1), 120, 30)
    [measured] = replicate([outcome], 200, ["brier"])
    losses = (outcome.probabilities[:, 1] - outcome.truth) ** 2
    expected = []
    for row in range(120):
        others = np.arange(120) != row
        of_class = [losses[others & (outcome.truth == code)].mean() for code in (0, 1)]
        expected.append(0.75 * of_class[0] + 0.25 * of_class[1])
    np.testing.assert_allclose(np.sort(measured.left_out["brier"]), np.sort(expected))


def test_fixed_class_counts_make_losses_no_more_uncertain_than_they_are() -> None:
    """Rows drawn whatever their class let the shares vary, which here they do not."""
    names, repetitions = ["log_loss", "brier"], 250
    [true] = replicate([case_control(np.random.default_rng(99), 1_000_000, 50_000)], 1, names)
    by_class, by_chance = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(repetitions):
        outcome = case_control(np.random.default_rng(seed), 600, 30)
        by_row = replace(outcome, design=Design.CHANCE)
        for hits, each in ((by_class, outcome), (by_chance, by_row)):
            [measured] = replicate([each], 300, names)
            for name in names:
                estimate = measured.estimate(name, 0.95)
                hits[name] += estimate.low <= true.values[name] <= estimate.high
    for name in names:
        assert 0.905 <= by_class[name] / repetitions <= 0.985, (name, by_class[name])
        # What this is for.
        assert by_chance[name] / repetitions > 0.985, (name, by_chance[name])


def test_given_the_class_counts_only_what_counts_each_class_is_in_closed_form() -> None:
    outcome = case_control(np.random.default_rng(3), 400, 40)
    [fixed] = replicate([outcome], 300)
    [chance] = replicate([replace(outcome, design=Design.CHANCE)], 300)
    methods = {name: fixed.estimate(name, 0.95).method for name in METRICS[Task.BINARY]}
    closed = {name: how for name, how in methods.items() if how != "stratified bootstrap"}
    assert closed == {
        "accuracy": "Newcombe", "balanced_accuracy": "Newcombe", "recall": "Wilson",
    }  # fmt: skip
    for name in ("balanced_accuracy", "recall"):
        assert fixed.estimate(name, 0.95) == chance.estimate(name, 0.95)
    apart, one = fixed.estimate("accuracy", 0.95), chance.estimate("accuracy", 0.95)
    assert apart.value == one.value
    assert apart.high - apart.low < one.high - one.low


def test_a_class_of_few_rows_cannot_be_drawn_by_itself() -> None:
    outcome = case_control(np.random.default_rng(0), 300, 7)
    [measured] = replicate([outcome], 200)
    assert measured.estimate("log_loss", 0.95).reason == "class yes has only 7 rows"
    assert measured.estimate("accuracy", 0.95).has_interval


def test_weights_multiply_what_is_drawn_within_classes() -> None:
    outcome = case_control(np.random.default_rng(2), 300, 60)
    weighted = replace(outcome, weights=np.where(outcome.truth == 1, 3.0, 1.0))
    counts, heavier = (Sampling.of(each).draw((0, 5)) for each in (outcome, weighted))
    np.testing.assert_array_equal(heavier, counts * weighted.weights)
    assert replicate([weighted], 200)[0].estimate("accuracy", 0.95).method == "stratified bootstrap"


def test_a_class_that_training_did_not_have_takes_no_interval() -> None:
    """Nobody asked for so many of its rows: one among the sealed ones is no design of few."""
    random, truth = np.random.default_rng(0), np.arange(400) % 3
    said = 0.3 * np.eye(3)[truth] + 0.7 * random.dirichlet(np.ones(3), 400)
    known = Outcome(
        Task.MULTICLASS, np.arange(400), truth, ("a", "b", "c"), said, said.argmax(axis=1),
        design=Design.CLASSES,
    )  # fmt: skip
    unseen = replace(
        known, truth=np.append(3, truth[1:]), classes=("a", "b", "c", "d"),
        probabilities=np.pad(said, ((0, 0), (0, 1))), n_unknown=1,
    )  # fmt: skip
    for outcome in (known, unseen):
        [measured] = replicate([outcome], 200, ["brier"])
        assert measured.estimate("brier", 0.95).method == "stratified bootstrap"
    few = replace(known, truth=np.where((truth == 2) & (np.arange(400) > 30), 0, truth))
    [measured] = replicate([few], 200, ["brier"])
    assert measured.estimate("brier", 0.95).reason == "class c has only 10 rows"


def in_time(random: np.random.Generator, n: int, related: float) -> Outcome:
    """Errors one after the other, each related to the one before (AR(1)), of variance one."""
    fresh = random.normal(size=n) * (1 - related**2) ** 0.5
    fresh[0] = random.normal()
    values = random.normal(size=n)
    truth = values + lfilter([1], [1, -related], fresh)
    return Outcome(
        Task.REGRESSION, np.arange(n), truth, values=values,
        clusters=time_blocks(np.arange(n)), design=Design.TIME,
    )  # fmt: skip


@pytest.mark.parametrize("related", [0.0, 0.6])
def test_neighbours_in_time_are_drawn_together_and_intervals_cover(related: float) -> None:
    names, repetitions = ["mae", "rmse"], 300
    true = {"mae": (2 / pi) ** 0.5, "rmse": 1.0}
    by_block, by_row = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(repetitions):
        outcome = in_time(np.random.default_rng(seed), 600, related)
        alone = replace(outcome, clusters=None, design=Design.CHANCE)
        for hits, each in ((by_block, outcome), (by_row, alone)):
            [measured] = replicate([each], 300, names)
            for name in names:
                estimate = measured.estimate(name, 0.95)
                hits[name] += estimate.low <= true[name] <= estimate.high
    for name in names:
        assert 0.905 <= by_block[name] / repetitions <= 0.985, (name, by_block[name])
        # What this is for: one interval of rows in six misses where neighbours are related.
        assert (by_row[name] / repetitions < 0.88) == (related > 0), (name, by_row[name])


def test_blocks_of_time_are_stretches_of_it() -> None:
    random = np.random.default_rng(0)
    for n, many in ((130, 40), (1600, 40), (10_000, 100), (90_000, MOST_LEFT_OUT)):
        times = random.permutation(n) * 0.5
        block = time_blocks(times)
        assert (np.diff(block[np.argsort(times)]) >= 0).all()
        sizes = np.bincount(block)
        assert len(sizes) == many
        assert sizes.max() - sizes.min() <= 1
    # Rows of one day stay together, but for days so few that they tell nothing of how days vary.
    days = np.repeat(np.arange(50.0), 100)
    assert all(len(np.unique(time_blocks(days)[days == day])) == 1 for day in range(50))
    uneven = np.repeat(np.arange(60.0), [200, *[20] * 59])
    whole = time_blocks(uneven)
    assert len(np.unique(whole)) == 40
    assert all(len(np.unique(whole[uneven == day])) == 1 for day in range(60))
    few = np.repeat(np.arange(5.0), 400)
    assert len(np.unique(time_blocks(few))) == round(2000**0.5)
    assert (np.diff(time_blocks(few)) >= 0).all()


def test_each_block_of_time_is_left_out_by_itself() -> None:
    """Else what is drawn and what is left out would be related to their neighbours otherwise."""
    sampling = Sampling.of(in_time(np.random.default_rng(0), 90_000, 0.5))
    assert sampling.spans()[-1][1] == sampling.n_units == MOST_LEFT_OUT


def test_what_time_blocks_cannot_tell_is_said_of_time() -> None:
    outcome = in_time(np.random.default_rng(0), 119, 0.5)
    [measured] = replicate([outcome], 200)
    reason = "119 rows one after the other in time are too few for one"
    assert measured.estimate("mae", 0.95).reason == reason
    [measured] = replicate([in_time(np.random.default_rng(0), 120, 0.5)], 200)
    assert measured.estimate("mae", 0.95).method == "time-block bootstrap"
    once = drawn(np.random.default_rng(0), 600, 0.2)
    truth = (np.arange(600) < 120).astype(np.int64)
    late = replace(once, truth=truth, clusters=time_blocks(np.arange(600)), design=Design.TIME)
    [measured] = replicate([late], 200)
    assert measured.estimate("mcc", 0.95).reason == "class yes is in only 8 time blocks"


def test_few_clusters_give_no_interval_but_the_reason() -> None:
    outcome = clustered(np.random.default_rng(0), 12, mean_size=40)
    [measured] = replicate([outcome], 200)
    for name in ("roc_auc", "accuracy"):
        assert measured.estimate(name, 0.95).reason == "only 12 groups"
    assert measured.difference(measured, "roc_auc", 0.95).reason == "only 12 groups"


def test_a_class_of_few_clusters_gives_no_interval_either() -> None:
    outcome = drawn(np.random.default_rng(0), 600, 0.2)
    few = np.where(outcome.truth == 1, np.arange(600) % 7, np.arange(600) % 40)
    [measured] = replicate([replace(outcome, clusters=few)], 200)
    assert measured.estimate("mcc", 0.95).reason == "class yes is in only 7 groups"


def of_classes(n: int, k: int, seed: int = 0) -> Outcome:
    random = np.random.default_rng(seed)
    truth = random.integers(0, k, n)
    logits = random.normal(size=(n, k)) + 1.5 * np.eye(k)[truth]
    said = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple(f"class {code}" for code in range(k))
    return Outcome(Task.MULTICLASS, np.arange(n), truth, names, said, said.argmax(axis=1))


def judged(outcome: Outcome, primary: str = "accuracy") -> Evaluation:
    asked = {"rows": "test", "primary": primary, "level": 0.95, "resamples": 300}
    return judge_together({"": outcome}, **asked)[""].evaluation


@pytest.mark.parametrize(("classes", "top"), [(3, {2}), (10, {2}), (11, {2, 5})])
def test_the_share_among_the_most_probable_is_wilson_s(classes: int, top: set[int]) -> None:
    outcome = of_classes(300, classes)
    found = judged(outcome)
    shown = {name for name in found.metrics if name.startswith("top_")}
    assert shown == {f"top_{k}_accuracy" for k in top}
    order = np.argsort(-outcome.probabilities, axis=1)
    for k in top:
        hits = int((order[:, :k] == outcome.truth[:, None]).any(axis=1).sum())
        each = found.metrics[f"top_{k}_accuracy"]
        assert (each.value, each.method) == (pytest.approx(hits / 300, abs=1e-12), "Wilson")
        assert (each.low, each.high) == wilson(hits, 300, 0.95)
    weighted = replace(outcome, weights=np.random.default_rng(1).gamma(2, 1, 300))
    assert judged(weighted).metrics["top_2_accuracy"].method == "bootstrap"
    grouped = judged(replace(outcome, clusters=np.arange(300) // 5))
    assert grouped.metrics["top_2_accuracy"].method == "cluster bootstrap"


def test_a_class_that_the_model_does_not_know_makes_no_metric_of_many_classes() -> None:
    outcome = of_classes(300, 11)
    outcome.probabilities[:, 10] = 0
    assert "top_5_accuracy" in judged(outcome).metrics
    assert "top_5_accuracy" not in judged(replace(outcome, n_unknown=1)).metrics


def test_all_hit_is_no_certainty() -> None:
    outcome = of_classes(60, 3)
    sure = replace(outcome, probabilities=np.eye(3)[outcome.truth] * 0.9 + 0.1 / 3)
    each = judged(sure).metrics["top_2_accuracy"]
    assert (each.value, each.high) == (1, 1)
    assert each.low == pytest.approx(60 / (60 + 1.959964**2))


def test_weighted_rows_have_no_wilson_interval() -> None:
    random = np.random.default_rng(0)
    outcome = replace(drawn(random, 400, 0.3), weights=random.gamma(2, 3, 400))
    [measured] = replicate([outcome], 300)
    estimate = measured.estimate("accuracy", 0.95)
    assert estimate.method == "bootstrap"
    right = outcome.truth == outcome.decided
    assert estimate.value == pytest.approx(np.average(right, weights=outcome.weights))
    assert estimate.low < estimate.value < estimate.high
    # Weights say how much a row counts, not how many rows there are.
    [heavier] = replicate([replace(outcome, weights=outcome.weights * 1000)], 300)
    assert heavier.estimate("accuracy", 0.95).low == pytest.approx(estimate.low)


def test_few_rows_give_no_interval_at_all() -> None:
    truth = np.arange(12.0)
    outcome = Outcome(Task.REGRESSION, np.arange(12), truth, values=truth + 1)
    [measured] = replicate([outcome], 200)
    assert measured.estimate("r2", 0.95).reason == "12 rows are too few for one"


def test_a_model_does_not_differ_from_itself() -> None:
    outcome = drawn(np.random.default_rng(0), 300, 0.4)
    first, second = replicate([outcome, outcome], 200)
    apart = second.difference(first, "roc_auc", 0.95)
    assert (apart.value, apart.has_interval) == (0, False)
    assert apart.reason == "it is the same whichever of these rows are drawn"


def test_paired_differences_are_narrower_than_the_intervals_of_either() -> None:
    random = np.random.default_rng(1)
    better = drawn(random, 500, 0.5)
    noise = np.clip(better.probabilities[:, 1] + random.normal(scale=0.02, size=500), 0.01, 0.99)
    worse = Outcome(
        better.task, better.rows, better.truth, better.classes,
        np.column_stack([1 - noise, noise]), better.decided,
    )  # fmt: skip
    first, second = replicate([worse, better], 400)
    apart, alone = second.difference(first, "roc_auc", 0.95), first.estimate("roc_auc", 0.95)
    assert apart.high - apart.low < (alone.high - alone.low) / 2


def test_wilson_is_that_of_the_textbook() -> None:
    # Brown, Cai and DasGupta 2001
    assert wilson(0, 10, 0.95) == pytest.approx((0, 0.27753), abs=1e-5)
    assert wilson(10, 10, 0.95)[1] == 1


def test_equals_are_seldom_said_to_differ() -> None:
    """Two models with noise of their own on the same rows; they differ on few decisions."""
    hits, repetitions = dict.fromkeys(["accuracy", "mcc", "log_loss", "roc_auc"], 0), 200
    for seed in range(repetitions):
        random = np.random.default_rng(seed)
        base = drawn(random, 150, 0.4, apart=2.0)
        twins = []
        for _ in range(2):
            noisy = base.probabilities * np.exp(0.4 * random.normal(size=(150, 2)))
            noisy /= noisy.sum(axis=1, keepdims=True)
            twins.append(replace(base, probabilities=noisy, decided=noisy.argmax(axis=1)))
        first, second = replicate(twins, 400, list(hits))
        for name in hits:
            hits[name] += second.difference(first, name, 0.95).excludes_zero
    for name, many in hits.items():
        assert many / repetitions <= 0.05 + 3 * (0.05 * 0.95 / repetitions) ** 0.5, (name, many)
