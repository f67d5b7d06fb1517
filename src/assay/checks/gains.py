"""Gains: by how much one model is better than another, with the noise of rows and of seeds.

Over rows both are drawn on the same resamples, rows whole with their answers of all seeds; over
seeds the difference of each is one value of a t-interval. A gain is more than noise if neither
interval holds zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from assay.checks.claims import Claim
from assay.checks.evidence import Answers
from assay.checks.logged import plain_metric
from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.intervals import replicate
from assay.evaluation.mcnemar import p_values
from assay.evaluation.metrics import METRICS, Metric
from assay.evaluation.outcome import Outcome
from assay.evaluation.settings import Resamples
from assay.predictions import Floats

LEVEL = 0.95
_RESAMPLES: Resamples = "auto"
_OF_CLASSES = {"rocauc": "roc_auc_ovr", "f1": "f1_macro"}


@dataclass(frozen=True)
class Gain:
    """Better minus worse: positive where the claim holds.

    Attributes:
        metric: In what.
        rows: With the noise of rows; None without answers of both to the same rows.
        seeds: With the noise from seed to seed; None with fewer than two.
        p: McNemar's mid-p value, where decisions of one seed are compared; else None.
    """

    metric: str
    rows: Estimate | None
    seeds: Estimate | None
    p: float | None = None

    @property
    def known(self) -> tuple[Estimate, ...]:
        """The intervals that there are."""
        return tuple(each for each in (self.rows, self.seeds) if each is not None)

    @property
    def in_noise(self) -> bool:
        """Whether any of the intervals holds zero, or lies below it."""
        return any(each.low is not None and each.low <= 0 for each in self.known)


def gain_of(claim: Claim, task: Task) -> Gain:
    """How much better the one is than the other."""
    answers = claim.answers
    if answers is None:
        turned = claim.history.more_is_better is False
        seeds = _of_scores(*(np.array(each) * (-1 if turned else 1) for each in claim.scores))
        return Gain(claim.history.metric or "the score", None, seeds)
    metric = _metric(claim.history.metric, answers, task)
    pair = [_sure(answers.arms[name]) for name in (claim.better, claim.worse)]
    sign = 1 if metric.greater_is_better else -1
    better, worse = replicate(pair, _RESAMPLES, [metric.name])
    rows = _turned(better.difference(worse, metric.name, LEVEL), sign)
    each = [_by_seed(metric, one, answers) * sign for one in pair]
    seeds = over_seeds(each[0] - each[1]) if answers.n_seeds > 1 else None
    p = None
    if answers.n_seeds == 1 and metric.name == "accuracy":
        right = [one.decided_right for one in pair]
        p = p_values(int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum()))[0]
    return Gain(metric.name, rows, seeds, p)


def over_seeds(differences: Floats) -> Estimate:
    """Mean of a difference over seeds, shape (s,), with the t-interval of its deviation."""
    n = len(differences)
    mean, half = float(differences.mean()), float(differences.std(ddof=1)) / n**0.5
    half *= float(stdtrit(n - 1, 0.5 + LEVEL / 2))
    return Estimate(mean, mean - half, mean + half, n=n, level=LEVEL, method="t over seeds")


def _of_scores(better: Floats, worse: Floats) -> Estimate | None:
    """From scores by seed alone: paired where both have as many, else as Welch (1947) has it."""
    if min(len(better), len(worse)) < 2:
        return None
    if len(better) == len(worse):
        return over_seeds(better - worse)
    spread = np.array([each.var(ddof=1) / len(each) for each in (better, worse)])
    n, value = len(better) + len(worse), float(better.mean() - worse.mean())
    if spread.sum() == 0:
        return Estimate(value, value, value, n=n, level=LEVEL, method="t over seeds")
    degrees = spread.sum() ** 2 / (spread**2 / [len(better) - 1, len(worse) - 1]).sum()
    half = float(spread.sum() ** 0.5 * stdtrit(degrees, 0.5 + LEVEL / 2))
    return Estimate(value, value - half, value + half, n=n, level=LEVEL, method="t over seeds")


def _metric(named: str, answers: Answers, task: Task) -> Metric:
    """The metric of the claim; where it is unknown, or needs what nobody said, the plainest."""
    plain, known = plain_metric(named), METRICS[task]
    plain = _OF_CLASSES.get(plain, plain) if task is Task.MULTICLASS else plain
    ranked = all(each.probabilities is not None for each in answers.arms.values())
    alike = [each for name, each in known.items() if plain_metric(name) == plain_metric(plain)]
    if task is Task.REGRESSION:
        return alike[0] if alike else known["mae"]
    return alike[0] if alike and (ranked or alike[0].closed is not None) else known["accuracy"]


def _sure(outcome: Outcome) -> Outcome:
    """With what was decided as certain, where nothing is known of probabilities.

    Evaluation sums them with everything else; a metric of decisions does not read them.
    """
    if outcome.probabilities is not None or outcome.decided is None:
        return outcome
    return replace(outcome, probabilities=np.eye(len(outcome.classes))[outcome.decided])


def _by_seed(metric: Metric, outcome: Outcome, answers: Answers) -> Floats:
    """The metric of the answers of each seed, shape (s,)."""
    places: Sequence[Outcome] = [
        replace(outcome.take(np.flatnonzero(answers.seeds == seed)), clusters=None)
        for seed in np.unique(answers.seeds)
    ]
    return np.array([metric.of(each) for each in places])


def _turned(estimate: Estimate, sign: int) -> Estimate:
    if sign > 0:
        return estimate
    if estimate.low is None or estimate.high is None:
        return replace(estimate, value=-estimate.value)
    return replace(estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low)
