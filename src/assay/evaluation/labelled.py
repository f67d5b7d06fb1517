"""Labelled: how right each row is, and each label of it, where rows may have several labels.

Each equals scikit-learn's of the same name for the row by itself; of a row without any label, of
which none is decided either, nothing is wrong (`zero_division=1`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.evaluation.outcome import Codes, Outcome
from assay.predictions import Floats

HIT, TRUE, DECIDED, NOT = "hit", "true", "decided", "not"


def label_losses(outcome: Outcome) -> Mapping[str, Floats]:
    """What metrics of labels are means of, by name, shape (n,) each.

    Returns:
        Of each row: its log loss and Brier score (means over labels), whether all its labels are
        decided right, the share decided wrong, Jaccard index and F1, the precision and the loss of
        its ranking of labels. Of each label, by `of_label`: 1 for a row that is decided so and is,
        that is, that is decided so, that is not.
    """
    truth, decided = outcome.truth, outcome.decided
    assert decided is not None
    probabilities = outcome.known_probabilities
    both, has, said = (truth & decided).sum(axis=1), truth.sum(axis=1), decided.sum(axis=1)
    eps = np.finfo(np.float64).eps
    clipped = np.clip(probabilities, eps, 1 - eps)
    precision, wrong_pairs = _rankings(outcome)
    of_rows = {
        "log": -np.log(np.where(truth == 1, clipped, 1 - clipped)).mean(axis=1),
        "brier": ((probabilities - truth) ** 2).mean(axis=1),
        "exact": (truth == decided).all(axis=1).astype(np.float64),
        "hamming": (truth != decided).mean(axis=1),
        "jaccard": _share(both, has + said - both),
        "f1": _share(2 * both, has + said),
        "lrap": precision,
        "ranking": wrong_pairs,
    }
    tables = {HIT: truth & decided, TRUE: truth, DECIDED: decided, NOT: 1 - truth}
    of_labels = {
        of_label(name, code): column.astype(np.float64)
        for name, table in tables.items()
        for code, column in enumerate(table.T)
    }
    return of_rows | of_labels


def of_label(name: str, code: int) -> str:
    """What a sum over the rows of a label is called."""
    return f"{name} {code}"


def in_words(classes: Sequence[Any], held: Codes) -> str:
    """The labels that a row has.

    Args:
        classes: All labels.
        held: 1 for each that it has, else 0, shape (k,).

    >>> in_words(("hot", "wet", "old"), np.array([1, 0, 1])), in_words(("hot", "wet"), np.zeros(2))
    ('hot, old', 'no label')
    """
    named = [str(label) for label, has in zip(classes, held, strict=True) if has]
    return ", ".join(named) if named else "no label"


def sureness(outcome: Outcome) -> Floats:
    """The probability of what was decided of each label, shape (n, k)."""
    probabilities = outcome.known_probabilities
    return np.where(outcome.decided == 1, probabilities, 1 - probabilities)


def surest_mistakes(outcome: Outcome) -> tuple[list[str], Floats]:
    """Of each row the label that is decided wrong with the highest probability, as it is decided.

    Returns:
        'wet' where it is given and should not be, 'not wet' where it should be, empty for a row
        that is right; and the probability of that decision, shape (n,), 0 for a row that is right.
    """
    assert outcome.decided is not None
    sure = np.where(outcome.decided == outcome.truth, 0.0, sureness(outcome))
    codes, at = sure.argmax(axis=1), np.arange(len(outcome))
    said = outcome.decided[at, codes]
    told = [
        "" if right else f"{'' if given else 'not '}{outcome.classes[code]}"
        for right, given, code in zip(outcome.decided_right, said, codes, strict=True)
    ]
    return told, sure[at, codes]


def _rankings(outcome: Outcome) -> tuple[Floats, Floats]:
    """Label ranking average precision and label ranking loss of each row, shape (n,) each.

    Ties count against the model in both, as in scikit-learn.
    """
    scores, truth = outcome.known_probabilities * outcome.ranks, outcome.truth == 1
    k, has = truth.shape[1], truth.sum(axis=1)
    precise, wrong = np.zeros(len(truth)), np.zeros(len(truth))
    for code in range(k):  # all at once would be a table of all pairs of labels for each row
        no_lower = scores >= scores[:, code, None]
        above = (no_lower & truth).sum(axis=1)
        rank = no_lower.sum(axis=1)
        precise += np.where(truth[:, code], above / rank, 0.0)
        wrong += np.where(truth[:, code], rank - above, 0)
    ordered = (has > 0) & (has < k)
    pairs = np.maximum(1, has * (k - has))
    precision = np.where(ordered, precise / np.maximum(1, has), 1.0)
    return precision, np.where(ordered, wrong / pairs, 0.0)


def _share(part: Codes, whole: Codes) -> Floats:
    """Part over whole, and 1 where there is nothing to find and nothing was found."""
    return np.divide(part, whole, out=np.ones(len(part)), where=whole > 0)
