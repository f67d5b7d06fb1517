"""The reference: what training was like, in so few numbers that it travels inside the model.

Rows of each column by bins or levels, and how the model scored rows that it did not learn from;
no row can be put together from it. Whoever watches a served model holds its traffic against this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.evaluation.evaluate import Judged
from assay.evaluation.outcome import Outcome
from assay.predictions import Floats, Labels

REFERENCE = "reference.json"
FEATURE, SCORE, LOSS = "feature", "score", "loss"
MISSING = -1
"""The bin of a value that is missing."""
OTHER = "any other"
_BINS = 64
_MOST_LEVELS = 100
_LEAST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class ReferenceColumn:
    """One column of training rows, counted.

    Attributes:
        name: Its name.
        role: 'feature'; 'score', what the model said of rows that it did not learn from; or
            'loss', by how much it was wrong.
        kind: 'numeric', 'text' (its length in characters) or 'categorical'.
        counts: Rows by bin, or by level with those of any other level last.
        missing: Rows without a value.
        cuts: Of numbers: upper ends of all bins but the last, rising. The first bin lies below, and
            the last one above what training had.
        levels: Of categories: those counted one by one, the most frequent first.
    """

    name: str
    role: str
    kind: str
    counts: tuple[int, ...]
    missing: int
    cuts: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Rows with a value."""
        return sum(self.counts)

    @property
    def has_levels(self) -> bool:
        """Whether it is of categories, and not of numbers."""
        return self.kind == "categorical"

    def bins_of(self, values: Any) -> NDArray[np.int64]:
        """The bin of each value, `MISSING` of one that is not there, shape (n,)."""
        column = pd.Series(values)
        missing = column.isna().to_numpy()
        if self.has_levels:
            found = pd.Index(self.levels, dtype=object).get_indexer(column.astype(object))
            bins = np.where(found < 0, len(self.levels), found)
        else:
            bins = np.searchsorted(self.cuts, column.to_numpy(dtype=np.float64), side="left")
        return np.where(missing, MISSING, bins).astype(np.int64)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ReferenceColumn:
        """Read back what JSON has made of one."""
        lists = {name: tuple(record[name]) for name in ("counts", "cuts", "levels")}
        return cls(**{**record, **lists})

    @classmethod
    def of_numbers(
        cls, name: str, values: Floats, role: str, kind: str = "numeric"
    ) -> ReferenceColumn | None:
        """Count numbers in bins of about as many rows each; None where there is no number."""
        known = np.sort(values[np.isfinite(values)])
        if len(known) == 0:
            return None
        shares = np.linspace(0, 1, _BINS + 1)[1:]
        ends = known[np.ceil(shares * len(known)).astype(np.int64) - 1]
        cuts = np.unique([np.nextafter(known[0], -np.inf), *ends])
        bins = np.searchsorted(cuts, known, side="left")
        counts = np.bincount(bins, minlength=len(cuts) + 1)
        missing = len(values) - len(known)
        return cls(name, role, kind, tuple(counts.tolist()), missing, tuple(cuts.tolist()))

    @classmethod
    def of_levels(cls, name: str, values: Sequence[Any], role: str) -> ReferenceColumn:
        """Count levels: chosen on one half of the rows, counted on the other.

        On the rows that it was chosen on, a level would be the more frequent for having been.
        """
        order = np.random.default_rng(0).permutation(len(values))
        choosing, counting = np.array_split(pd.Series(values, dtype=object).to_numpy()[order], 2)
        found = pd.Series(choosing).dropna().astype(str).value_counts(sort=False)
        ranked = sorted(found.index, key=lambda level: (-found[level], level))
        empty = cls(name, role, "categorical", (), 0, levels=tuple(ranked[:_MOST_LEVELS]))
        bins = empty.bins_of(pd.Series(counting, dtype=object).map(str, na_action="ignore"))
        counts = np.bincount(bins[bins >= 0], minlength=len(empty.levels) + 1).tolist()
        missing = int((bins == MISSING).sum())
        return cls(name, role, "categorical", tuple(counts), missing, levels=empty.levels)


