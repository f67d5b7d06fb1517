"""AS102 target-copy: a feature that is the target itself under another name.

Certain, and ruinous: of classes, each value of the feature stands for one class and each class for
one value; of numbers, the target is the feature times one number plus another, to the last digits.
Features that only come close are for AS101, which asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.base import View
from assay.data.schema import Kind, Task
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 5
FEWEST_VALUES = 10
TOLERANCE = 1e-9


class TargetCopy:
    """Finds features that say the target word for word."""

    code = "AS102"
    name = "target-copy"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Hold each feature against the target."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell a copy from chance")
        schema, target = view.train.schema, view.train.known_target
        features = view.train.features
        if schema.task is Task.REGRESSION:
            named = schema.named(Kind.NUMERIC, Kind.DATETIME)
            found = [c for c in named if is_linear_copy(features[c].to_numpy(), target)]
        else:
            codes = schema.codes(target)
            named = schema.named(Kind.NUMERIC, Kind.DATETIME, Kind.CATEGORICAL)
            found = [c for c in named if is_renamed(features[c], codes)]
        return [_finding(name, view.predicted, n) for name in found]


def is_renamed(values: pd.Series[Any], codes: np.ndarray[Any, Any]) -> bool:
    """Whether values and classes stand for each other one to one.

    >>> is_renamed(pd.Series(["m", "f"] * 30), np.array([0, 1] * 30))
    True
    """
    levels = pd.factorize(values, use_na_sentinel=False)[0]
    counts = np.bincount(codes)
    n_classes = int((counts > 0).sum())
    if levels.max() + 1 != n_classes:
        return False
    pairs = np.bincount(levels * len(counts) + codes) > 0
    # A class of a few rows may be met by chance; one of many is not.
    return bool(
        pairs.sum() == n_classes and np.sort(counts[counts > 0])[:-1].sum() >= FEWEST_OF_A_CLASS
    )


def is_linear_copy(values: Floats, target: Floats) -> bool:
    """Whether the target is the values times one number plus another.

    >>> celsius = np.arange(60.0)
    >>> is_linear_copy(celsius, celsius * 1.8 + 32), is_linear_copy(celsius, celsius**2)
    (True, False)
    """
    if np.isnan(values).any() or len(np.unique(values)) < FEWEST_VALUES:
        return False
    centred, aim = values - values.mean(), target - target.mean()
    spread = float((aim**2).sum())
    if spread == 0:
        return False
    slope = float((centred * aim).sum() / (centred**2).sum())
    return bool(np.abs(aim - slope * centred).max() <= TOLERANCE * np.abs(aim).max())


def _finding(name: str, target: str, n: int) -> Finding:
    return Finding(
        code=TargetCopy.code,
        severity=Severity.BLOCK,
        title=f"'{name}' is {target} under another name.",
        evidence={"rows that agree": n, "rows": n},
        columns=(name,),
        effect="Every score of a model that sees it is worthless.",
        mend=f"data: {{roles: {{ignore: ['{name}']}}}}",
    )
