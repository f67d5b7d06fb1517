"""Rows as a server gets them: mappings in, results out, by whichever path is the faster."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pandas as pd

from assay.errors import DataError
from assay.inference.compiled.agreement import probes, verify
from assay.inference.compiled.compiling import (
    CompiledModel,
    NotCompiled,
    RowResult,
    compile_model,
)
from assay.inference.compiled.reading import ReadRow, Row, RowProblem, RowReader
from assay.inference.loading import MEND_OF_POLICY, LoadedModel, as_frame
from assay.inference.misfits import mend_of, mend_of_absent
from assay.inference.served import Served
from assay.inference.strictness import RowsUnlikeTraining

FEW = 32
"""Rows up to which the compiled path is the faster; a number, so that equal rows get equal bits."""

VERIFIED = 1000
"""Rows on which the paths are held against each other."""

_SHOWN = 5


class RowsRefused(DataError):  # noqa: N818 - what happened to them
    """Rows do not fit the model; `problems` has every problem of every row."""

    problems: tuple[RowProblem, ...] = ()


class RowPredictor:
    """Predicts rows; safe to call from several threads.

    Attributes:
        loaded: The model.
        reason: Why single rows do not go the compiled path, in words; empty if they do.
    """

    def __init__(self, loaded: LoadedModel, path: CompiledModel | NotCompiled) -> None:
        self.loaded = loaded
        self.reason = path.reason if isinstance(path, NotCompiled) else ""
        self._compiled = path if isinstance(path, CompiledModel) else None
        self._reader = self._compiled.reader if self._compiled is not None else None
        if self._reader is None and not loaded.has_images:
            self._reader = RowReader(loaded.served.about)

    @property
    def is_compiled(self) -> bool:
        """Whether single rows go the compiled path."""
        return self._compiled is not None

    def predict_rows(self, rows: Sequence[Row]) -> list[RowResult]:
        """What the model says of each row, in their order.

        A row gets the bits that `LoadedModel` gives for it alone, or where there are more than a
        few, those that it gives for all of them at once.

        Raises:
            RowsRefused: A policy refuses some of them.
            DataError: There are none, or the model cannot predict them for another reason.
        """
        if not rows:
            raise DataError("There are no rows to predict.", mend="give at least one row")
        if self._reader is None:
            return self._of_frame(rows)
        if self._compiled is not None and len(rows) <= FEW:
            read = [self._reader.read(row, number) for number, row in enumerate(rows)]
            self._check(read)
            try:
                return [self._compiled.predict_read(row) for row in read]
            except (ValueError, TypeError, ArithmeticError):  # the ordinary path has words for it
                pass
        table = self._reader.table(rows)
        self._check(table.rows)
        return self._of_table(table.features, table.rows)

    def _check(self, read: Sequence[ReadRow]) -> None:
        problems = [problem for row in read for problem in row.problems]
        if problems:
            raise self._refused(problems)

    def _of_table(self, features: pd.DataFrame, read: Sequence[ReadRow]) -> list[RowResult]:
        served = self.loaded.served
        try:
            if not served.is_classifier:
                values = served.values_of(features).tolist()
                pairs = zip(values, read, strict=True)
                return [RowResult(value, None, tuple(row.notes)) for value, row in pairs]
            probabilities = served.probabilities_of(features)
        except (ValueError, TypeError) as error:
            raise DataError(
                f"The rows do not fit the model {self.loaded.name}: {error}.", mend=MEND_OF_POLICY
            ) from None
        labels = served.decide(probabilities).tolist()
        return [
            RowResult(label, tuple(numbers), tuple(row.notes))
            for label, numbers, row in zip(labels, probabilities.tolist(), read, strict=True)
        ]

    def _of_frame(self, rows: Sequence[Row]) -> list[RowResult]:
        """Rows with images, which the ordinary path reads."""
        frame = as_frame([dict(row) for row in rows])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RowsUnlikeTraining)
            if not self.loaded.classes:
                values = self.loaded.predict(frame).tolist()
                return [RowResult(value, None) for value in values]
            probabilities = self.loaded.predict_proba(frame)
        unlike = [each for each in caught if issubclass(each.category, RowsUnlikeTraining)]
        notes = tuple(str(each.message) for each in unlike)
        labels = self.loaded.decide(probabilities).tolist()
        return [
            RowResult(label, tuple(numbers), notes)
            for label, numbers in zip(labels, probabilities.tolist(), strict=True)
        ]

    def _refused(self, problems: list[RowProblem]) -> RowsRefused:
        first, kinds = problems[0], self.loaded.served.about["kinds"]
        mends = {
            "missing_column": mend_of_absent(kinds),
            "wrong_type": mend_of(kinds[first.column]),
        }
        more = len(problems) - 1
        also = f", and {more:,} more {'problem' if more == 1 else 'problems'}" if more else ""
        listed = ", ".join(f"row {each.row} ({each.column})" for each in problems[:_SHOWN])
        error = RowsRefused(
            f"The rows do not fit the model {self.loaded.name}: {first.told}{also}.",
            where=f"{listed}{', ...' if len(problems) > _SHOWN else ''}, counted from 0",
            mend=mends.get(first.kind, MEND_OF_POLICY),
        )
        error.problems = tuple(problems)
        return error


def fast_or_ordinary(loaded: LoadedModel, rows: Sequence[Row] | None = None) -> RowPredictor:
    """The compiled path of a model where it gives the ordinary path's bits, else the ordinary one.

    Args:
        loaded: The model.
        rows: Rows to hold the paths against each other on; when None, those kept in the model, and
            others drawn from what it has seen.
    """
    path = compile_model(loaded.served)
    if isinstance(path, CompiledModel):
        if rows is None:
            rows = probes(loaded.served.about, loaded.examples, VERIFIED)
        reason = _inexact(path, loaded.served, rows)
        path = NotCompiled(reason) if reason else path
    return RowPredictor(loaded, path)


def _inexact(compiled: CompiledModel, served: Served, rows: Sequence[Row]) -> str:
    """Why the compiled path is not to be taken; empty if it may be."""
    try:
        agreement = verify(compiled, served, rows)
    except Exception as error:  # whatever it is: there is another path, which is not hurt by it
        return f"it cannot be held against the ordinary path: {type(error).__name__}: {error}"
    return "" if agreement.is_exact else f"it would not be exact: {agreement.difference}"
