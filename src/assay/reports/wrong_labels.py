"""Labels that may be wrong in words: how many, how that is known, and the most suspicious."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.evaluation.details import LabelError
from assay.reports.content import ReportContent
from assay.reports.wording import count, counted, share

SHOWN = 20


@dataclass(frozen=True)
class WrongLabels:
    """What is shown of labels that may be wrong.

    Attributes:
        reading: How many there may be, and what that rests on.
        n: How many rows stand out.
        lines: The most suspicious of them.
    """

    reading: str
    n: int
    lines: Sequence[LabelError]


def wrong_labels(content: ReportContent) -> WrongLabels | None:
    """Those labels; None where none is suspected."""
    found = content.label_errors
    if found is None:
        return None
    shown = found.rows[:SHOWN]
    few = f" These {SHOWN} are the worst; assay report --mistakes writes all of them."
    rest = few if len(shown) < len(found.rows) else ""
    n, standing = found.n, len(found.rows)
    return WrongLabels(
        f"About {count(n)} of {counted(found.of, 'label')} ({share(n / found.of)}) "
        f"{'contradicts' if n == 1 else 'contradict'} the model by more than its own probabilities "
        f"allow, and {counted(standing, 'row')} {'stands' if standing == 1 else 'stand'} out. "
        f"Either {'this label is' if standing == 1 else 'these labels are'} wrong, or the model is "
        f"sure without reason where it should not be.{rest}",
        standing,
        shown,
    )
