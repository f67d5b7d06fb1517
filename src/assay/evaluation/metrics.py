"""The metrics of each task, equal to scikit-learn's, for many sets of row weights at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from assay.data.schema import Task
from assay.evaluation import closed, support
from assay.evaluation.closed import ClosedForm
from assay.evaluation.labelled import DECIDED, HIT, TRUE
from assay.evaluation.outcome import Outcome
from assay.evaluation.support import Need
from assay.evaluation.weighted import Climb, Scored, Weighted
from assay.predictions import Floats


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Attributes:
        name: Its name in the experiment file, as scikit-learn has it.
        values: Its value under each set of weights, shape (b,).
        greater_is_better: Whether more is better.
        closed: Its interval where rows are independent and count the same; the bootstrap's if None.
        needs: What that of the bootstrap takes.
        is_share: Whether it is a share of the rows that no confusion matrix tells; then Wilson's
            interval is in the place of a closed one.
        fewest_classes: Classes below which it says too little to be shown.
    """

    name: str
    values: Callable[[Weighted], Floats]
    greater_is_better: bool = True
    closed: ClosedForm | None = None
    needs: tuple[Need, ...] = ()
    is_share: bool = False
    fewest_classes: int = 0

    def of(self, outcome: Outcome) -> float:
        """The metric of an outcome, its rows weighted by their sample weights."""
        return float(self.values(Weighted(Scored(outcome), outcome.known_weights[None]))[0])


def roc_auc(of: Weighted) -> Floats:
    """Chance that a positive row scores higher than a negative one, ties counting half."""
    return _area_under_roc(of.binary_climb, of.others(1))


def roc_auc_ovr(of: Weighted) -> Floats:
    """Mean over the classes, or labels, of the ROC-AUC of each; those absent are left out."""
    areas = [
        _area_under_roc(of.climb(column), of.others(column))
        for column in range(len(of.outcome.classes))
    ]
    return np.nanmean(areas, axis=0)


def pr_auc(of: Weighted) -> Floats:
    """Average precision: precision at each threshold, weighted by the recall gained there."""
    return _ratio(of.binary_climb.precise, of.binary_climb.positive)


def log_loss(of: Weighted) -> Floats:
    """Mean of minus the log of the true class's probability, in nats."""
    return of.mean("log")


def brier(of: Weighted) -> Floats:
    """Mean squared distance of the probabilities from the truth."""
    return of.mean("brier")


def accuracy(of: Weighted) -> Floats:
    """Share of rows that are decided right."""
    return _ratio(_diagonal(of.confusion).sum(axis=1), of.confusion.sum(axis=(1, 2)))


def balanced_accuracy(of: Weighted) -> Floats:
    """Mean recall of the classes that occur."""
    return np.nanmean(_ratio(_diagonal(of.confusion), of.confusion.sum(axis=2), np.nan), axis=1)


def precision(of: Weighted) -> Floats:
    """Share of the rows decided positive that are; 0 when none is."""
    return _ratio(of.confusion[:, 1, 1], of.confusion[:, :, 1].sum(axis=1))


def recall(of: Weighted) -> Floats:
    """Share of the positive rows that are decided so."""
    return _ratio(of.confusion[:, 1, 1], of.confusion[:, 1, :].sum(axis=1))


def f1(of: Weighted) -> Floats:
    """Harmonic mean of precision and recall of the positive class."""
    return _f1_scores(of.confusion)[:, 1]


def f1_macro(of: Weighted) -> Floats:
    """Mean F1 of the classes that occur or are decided."""
    seen = of.confusion.sum(axis=2) + of.confusion.sum(axis=1) > 0
    return _ratio((_f1_scores(of.confusion) * seen).sum(axis=1), seen.sum(axis=1))


def f1_weighted(of: Weighted) -> Floats:
    """F1 of the classes, weighted by how often each occurs."""
    return (_f1_scores(of.confusion) * of.confusion.sum(axis=2)).sum(axis=1) / of.total


