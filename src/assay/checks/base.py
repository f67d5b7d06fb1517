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
    """

    schema: Schema
    train: Part
    test: Part | None
    raw_train: pa.Table
    raw_test: pa.Table | None


@runtime_checkable
class Check(Protocol):
    """Looks at a view for one kind of mistake."""

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
