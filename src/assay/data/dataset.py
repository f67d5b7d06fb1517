"""A dataset: development rows with their schema, and the parts of it that learners are handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from assay.data.keys import Codes
from assay.data.schema import Kind, Schema
from assay.predictions import Floats, Labels, Rows


@dataclass(frozen=True)
class Part:
    """Some rows, ready for a learner.

    Attributes:
        rows: Row numbers in the source table, int64, shape (n,).
        features: One column per feature of the schema: numeric and datetime ones (days since
            1970) as float64, categorical ones as text objects, images as the bytes of their files
            or as pixels; NaN where a value is missing.
        target: Class labels, or float64 values for regression, shape (n,); for a multilabel task 1
            where a row has a label and 0 where not, int64, shape (n, k). None where the target is
            unknown or sealed.
        schema: What the columns are.
        weights: Sample weights, float64, shape (n,); None when all rows count the same.
        groups: Number of the group that each row belongs to, int64, shape (n,); None without.
        times: When each row was, float64, shape (n,); None when rows have no order.
    """

    rows: Rows
    features: pd.DataFrame
    target: Labels | None
    schema: Schema
    weights: Floats | None = None
    groups: Codes | None = None
    times: Floats | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def known_target(self) -> Labels:
        """The target of a part that must have one."""
        assert self.target is not None, "this part has no target"
        return self.target

    @property
    def images(self) -> dict[str, Labels]:
        """The cells of its features of images, by name."""
        return {name: self.features[name].to_numpy() for name in self.schema.named(Kind.IMAGE)}

    def take(self, index: np.ndarray[Any, Any]) -> Part:
        """The rows at these positions (an index or a mask of shape (n,))."""

        def at(array: Any) -> Any:
            return None if array is None else array[index]

        return Part(
            rows=self.rows[index],
            features=self.features.iloc[np.flatnonzero(index) if index.dtype == bool else index],
            target=at(self.target),
            schema=self.schema,
            weights=at(self.weights),
            groups=at(self.groups),
            times=at(self.times),
        )
