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
class View:
    """What a check may see.

    Attributes:
        schema: The columns, their kinds and roles, the task.
        train: Development rows with their targets.
        test: Test rows without their targets, for checks across parts; None if nothing is sealed.
        raw_train: Development rows as they are stored: all columns of the source, target included.
        raw_test: Test rows as they are stored, without the target column; None likewise.
        label: The label that the target says, where a check is shown labels one by one.
    """

    schema: Schema
    train: Part
    test: Part | None
    raw_train: pa.Table
    raw_test: pa.Table | None
    label: str | None = None

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
