"""What an evaluation tells of single rows and classes, as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.estimates import Estimate


@dataclass(frozen=True)
class LabelError:
    """A row whose label may be wrong.

    Attributes:
        row: Its number in the source.
        given: The label it has.
        likely: The label that it rather has.
        confidence: Probability of the label it has.
        for_likely: Probability of the other.
        wrong: Probability that the label is wrong, if wrong labels are spread at random.
    """

    row: int
    given: str
    likely: str
    confidence: float
    for_likely: float
    wrong: float


@dataclass(frozen=True)
class LabelErrors:
    """Labels that may be wrong.

    Attributes:
        n: How many labels are wrong, as far as that can be told; not all of them stand out.
        of: How many labels were looked at.
        rows: Those that stand out, the most suspicious first.
    """

    n: int
    of: int
    rows: Sequence[LabelError]


@dataclass(frozen=True)
class ClassScores:
    """How one class is predicted.

    Attributes:
        label: The class as text.
        support: Rows that are of it.
        precision: Share of the rows decided so that are; 0 where none is.
        recall: Share of its rows that are decided so; 0 where there are none.
        f1: Harmonic mean of both.
    """

    label: str
    support: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
