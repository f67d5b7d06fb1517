"""Compiling: a finished model becomes a function of one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.inference.compiled.columns import NotCompilableError
from assay.inference.compiled.estimators import compiled
from assay.inference.compiled.reading import ReadRow, Row, RowReader
from assay.inference.compiled.responses import Responses
from assay.inference.served import EVEN, Served

_TEXTS = ("categorical", "text")


@dataclass(frozen=True, slots=True)
class RowResult:
    """What the model says of one row.

    Attributes:
        prediction: A label; the list of labels that it has, of a multilabel task; or a value.
        probabilities: Of each class or label, in the order of `LoadedModel.classes`; None for a
            regression.
        notes: In what the row is not like those the model learnt from, where a policy says warn.
    """

    prediction: Any
    probabilities: tuple[float, ...] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotCompiled:
    """A model that goes the ordinary path.

    Attributes:
        reason: Why, in words.
    """

    reason: str


class CompiledModel:
    """A model for one row at a time; safe to call from several threads.

    Args:
        served: The model.
        reader: Reads its rows.
        responses: What its estimator says of a row's values.
    """

    def __init__(self, served: Served, reader: RowReader, responses: Responses) -> None:
        self.reader = reader
        self._responses = responses
        about = served.about
        self._classes: list[Any] = about["classes"]
        self._threshold: float | None = about["threshold"]
        self._has_labels = served.has_labels
        self._order: list[int] | None = None
        if served.is_classifier and not served.has_labels:
            known = list(served.predictor.classes_)
            order = [known.index(label) for label in self._classes]
            self._order = None if order == sorted(order) else order

    def numbers(self, values: list[Any]) -> list[float]:
        """Probabilities of the values of a row, or the one number that is predicted.

        Raises:
            ValueError: A number is too large for the estimator; likewise ArithmeticError.
        """
        responses = self._responses
        with np.errstate(over="ignore"):
            if responses.predict_proba is None:
                assert responses.predict is not None
                return [float(responses.predict(values)[0])]
            said = responses.predict_proba(values)[0].tolist()
        return said if self._order is None else [said[at] for at in self._order]

    def predict_row(self, row: Row) -> RowResult:
        """What the model says of a row.

        Raises:
            ValueError: A policy refuses it, or a number is too large for the estimator.
        """
        read = self.reader.read(row)
        if read.problems:
            raise ValueError(read.problems[0].told)
        return self.predict_read(read)

    def predict_read(self, read: ReadRow) -> RowResult:
        """What the model says of a row that was read without problems.

        Raises:
            ValueError: A number is too large for the estimator; likewise ArithmeticError.
        """
        numbers, notes = self.numbers(read.values), tuple(read.notes)
        if not self._classes:
            return RowResult(numbers[0], None, notes)
        return RowResult(self._decided(numbers), tuple(numbers), notes)

    def _decided(self, probabilities: list[float]) -> Any:
        """As `Served.decide`, of one row."""
        classes = self._classes
        if self._has_labels:
            pairs = zip(classes, probabilities, strict=True)
            return [label for label, probability in pairs if probability >= EVEN]
        if self._threshold is not None:
            return classes[int(probabilities[1] >= self._threshold)]
        return classes[probabilities.index(max(probabilities))]


def compile_model(served: Served) -> CompiledModel | NotCompiled:
    """A model for one row at a time, or why there is none."""
    about = served.about
    if about["model_class"] is not None:
        return NotCompiled("it is no estimator of scikit-learn")
    kinds: dict[str, str] = about["kinds"]
    texts = frozenset(name for name, kind in kinds.items() if kind.partition(" ")[0] in _TEXTS)
    try:
        reader = RowReader(about)
        responses = compiled(served.predictor, list(kinds), texts)
    except (NotCompilableError, ValueError) as error:
        return NotCompiled(str(error))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        # What is read here of fitted estimators is not all public: another version may differ.
        return NotCompiled(f"its estimator is not as expected: {type(error).__name__}: {error}")
    if responses.predict_proba is None and responses.predict is None:
        return NotCompiled("it gives no probabilities")
    return CompiledModel(served, reader, responses)
