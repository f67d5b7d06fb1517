"""Encoding: how a part of a table becomes what a network takes, fitted inside the fold.

Numbers get the shape of a normal distribution, so that neither scale nor outliers of a column
matter; what was missing becomes the median, with an indicator beside it. Categories become codes,
0 being missing or never seen. What is fitted is made of scikit-learn's parts, and saved by skops.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.data.dataset import Part
from assay.data.schema import Role, Task, label_array
from assay.errors import LearnerError
from assay.learners.preprocessing import periods_and_topics, usable_columns
from assay.learners.served_network import GROUPS, TRANSFORMERS, in_terms, table_arrays
from assay.learners.trust import load_skops, skops_io
from assay.predictions import Floats, Labels, Predictions

_MOST_LEVELS = 5000
_QUANTILES = 1000
_ABOUT = "encoding.json"

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Encoding:
    """What turns features into arrays.

    Attributes:
        transformers: A fitted transformer for each group that has columns.
        widths: Columns of each group, by name; zero where there are none.
        levels: Codes of each category, the zero included.
        n_rows: Training rows, by which a network's size goes.
    """

    transformers: Mapping[str, Any]
    widths: Mapping[str, int]
    levels: tuple[int, ...]
    n_rows: int

    def arrays(self, features: pd.DataFrame) -> Arrays:
        """The groups of some rows, by name.

        Args:
            features: Rows as in `Part.features`.

        Returns:
            numeric, float32, standard normal where it can be; plain, float32; categories, int64:
            each of shape (n, columns), without missing values.
        """
        return table_arrays(self.transformers, features)

    def save(self, folder: Path) -> None:
        """Write the transformers with skops, into an existing folder."""
        skops_io().dump(dict(self.transformers), folder / TRANSFORMERS)
        about = {"widths": dict(self.widths), "levels": self.levels, "n_rows": self.n_rows}
        (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Encoding:
        """Read what `save` wrote; only types of known libraries are built.

        Raises:
            UnsafeModelError: The file holds other types.
        """
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        transformers = load_skops(folder / TRANSFORMERS)
        return cls(transformers, about["widths"], tuple(about["levels"]), about["n_rows"])


def fit_encoding(train: Part, seed: int) -> Encoding:
    """Fit an encoding to training rows.

    Args:
        train: The rows; no others are looked at.
        seed: Of what is drawn: rows for quantiles, and directions in which topics are sought.

    Raises:
        LearnerError: No feature has a value in any of them.
    """
    from sklearn.compose import ColumnTransformer

    parts: dict[str, list[tuple[str, Any, Any]]] = {
        "numeric": list(_numbers(train)),
        "plain": [*_gaps(train), *periods_and_topics(train)],
        "categories": list(_codes(train)),
    }
    if not any(parts.values()):
        raise LearnerError(
            "No feature has a value in any training row.",
            where="data.source",
            mend="add columns to learn from, or change data.kinds and data.roles.ignore",
        )
    transformers, widths = {}, dict.fromkeys(GROUPS, 0)
    for group, given in parts.items():
        if given:
            transformer = _drawn(ColumnTransformer(given, sparse_threshold=0), seed)
            widths[group] = transformer.fit_transform(train.features).shape[1]
            transformers[group] = transformer
    return Encoding(transformers, widths, _levels(transformers.get("categories")), len(train))


@dataclass(frozen=True)
class Target:
    """What is predicted, as a network sees it.

    Attributes:
        classes: All classes of the schema; empty for numbers.
        seen: Positions in `classes` of those that training rows have, which are the outputs; of
            labels all of them.
        center: Mean of the training rows, for numbers.
        scale: Their standard deviation, or 1 where that is zero.
        has_labels: Whether rows may have several of the classes: then each is an output by itself.
    """

    classes: tuple[Any, ...] = ()
    seen: tuple[int, ...] = ()
    center: float = 0.0
    scale: float = 1.0
    has_labels: bool = False

    @classmethod
    def of(cls, train: Part) -> Target:
        """What the training rows need."""
        schema = train.schema
        if schema.task is Task.MULTILABEL:
            return cls(schema.classes, tuple(range(len(schema.classes))), has_labels=True)
        if schema.task.is_classification:
            seen = np.unique(schema.codes(train.known_target))
            return cls(schema.classes, tuple(seen.tolist()))
        values = np.asarray(train.known_target, dtype=np.float64)
        weights = train.weights if train.weights is None or train.weights.sum() > 0 else None
        center = float(np.average(values, weights=weights))
        spread = float(np.sqrt(np.average((values - center) ** 2, weights=weights)))
        return cls(center=center, scale=spread if spread > 0 else 1.0)

    @property
    def n_outputs(self) -> int:
        """Logits, or the one value, that a network has to give."""
        return len(self.seen) if self.classes else 1

    def as_dict(self) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "seen": list(self.seen),
            "center": self.center,
            "scale": self.scale,
            "has_labels": self.has_labels,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Target:
        """Read back what `as_dict` wrote; records older than labels do not speak of them."""
        classes, seen = tuple(record["classes"]), tuple(record["seen"])
        has_labels = record.get("has_labels", False)
        return cls(classes, seen, record["center"], record["scale"], has_labels)

    def known(self, part: Part) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rows have a target that the training rows have as well, shape (n,)."""
        if not self.classes or self.has_labels:
            return np.ones(len(part), dtype=bool)
        return np.isin(part.schema.codes(part.known_target), self.seen)

    def encoded(self, target: Labels) -> np.ndarray[Any, Any]:
        """What is learnt of some rows.

        Args:
            target: As `Part.target` has it.

        Returns:
            Positions among the outputs, int64, or standardised values, float32; shape (n,). Of
            labels 1 where a row has one, else 0; float32, shape (n, k).
        """
        if self.has_labels:
            return np.asarray(target, dtype=np.float32)
        if not self.classes:
            values = np.asarray(target, dtype=np.float64)
            return ((values - self.center) / self.scale).astype(np.float32)
        place = {self.classes[code]: output for output, code in enumerate(self.seen)}
        return np.fromiter(map(place.__getitem__, target.tolist()), np.int64, len(target))

    def predictions(self, given: Floats) -> Predictions:
        """What was predicted, in the target's own terms.

        Args:
            given: Probabilities of the outputs, shape (n, outputs); or standardised values, (n,).
        """
        said = in_terms(self.as_dict(), given)
        classes = label_array(self.classes) if self.classes else None
        rows = np.arange(len(given), dtype=np.int64)
        return Predictions(rows, said.values, said.probabilities, classes)


