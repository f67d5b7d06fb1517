"""AS210 selected-on-all-rows: features chosen by what they say of the target in test rows too.

Of many columns some go with the target in these very rows by luck. Chosen on training rows, their
luck ends there; chosen on all rows, it is in the test as well, and the score is of that luck. This
inflates a score more than any other step of preparation. With all columns from before it shows: the
kept ones are the best by all rows, and not the best by the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.checks.origin import original_rows
from assay.checks.selected import Mask, Selection, selection
from assay.data.kinds import label_values
from assay.data.schema import Kind, Task
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats, Rows

FEWEST_DROPPED = 10
TIMES_KEPT = 2
FEWEST_ROWS = 20


class SelectedOnAllRows:
    """Ranks the columns from before the selection by all rows and by training rows."""

    code = "AS210"
    name = "selected-on-all-rows"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare what was kept with what training rows alone would keep."""
        before = None if view.given is None else view.given.before
        if before is None or view.test is None:
            return NotApplicable("no rows from before preparation were handed over")
        if view.schema.target not in before.column_names:
            return NotApplicable("the rows from before preparation have no target")
        names = _numbers(before, view.schema.target)
        numeric = {*view.schema.named(Kind.NUMERIC)}
        kept = np.array([name in numeric for name in names], dtype=bool)
        if kept.sum() < 2 or len(names) < max(TIMES_KEPT * kept.sum(), kept.sum() + FEWEST_DROPPED):
            return NotApplicable("no more columns than now were there before")
        rows = original_rows(view, before)
        if rows is None:
            return NotApplicable("rows cannot be found again among those from before preparation")
        parts = [part[part >= 0] for part in rows]
        if min(map(len, parts)) < FEWEST_ROWS:
            return NotApplicable(f"fewer than {FEWEST_ROWS} rows are too few to rank by")
        ranked = before.take(np.concatenate(parts))
        X = np.column_stack([ranked[n].to_numpy().astype(np.float64) for n in names])
        y = _target(ranked[view.schema.target], view)
        train = np.arange(len(parts[0]))
        by_class = view.schema.task.is_classification
        found = selection(X, y, kept, train, by_class=by_class)
        if found is None or not found.is_on_all:
            return []
        chosen = tuple(np.array(names)[kept].tolist())
        effect = _effect(view, X, y, (kept, _mask(found.best_by_train, len(names))), train)
        return [_finding(chosen, len(names), found, effect)]


def _numbers(before: pa.Table, target: str) -> list[str]:
    return [
        field.name
        for field in before.schema
        if field.name != target
        and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    ]


def _target(column: pa.ChunkedArray, view: View) -> Floats:
    if view.schema.task.is_classification:
        return np.unique(np.array(label_values(column), dtype=str), return_inverse=True)[1].astype(
            np.float64
        )
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _mask(positions: Rows, n: int) -> Mask:
    mask = np.zeros(n, dtype=bool)
    mask[positions] = True
    return mask


def _effect(view: View, X: Floats, y: Floats, chosen: tuple[Mask, Mask], train: Rows) -> str | None:
    """The score of a ridge regression with the kept columns, and with those that training keeps."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if view.schema.task is Task.MULTICLASS:
        return None
    test = np.setdiff1d(np.arange(len(y)), train)
    is_binary = view.schema.task is Task.BINARY
    if is_binary and min(len(np.unique(y[test])), len(np.unique(y[train]))) < 2:
        return None
    scores = []
    for columns in chosen:
        values = np.nan_to_num(X[:, columns])
        model = make_pipeline(StandardScaler(), Ridge(alpha=float(columns.sum())))
        said = model.fit(values[train], y[train]).predict(values[test])
        scores.append(float((roc_auc_score if is_binary else r2_score)(y[test], said)))
    name = "a ROC-AUC" if is_binary else "an R2"
    return (
        f"A ridge regression with these columns reaches {name} of {scores[0]:.3f} on the test; "
        f"with as many that training rows alone would keep, {scores[1]:.3f}."
    )


def _finding(columns: tuple[str, ...], n: int, found: Selection, effect: str | None) -> Finding:
    return Finding(
        code=SelectedOnAllRows.code,
        severity=Severity.WARN,
        title=f"{len(columns)} of {n:,} columns were kept by their {found.score} with the target "
        "in training and test rows together.",
        evidence={
            "columns before": n,
            "kept": len(columns),
            "share of them among the best by all rows": round(found.by_all, 4),
            "among the best by training rows": round(found.by_train, 4),
            "among the best by as many rows at random, mean": round(found.by_chance, 4),
            "drawings": found.draws,
            "drawings that explain as much as all rows": found.as_many,
        },
        columns=columns,
        effect=effect,
        mend="divide first, then select within the training rows, in a pipeline so that folds do "
        "too:\n"
        f"make_pipeline(SelectKBest(k={len(columns)}), model).fit(train[all_columns], "
        "train[target])",
    )