def mcc(of: Weighted) -> Floats:
    """Matthews correlation of truth and decision (Gorodkin 2004 for several classes)."""
    true, decided = of.confusion.sum(axis=2), of.confusion.sum(axis=1)
    right = _diagonal(of.confusion).sum(axis=1)
    covariance = right * true.sum(axis=1) - (true * decided).sum(axis=1)
    return _ratio(covariance, np.sqrt(_unlike_pairs(true) * _unlike_pairs(decided)))


def top_2_accuracy(of: Weighted) -> Floats:
    """Share of rows whose true class is one of the two most probable."""
    return of.mean("top 2")


def top_5_accuracy(of: Weighted) -> Floats:
    """Share of rows whose true class is one of the five most probable."""
    return of.mean("top 5")


def exact_match(of: Weighted) -> Floats:
    """Share of rows of which all labels are decided right."""
    return of.mean("exact")


def hamming_loss(of: Weighted) -> Floats:
    """Share of labels that are decided wrong."""
    return of.mean("hamming")


def jaccard_samples(of: Weighted) -> Floats:
    """Mean over rows of the labels decided and true, out of those decided or true."""
    return of.mean("jaccard")


def f1_samples(of: Weighted) -> Floats:
    """Mean over rows of the F1 of their labels."""
    return of.mean("f1")


def f1_of_labels(of: Weighted) -> Floats:
    """Mean F1 of the labels; 0 for one that neither occurs nor is decided."""
    return _f1_by_label(of).mean(axis=1)


def f1_micro(of: Weighted) -> Floats:
    """F1 of all labels of all rows together."""
    either = of.of_labels(TRUE).sum(axis=1) + of.of_labels(DECIDED).sum(axis=1)
    return _ratio(2 * of.of_labels(HIT).sum(axis=1), either)


def pr_auc_macro(of: Weighted) -> Floats:
    """Mean average precision of the labels."""
    climbs = (of.climb(code) for code in range(len(of.outcome.classes)))
    return np.mean([_ratio(each.precise, each.positive) for each in climbs], axis=0)


def lrap(of: Weighted) -> Floats:
    """Label ranking average precision: mean precision of each row's ranking at its true labels."""
    return of.mean("lrap")


def ranking_loss(of: Weighted) -> Floats:
    """Mean over rows of the share of pairs of a true and another label that are ranked wrong."""
    return of.mean("ranking")


def r2(of: Weighted) -> Floats:
    """Share of the target's variance that the predictions explain."""
    spread = of.mean("shifted squared") - of.mean("shifted") ** 2
    return 1 - _ratio(of.mean("squared"), spread, np.nan)


def rmse(of: Weighted) -> Floats:
    """Root of the mean squared error, in the target's unit."""
    return np.sqrt(of.mean("squared"))


def mae(of: Weighted) -> Floats:
    """Mean absolute error, in the target's unit."""
    return of.mean("absolute")


def _named(*metrics: Metric) -> Mapping[str, Metric]:
    return {metric.name: metric for metric in metrics}


_EACH = (support.every_class,)
_RANKED = (support.every_class, support.misranked)
_LABELS = (support.every_label,)
_RANKED_LABELS = (support.every_label, support.misranked)
_LOST = (support.wrong,)
_SQUARED = (support.light_tail,)