def _numbers(train: Part) -> Any:
    """Numbers, and dates as days; the column that orders the rows lies beyond what was learnt."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    ordering = {each.name for each in train.schema.features if each.role is Role.TIME}
    names = [each for each in usable_columns(train, "numeric", "datetime") if each not in ordering]
    n_quantiles = max(min(len(train) // 30, _QUANTILES), min(len(train), 10))
    normal = QuantileTransformer(
        n_quantiles=n_quantiles, output_distribution="normal", subsample=200_000
    )
    if names:
        yield "numbers", make_pipeline(SimpleImputer(strategy="median"), normal), names


def _gaps(train: Part) -> Any:
    """Indicators of what is missing, for columns in which training rows lack something."""
    from sklearn.impute import MissingIndicator

    names = usable_columns(train, "numeric", "datetime")
    names = [each for each in names if train.features[each].isna().any()]
    if names:
        yield "gaps", MissingIndicator(features="all"), names


def _codes(train: Part) -> Any:
    """Codes from zero for levels, -1 for others; the rarest share one where there are too many."""
    from sklearn.preprocessing import OrdinalEncoder

    names = usable_columns(train, "categorical")
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=-1,
        encoded_missing_value=-1,
        max_categories=_MOST_LEVELS,
    )
    if names:
        yield "codes", encoder, names


def _levels(codes: Any) -> tuple[int, ...]:
    """How many codes each category has, the zero of what is missing or unknown included."""
    if codes is None:
        return ()
    encoder = codes.named_transformers_["codes"]
    known = [each[~pd.isna(each)] for each in encoder.categories_]
    return tuple(min(len(each), _MOST_LEVELS) + 1 for each in known)


def _drawn(transformer: Any, seed: int) -> Any:
    """The transformer with a seed for whatever is drawn in it."""
    params = transformer.get_params(deep=True)
    seeds = {name: seed for name in params if name.rpartition("__")[2] == "random_state"}
    return transformer.set_params(**seeds)
