"""A change of schema: one column that is something else in later rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.predictions import Rows


@dataclass(frozen=True)
class Change:
    """One column that is something else in later rows.

    Attributes:
        column: Its name in training.
        what: 'missing', 'renamed', 'type', 'empty', 'spelling', 'coding' or 'unit'.
        title: The change in one sentence.
        mend: How to undo it.
        evidence: Numbers and names that show it.
        rows: Positions of the later rows at fault, where it is not all of them.
    """

    column: str
    what: str
    title: str
    mend: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    rows: Rows | None = None

    @property
    def is_certain(self) -> bool:
        """Whether it cannot be anything else: other codes may be other things instead."""
        return self.what != "coding"
