"""What an evaluation tells of single rows and classes, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
class OppositePair:
    """Two rows that are alike but for their label.

    Attributes:
        row: Number of the one in the source: the odd one, where a row has several like it.
        label: Its label.
        twin: Number of the other.
        twin_label: The label of that one.
        differ: Features that are only nearly the same.
    """

    row: int
    label: str
    twin: int
    twin_label: str
    differ: tuple[str, ...]


@dataclass(frozen=True)
class OppositeLabels:
    """Rows that are alike with other labels.

    Attributes:
        of: How many rows were looked at.
        beyond: How many of them every function of the features gets wrong at least: rows of several
            labels have the very same features.
        n: Rows of which a copy has another label.
        twins: Rows of which there is a copy, as far as copies can be told from chance.
        agree: Mean share of the copies of such a row that have its label.
        pairs: Of the first, each with a copy, the most one-sided first; at most 1,000.
    """

    of: int
    beyond: int
    n: int
    twins: int
    agree: float
    pairs: tuple[OppositePair, ...]

    def as_dict(self) -> dict[str, Any]:
        pairs = [{**each.__dict__, "differ": list(each.differ)} for each in self.pairs]
        return {**self.__dict__, "pairs": pairs}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> OppositeLabels:
        """Read back what `as_dict` wrote."""
        pairs = (
            OppositePair(**{**each, "differ": tuple(each["differ"])}) for each in record["pairs"]
        )
        return cls(**{**record, "pairs": tuple(pairs)})


@dataclass(frozen=True)
class ClassScores:
    """How one class, or one of several labels, is predicted.

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
