"""Worth: what the score of a quick model loses without some columns, in words and numbers.

The model is the probe's small forest, on at most 6,000 rows of which a third is held out: the
numbers are honest for comparing, not what a tuned model would reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.checks.probe import encoded, errors, target_columns
from assay.checks.skill import few
from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.predictions import Floats

MOST_ROWS = 6000
HELD_OUT = 3
NO_LOSS = 0.005


def worth(train: Part, columns: Sequence[str]) -> Mapping[str, Any]:
    """The effect of columns on the score, as a sentence and a number, for a finding to tell.

    Args:
        train: Rows with their targets.
        columns: The features to leave out, all at once.

    Returns:
        `effect` and `inflation` of the finding; nothing where that cannot be measured.
    """
    sample = few(train, MOST_ROWS)
    names = {each.name for each in sample.schema.features if each.kind is not Kind.IMAGE}
    if not {*columns} <= names:
        return {}
    images = tuple(sample.schema.named(Kind.IMAGE))
    truth = target_columns(sample)
    held = np.random.default_rng(0).permutation(len(sample)) % HELD_OUT == 0
    with_all = _score(encoded(sample, images), truth, held, sample)
    without = _score(encoded(sample, (*images, *columns)), truth, held, sample)
    if with_all is None or without is None:
        return {}
    metric = {Task.BINARY: "ROC-AUC", Task.REGRESSION: "R2"}.get(sample.schema.task, "accuracy")
    which = f"'{columns[0]}'" if len(columns) == 1 else f"these {len(columns)} columns"
    moves = f"falls from {with_all:.3f} to {without:.3f}"
    if with_all - without < NO_LOSS:
        moves = f"stays where it is ({with_all:.3f}, then {without:.3f}): the rest says it too"
    said = f"Without {which} the {metric} of a quick model {moves}."
    return {"effect": said, "inflation": round(with_all - without, 4)}


def _score(X: Floats, truth: Floats, held: NDArray[np.bool_], part: Part) -> float | None:
    from sklearn.metrics import r2_score, roc_auc_score

    test = np.flatnonzero(held)
    guessed = truth[test] - errors(X, truth, np.flatnonzero(~held), test)
    if part.schema.task is Task.REGRESSION:
        return float(r2_score(truth[test, 0], guessed[:, 0]))
    classes = truth[test].argmax(axis=1)
    if part.schema.task is Task.BINARY:
        return float(roc_auc_score(classes, guessed[:, 1])) if np.ptp(classes) else None
    # Of centred indicators the mean is missing, which says which class is likely at all.
    shares = np.bincount(part.schema.codes(part.known_target)) / len(part)
    return float((classes == (guessed + shares).argmax(axis=1)).mean())
