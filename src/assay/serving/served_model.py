"""A model that is being served: what predicts, and by what name and version it is known."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from assay.data.schema import Column, Kind
from assay.errors import DataError
from assay.inference.compiled import RowPredictor, fast_or_ordinary
from assay.inference.compiled.many_rows import quicken_model
from assay.inference.compiled.rows import FEW
from assay.inference.loading import LoadedModel
from assay.serving.features import features_of, frame_of
from assay.serving.openapi import document
from assay.serving.rows import Answer, Table
from assay.serving.settings import ServingSettings
from assay.serving.validation import Validator


@dataclass(frozen=True)
class ServedModel:
    """One version of a model, ready to answer.

    Attributes:
        reference: What was asked for: NAME@STAGE, NAME/VERSION, a folder.
        version: What it turned out to be: NAME/VERSION; the reference where it has no version.
        digest: Of its files; empty where none is known.
        loaded: The model.
        predictor: Predicts its rows.
        validator: Holds rows against its schema.
        schema: The OpenAPI document of its server.
        row_s: Seconds that one row took; infinity where that is not known.
        loaded_at: When it was made ready, seconds since 1970.
    """

    reference: str
    version: str
    digest: str
    loaded: LoadedModel
    predictor: RowPredictor
    validator: Validator
    schema: Mapping[str, Any]
    row_s: float = math.inf
    loaded_at: float = field(default_factory=time.time)

    @classmethod
    def ready(
        cls,
        loaded: LoadedModel,
        settings: ServingSettings,
        *,
        reference: str,
        digest: str = "",
        predictor: RowPredictor | None = None,
    ) -> ServedModel:
        """Make a loaded model ready, and predict a first row, so that no client waits for that.

        Args:
            loaded: The model; its name is the version.
            settings: Of the server.
            reference: What was asked for.
            digest: Of its files.
            predictor: Predicts its rows, if that is there already.
        """
        predictor = predictor or fast_or_ordinary(loaded)
        quicken_model(loaded)  # after that: what is compiled is read of the model as it was
        validator = Validator(
            loaded,
            extra_column=settings.extra_column,
            hides=settings.access.hide_schema,
            most=settings.limits.problems,
            pixels=settings.limits.pixels,
        )
        schema = document(loaded, settings)
        made = cls(reference, loaded.name, digest, loaded, predictor, validator, schema)
        return replace(made, row_s=_row_s(made))

    def predict(self, table: Table) -> list[Answer]:
        """The answers of some rows; few by the quick path, many by the table.

        Raises:
            DataError: The model cannot predict them after all.
        """
        labels = list(map(str, self.loaded.classes))
        if table.n > FEW:
            return self._by_table(table, labels)
        return [
            {"prediction": each.prediction}
            if each.probabilities is None
            else {
                "prediction": each.prediction,
                "probabilities": dict(zip(labels, each.probabilities, strict=True)),
            }
            for each in self.predictor.predict_rows(table.rows)
        ]

    def _by_table(self, table: Table, labels: list[str]) -> list[Answer]:
        numbers = self._numbers(table)
        if not labels:
            return [{"prediction": value} for value in numbers.tolist()]
        decided = self.loaded.decide(numbers).tolist()
        return [
            {"prediction": label, "probabilities": dict(zip(labels, row, strict=True))}
            for label, row in zip(decided, numbers.tolist(), strict=True)
        ]

    def _numbers(self, table: Table) -> Any:
        """Probabilities, shape (n, k); or values, shape (n,)."""
        loaded, kinds = self.loaded, self.loaded.about["kinds"]
        if not table.is_clean:
            frame = frame_of(table, kinds)
            return loaded.predict_proba(frame) if loaded.classes else loaded.predict(frame)
        features, served = features_of(table, kinds), loaded.served
        predict = served.probabilities_of if loaded.classes else served.values_of
        try:
            return predict(features)
        except (ValueError, TypeError) as error:
            mend = "look at these rows: a number may be too large, an image broken"
            raise DataError(f"The rows do not fit the model: {error}.", mend=mend) from None


def _row_s(model: ServedModel) -> float:
    """Seconds that a row takes, found with one that is made up; infinity where none can be.

    A first row may take longer, so it is predicted several times.
    """
    seen = model.loaded.about["seen"]
    took = math.inf
    try:
        features = model.loaded.schema.features
        columns = {each.name: [_made_up(each, seen[each.name])] for each in features}
        row = Table(columns, 1, is_clean=True)
        for _ in range(3):
            began = time.perf_counter()
            model.predict(row)
            took = min(took, time.perf_counter() - began)
    except Exception:  # an image cannot be made up, for instance; clients send real ones
        return math.inf
    return took


def _made_up(column: Column, seen: Mapping[str, Any]) -> Any:
    """A value like those of training."""
    form = column.read_as.partition(" ")[2]
    if form == "truth":
        return True
    if column.kind is Kind.DATETIME:
        day = date(1970, 1, 1) + timedelta(days=seen["low"])
        return day.strftime(form or "%Y-%m-%d")
    level = next(iter(seen.get("levels") or ["a"]))
    if column.kind is Kind.NUMERIC:
        return seen["low"]
    return float(level) if form == "number" else level