METRICS: Mapping[Task, Mapping[str, Metric]] = {
    Task.BINARY: _named(
        Metric("roc_auc", roc_auc, needs=_RANKED),
        Metric("pr_auc", pr_auc, needs=_EACH),
        Metric("log_loss", log_loss, greater_is_better=False, needs=_LOST),
        Metric("brier", brier, greater_is_better=False, needs=_LOST),
        Metric("accuracy", accuracy, closed=closed.RIGHT),
        Metric("balanced_accuracy", balanced_accuracy, closed=closed.MEAN_RECALL, needs=_EACH),
        Metric("precision", precision, closed=closed.DECIDED),
        Metric("recall", recall, closed=closed.FOUND, needs=_EACH),
        Metric("f1", f1, closed=closed.F1),
        Metric("f1_macro", f1_macro, needs=_EACH),
        Metric("mcc", mcc, needs=_EACH),
    ),
    Task.MULTICLASS: _named(
        Metric("log_loss", log_loss, greater_is_better=False, needs=_LOST),
        Metric("accuracy", accuracy, closed=closed.RIGHT),
        Metric("balanced_accuracy", balanced_accuracy, closed=closed.MEAN_RECALL, needs=_EACH),
        Metric("f1_macro", f1_macro, needs=_EACH),
        Metric("f1_weighted", f1_weighted),
        Metric("roc_auc_ovr", roc_auc_ovr, needs=_RANKED),
        Metric("mcc", mcc),
        Metric("brier", brier, greater_is_better=False, needs=_LOST),
        Metric("top_2_accuracy", top_2_accuracy, is_share=True),
        Metric("top_5_accuracy", top_5_accuracy, is_share=True, fewest_classes=11),
    ),
    Task.MULTILABEL: _named(
        Metric("log_loss", log_loss, greater_is_better=False, needs=_LOST),
        Metric("roc_auc_macro", roc_auc_ovr, needs=_RANKED_LABELS),
        Metric("pr_auc_macro", pr_auc_macro, needs=_LABELS),
        Metric("f1_macro", f1_of_labels, needs=_LABELS),
        Metric("f1_micro", f1_micro),
        Metric("f1_samples", f1_samples),
        Metric("jaccard_samples", jaccard_samples),
        Metric("exact_match", exact_match, is_share=True),
        Metric("hamming_loss", hamming_loss, greater_is_better=False),
        Metric("lrap", lrap),
        Metric("ranking_loss", ranking_loss, greater_is_better=False),
        Metric("brier", brier, greater_is_better=False, needs=_LOST),
    ),
    Task.REGRESSION: _named(
        Metric("r2", r2, needs=_SQUARED),
        Metric("rmse", rmse, greater_is_better=False, needs=(support.seen_large, *_SQUARED)),
        Metric("mae", mae, greater_is_better=False),
    ),
}
"""Metrics by task and name; the first of each task is the one to decide by."""


def metrics_of(task: Task, n_classes: int) -> Mapping[str, Metric]:
    """Those that are shown of a task with so many classes that the model knows, by name."""
    every = METRICS[task].items()
    return {name: metric for name, metric in every if n_classes >= metric.fewest_classes}


def default_primary(task: Task) -> str:
    """The metric to decide by when none is named."""
    return next(iter(METRICS[task]))


def _area_under_roc(climb: Climb, others: Floats) -> Floats:
    """Share of the pairs that are ranked right, ties counting half; NaN where a class is absent."""
    pairs = climb.positive * others
    return _ratio(pairs - climb.wrong, pairs, np.nan)


def _f1_by_label(of: Weighted) -> Floats:
    """F1 of each label, shape (b, k)."""
    return _ratio(2 * of.of_labels(HIT), of.of_labels(TRUE) + of.of_labels(DECIDED))


def _f1_scores(confusion: Floats) -> Floats:
    """F1 of each class, shape (b, k); 0 for a class that neither occurs nor is decided."""
    return _ratio(2 * _diagonal(confusion), confusion.sum(axis=2) + confusion.sum(axis=1))


def _unlike_pairs(sums: Floats) -> Floats:
    """Pairs of rows of different classes, shape (b,); exactly 0 where there is one class only."""
    return 2 * (np.cumsum(sums, axis=1)[:, :-1] * sums[:, 1:]).sum(axis=1)


def _diagonal(confusion: Floats) -> Floats:
    return np.diagonal(confusion, axis1=1, axis2=2)


def _ratio(part: Floats, whole: Floats, otherwise: float = 0.0) -> Floats:
    """Part over whole, and `otherwise` where the whole is nothing."""
    return np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
