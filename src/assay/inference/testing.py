"""Testing: the finished model on sealed rows, exactly as it would predict anybody's.

The features come first, which is no look: rows that cannot be predicted cost none.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from assay.data.keys import group_codes, times, weights
from assay.data.kinds import label_values
from assay.data.labels import labels_of
from assay.data.preparation import target_values
from assay.data.schema import Column, Role, Schema, Task, label_array
from assay.data.vault import OpenedRows
from assay.evaluation.comparison import independent
from assay.evaluation.design import Design
from assay.evaluation.evaluate import judge_together
from assay.evaluation.intervals import replicate, widened
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.result import OUT_OF_FOLD, TEST, Difference, Evaluation
from assay.evaluation.settings import Resamples
from assay.evaluation.time_blocks import time_blocks
from assay.inference.loading import LoadedModel
from assay.inference.strictness import RowsUnlikeTraining
from assay.predictions import Floats

_SHOWN_CLASSES = 5


@dataclass(frozen=True)
class Predicted:
    """What the model says of the sealed rows, before anyone knows the truth.

    Attributes:
        schema: Of the model.
        probabilities: Probabilities of classes or labels, shape (n, k); None for regression.
        decided: As `Outcome` has it; None for regression.
        values: Predicted values, shape (n,); None for a classification.
        notes: In what the rows are not like those the model learnt from.
    """

    schema: Schema
    probabilities: Floats | None = None
    decided: Codes | None = None
    values: Floats | None = None
    notes: tuple[str, ...] = ()


def predict_sealed(model: LoadedModel, features: pa.Table) -> Predicted:
    """Predictions and decisions of sealed rows from their features.

    Raises:
        DataError: A row cannot be predicted.
    """
    schema, frame = model.schema, features.to_pandas()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RowsUnlikeTraining)
        if schema.task.is_classification:
            probabilities = model.predict_proba(frame)
            decided = model.decided(probabilities)
            predicted = Predicted(schema, probabilities, decided)
        else:
            predicted = Predicted(schema, values=model.predict(frame).astype(np.float64))
    unlike = [each for each in caught if issubclass(each.category, RowsUnlikeTraining)]
    return replace(predicted, notes=tuple(f"{each.message}." for each in unlike))


def confront(
    predicted: Predicted, opened: OpenedRows, design: Design
) -> tuple[Outcome, tuple[str, ...]]:
    """Predictions beside the truth of the rows once these are opened, with notes on odd rows.

    Rows of a class that no development row had count as wrong: among several classes theirs is
    one more, of probability 0; in a binary task each is a false alarm, of probability 1. A label
    that no development row had is left out, where rows have several.

    Args:
        predicted: What the model says of the rows.
        opened: The rows.
        design: How the rows that training judged by came about, and so these.
    """
    schema, column = predicted.schema, opened.table[predicted.schema.target]
    keys = _keys_of(opened.table, schema, design)
    if not schema.task.is_classification:
        truth = target_values(column, schema)
        outcome = Outcome(schema.task, opened.rows, truth, values=predicted.values, **keys)
        return outcome, predicted.notes
    assert predicted.probabilities is not None
    assert predicted.decided is not None
    if schema.task is Task.MULTILABEL:
        outcome = Outcome(
            schema.task,
            opened.rows,
            target_values(column, schema),
            classes=schema.classes,
            probabilities=predicted.probabilities,
            decided=predicted.decided,
            **keys,
        )
        return outcome, (*_left_out(column, schema), *predicted.notes)
    labels = label_values(column)
    unseen = Counter(label for label in labels if label not in schema.classes)
    is_unseen = np.array([label in unseen for label in labels])
    probabilities, decided, n_unknown = predicted.probabilities, predicted.decided, 0
    if schema.task is Task.BINARY:
        negative, positive = schema.classes
        labels = [negative if label in unseen else label for label in labels]
        probabilities = np.where(is_unseen[:, None], [0.0, 1.0], probabilities)
        decided = np.where(is_unseen, schema.classes.index(positive), decided)
    else:
        schema = replace(schema, classes=(*schema.classes, *sorted(unseen, key=str)))
        n_unknown = len(unseen)
        probabilities = np.pad(probabilities, ((0, 0), (0, n_unknown)))
    outcome = Outcome(
        schema.task,
        opened.rows,
        schema.codes(label_array(labels)),
        classes=schema.classes,
        probabilities=probabilities,
        decided=decided,
        n_unknown=n_unknown,
        **keys,
    )
    return outcome, (*_said_of(unseen, schema.task), *predicted.notes)


def _keys_of(table: pa.Table, schema: Schema, design: Design) -> dict[str, Any]:
    """What the rows weigh, which belong together and how they came about, as outcomes take it."""

    def having(role: Role) -> list[Column]:
        return [column for column in schema.columns if column.role is role]

    grouping = [column.name for column in having(Role.GROUP)]
    clusters = group_codes(table, grouping) if grouping else None
    if design is Design.TIME:
        [column] = having(Role.TIME)
        clusters = time_blocks(times(table, column.name, column.read_as))
    weighing = having(Role.WEIGHT)
    return {
        "weights": weights(table, weighing[0].name) if weighing else None,
        "clusters": clusters,
        "design": design,
    }


def judge_sealed(
    outcome: Outcome,
    announced: Outcome,
    *,
    primary: str,
    level: float,
    resamples: Resamples,
    looks: int,
    told: str = OUT_OF_FOLD,
    flattery: float = 0.0,
) -> tuple[Evaluation, Difference]:
    """What the sealed rows say, and how far that is from the announced number.

    Args:
        outcome: Of the sealed rows.
        announced: Of the rows that training judged by.
        primary: Metric to decide by.
        level: Level of the intervals at the first look.
        resamples: Bootstrap resamples.
        looks: How often the rows have been looked at; the more, the wider the intervals.
        told: Which rows training judged by.
        flattery: By how much the announced number is too high for having been chosen by.
    """
    level = widened(level, looks)
    [judged] = judge_together(
        {"": outcome}, rows=TEST, primary=primary, level=level, resamples=resamples
    ).values()
    [before] = replicate([announced], resamples, [primary])
    difference = independent(
        before,
        judged.replicates,
        task=outcome.task,
        metric=primary,
        level=level,
        names=(told.replace("-", " "), TEST),
        flattery=flattery,
    )
    return judged.evaluation, difference


def _left_out(column: pa.ChunkedArray, schema: Schema) -> tuple[str, ...]:
    """What is said of labels that no development row had."""
    unseen = [label for label in labels_of(column) if label not in schema.classes]
    if not unseen:
        return ()
    named = ", ".join(map(str, unseen[:_SHOWN_CLASSES]))
    more = ", ..." if len(unseen) > _SHOWN_CLASSES else ""
    has, it = ("a label", "it is") if len(unseen) == 1 else ("labels", "they are")
    return (f"Sealed rows have {has} that no development row had ({named}{more}): {it} left out.",)


def _said_of(unseen: Counter[Any], task: Task) -> tuple[str, ...]:
    if not unseen:
        return ()
    n, one = unseen.total(), unseen.total() == 1
    named = ", ".join(str(label) for label, _ in unseen.most_common(_SHOWN_CLASSES))
    more = ", ..." if len(unseen) > _SHOWN_CLASSES else ""
    return (
        f"{n:,} sealed {'row has a class' if one else 'rows have classes'} that no development "
        f"row had ({named}{more}): {'it counts' if one else 'they count'} as wrong"
        f"{', as false alarms' if task is Task.BINARY else ''}.",
    )