@dataclass(frozen=True)
class Reference:
    """Everything that is kept of training for those who watch the model.

    Attributes:
        columns: Features, then scores, then the loss.
        primary: The metric that the run was decided by.
        rows: Which rows scores, loss and metric are of: 'out-of-fold' or 'validation'.
        metric: Its value with the interval, as `Estimate.as_dict` has it.
    """

    columns: tuple[ReferenceColumn, ...]
    primary: str
    rows: str
    metric: Mapping[str, Any]

    def column(self, name: str, role: str) -> ReferenceColumn | None:
        """The column of this name and role, if it is kept."""
        return next((each for each in self.columns if (each.name, each.role) == (name, role)), None)

    def write(self, folder: Path) -> None:
        """Write it beside a packed model."""
        record = {**self.__dict__, "columns": [each.__dict__ for each in self.columns]}
        (folder / REFERENCE).write_text(json.dumps(record), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Reference | None:
        """The one beside a packed model; None if it was packed without."""
        path = folder / REFERENCE
        if not path.is_file():
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
        columns = tuple(map(ReferenceColumn.from_dict, record["columns"]))
        return cls(**{**record, "columns": columns})


def reference_of(development: Part, held_out: Judged) -> Reference:
    """What is kept of a training.

    Args:
        development: The rows that the logged model learnt from.
        held_out: What models like it said of rows that they did not learn from.
    """
    schema, outcome, evaluation = development.schema, held_out.outcome, held_out.evaluation
    columns = [
        _counted(each.name, development.features[each.name], FEATURE, each.kind)
        for each in schema.features
    ]
    truth = outcome.truth
    said = scores(outcome.task, outcome.classes, outcome.probabilities, outcome.values)
    said["predicted label"] = _decided_labels(outcome)
    for name, values in said.items():
        kind = Kind.CATEGORICAL if name == "predicted label" else Kind.NUMERIC
        columns.append(None if values is None else _counted(name, pd.Series(values), SCORE, kind))
    lost = losses(outcome.task, truth, outcome.probabilities, outcome.values)
    columns.append(_counted(loss_name(outcome.task), pd.Series(lost), LOSS, Kind.NUMERIC))
    return Reference(
        tuple(each for each in columns if each is not None),
        evaluation.primary,
        evaluation.rows,
        evaluation.headline.as_dict(),
    )


def scores(
    task: Task, classes: Sequence[Any], probabilities: Floats | None, values: Floats | None
) -> dict[str, Any]:
    """The numbers that a model says of rows, by what they are, each of shape (n,).

    Args:
        task: What is predicted.
        classes: In the order of the columns of `probabilities`; empty for a regression.
        probabilities: Of a classification, shape (n, k).
        values: Of a regression, shape (n,).
    """
    if probabilities is None:
        return {"predicted value": values}
    if task is Task.BINARY:
        return {f"probability of {classes[-1]}": probabilities[:, -1]}
    return {"highest probability": probabilities.max(axis=1)}


def losses(
    task: Task, truth: Labels, probabilities: Floats | None, values: Floats | None
) -> Floats:
    """By how much predictions were wrong, shape (n,): `loss_name` says in what.

    Args:
        task: What is predicted.
        truth: As `Outcome` has it.
        probabilities: Of a classification, shape (n, k).
        values: Of a regression, shape (n,).
    """
    if probabilities is None:
        assert values is not None, "values or probabilities"
        return np.asarray(np.abs(truth - values), dtype=np.float64)
    if task is Task.MULTILABEL:
        of_truth = np.where(truth == 1, probabilities, 1 - probabilities)
        return np.asarray(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean(axis=1))
    of_truth = probabilities[np.arange(len(truth)), truth.astype(np.int64)]
    return np.asarray(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)))


def loss_name(task: Task) -> str:
    """What a single prediction is held to."""
    return "absolute error" if task is Task.REGRESSION else "log loss"


def _counted(name: str, values: pd.Series[Any], role: str, kind: Kind) -> ReferenceColumn | None:
    """A column as it is kept; None for kinds that are not watched.

    Dates are none: they go on by themselves.
    """
    if kind is Kind.NUMERIC:
        return ReferenceColumn.of_numbers(name, values.to_numpy(dtype=np.float64), role)
    if kind is Kind.TEXT:
        return ReferenceColumn.of_numbers(name, lengths(values), role, "text")
    if kind is Kind.CATEGORICAL:
        return ReferenceColumn.of_levels(name, list(values), role)
    return None


def lengths(texts: pd.Series[Any]) -> Floats:
    """Characters of each text, shape (n,)."""
    return texts.str.len().to_numpy(dtype=np.float64)


def _decided_labels(outcome: Outcome) -> list[str] | None:
    """What was decided, as text; None for numbers, and where rows have several labels."""
    if outcome.decided is None or outcome.has_labels:
        return None
    return [str(outcome.classes[code]) for code in outcome.decided]
