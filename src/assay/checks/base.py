"""What a check is and what it may see; `tests/contracts/checks.py` holds every check to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from assay.data.dataset import Part
from assay.data.schema import Schema
from assay.findings import Finding, NotApplicable


@dataclass(frozen=True)
class Given:
    """What somebody handed over beside or instead of a source that Assay divides itself.

    Attributes:
        train: Names and types of the training columns as they are stored, before settling.
        test: Those of the test columns; None without a test table.
        serving: Rows that a model meets in use, settled; without targets.
        before: All rows as they were before they were prepared and divided, settled.
        predictions: Answers for rows with their truth (docs/checks/evidence.md names the columns).
        log: The record of the runs that led to a model (docs/checks/evidence.md has its form).
        series: The column of entities that are followed over time, where such is declared: they
            may be in training and test alike.
        metric: Name of the metric that a claim is about.
        claim: What is said of the model, in words.
    """

    train: pa.Schema
    test: pa.Schema | None = None
    serving: pa.Table | None = None
    before: pa.Table | None = None
    predictions: pa.Table | None = None
    log: Mapping[str, Any] | None = None
    series: str | None = None
    metric: str | None = None
    claim: str | None = None


@dataclass(frozen=True)
class View:
    """What a check may see.

    Attributes:
        schema: The columns, their kinds and roles, the task.
        train: Development rows with their targets.
        test: Test rows, for checks across parts: without their targets where these are sealed;
            with them where the rows were handed over. None if there are none.
        raw_train: Development rows as they are stored: all columns of the source, target included.
        raw_test: Test rows as they are stored, without the target column; None likewise.
        label: The label that the target says, where a check is shown labels one by one.
        given: What was handed over; None where Assay divided the source itself.
    """

    schema: Schema
    train: Part
    test: Part | None
    raw_train: pa.Table
    raw_test: pa.Table | None
    label: str | None = None
    given: Given | None = None

    @property
    def was_divided(self) -> bool:
        """Whether somebody else divided the rows, and handed over both parts."""
        return self.given is not None and self.given.test is not None

    @property
    def predicted(self) -> str:
        """What is predicted, as messages name it: 'income' in quotes, or label 'wet'."""
        return repr(self.schema.target) if self.label is None else f"label {self.label!r}"


@runtime_checkable
class Check(Protocol):
    """Looks at a view for one kind of mistake.

    A check never meets a multilabel task: it is shown each label as the target of a binary one
    (`by_label`). One that does not look at the target says `reads_target = False`, and is shown the
    whole view, once.
    """

    @property
    def code(self) -> str:
        """Stable code, shared by source, test, docs page and experiment file: 'AS101'."""
        ...

    @property
    def name(self) -> str:
        """The code in words: 'single-feature-leak'."""
        ...

    def __call__(
        self, view: View, settings: Mapping[str, Any]
    ) -> Sequence[Finding] | NotApplicable:
        """Findings, an empty sequence when all is well, or why there is nothing to look at."""
        ...
