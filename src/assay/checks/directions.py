"""Directions: whether more or less of a metric is better, told by its name; None where unknown."""

from __future__ import annotations

import re

from assay.evaluation.metrics import METRICS

_OURS = {name: each.greater_is_better for kind in METRICS.values() for name, each in kind.items()}
_LESS = frozenset((
    "loss", "losses", "error", "errors", "err", "mse", "mae", "rmse", "mape", "smape", "wape",
    "mdae", "medae", "rmsle", "msle", "rse", "rae", "mase", "brier", "logloss", "nll",
    "crossentropy", "perplexity", "ppl", "deviance", "divergence", "wer", "cer", "fid", "ece",
    "mce", "hinge", "cost", "regret", "hamming", "eer", "crps", "pinball",
))  # fmt: skip
_MORE = frozenset((
    "auc", "auroc", "rocauc", "aucroc", "auprc", "prauc", "ap", "map", "accuracy", "acc",
    "precision", "recall", "sensitivity", "specificity", "f1", "f2", "fbeta", "fscore", "f1score",
    "r2", "r2score", "mcc", "matthews", "kappa", "iou", "miou", "jaccard", "dice", "ndcg", "mrr",
    "bleu", "rouge", "gini", "gain", "lift", "skill", "correlation", "pearson", "spearman", "tpr",
    "hits", "score",
))  # fmt: skip
_GAINS = frozenset(("reduction", "improvement", "decrease", "drop"))
_PARTS = ("val", "valid", "validation", "test", "train", "training", "eval", "dev", "cv", "holdout",
          "mean", "avg", "best", "oof", "final")  # fmt: skip


def greater_is_better(metric: str) -> bool | None:
    """Whether more of a metric is better.

    Names of scikit-learn, PyTorch and ours are known, whatever part of the rows they name; those
    that begin with 'neg' are turned round.

    >>> greater_is_better("val_log_loss"), greater_is_better("neg_mean_squared_error")
    (False, True)
    >>> greater_is_better("ROC-AUC"), greater_is_better("churn_index") is None
    (True, True)
    """
    plain = re.sub(r"[^a-z0-9]+", "_", metric.strip().lower()).strip("_")
    words = [each for each in plain.split("_") if each not in _PARTS]
    is_said = bool(words) and words[0] in ("neg", "negative", "minus")
    is_turned = is_said or metric.strip().startswith("-")
    words = words[1:] if is_said else words
    if words == ["score"] or _GAINS & {*words}:  # of what, nobody knows
        return None
    found = _OURS.get("_".join(words))
    if found is None:
        is_less, is_more = bool(_LESS & {*words}), bool(_MORE & {*words})
        rate = plain.endswith(("false_positive_rate", "false_negative_rate", "cross_entropy"))
        # 'brier_score' is a loss for all that scores are good; 'd2_..._error_score' is none.
        found = "d2" in words or (False if is_less or rate else True if is_more else None)
    return found if found is None or not is_turned else not found
