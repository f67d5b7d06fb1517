"""What a gate is, what it may look at, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from assay.evaluation.result import Difference, Evaluation
from assay.findings import Finding
from assay.registry.costs import Costs
from assay.segments.result import Segments


@dataclass(frozen=True)
class Champion:
    """The version in production, and how the candidate compares with it.

    Attributes:
        reference: NAME/VERSION; empty where production is vacant.
        is_same: Whether the candidate is this very model.
        difference: The candidate minus the champion in the primary metric, paired; None where the
            two cannot be compared.
        rows: On which rows, in words.
        edge: By how much it was better than a constant in training, in the same metric; None where
            that was not recorded.
        reason: Why they cannot be compared; else empty.
        notes: What else bears on the difference.
    """

    reference: str = ""
    is_same: bool = False
    difference: Difference | None = None
    rows: str = ""
    edge: float | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Age:
    """How old the data is that the model learnt from.

    Attributes:
        newest: The moment of its newest part.
        told_by: What tells that, in words.
    """

    newest: datetime
    told_by: str


@dataclass(frozen=True)
class Evidence:
    """Everything that is recorded of a version and bears on whether it may be promoted.

    Attributes:
        reference: NAME/VERSION.
        stage: Where it is to go.
        run: The run that trained it, EXPERIMENT/RUN.
        now: The moment of the judgement.
        evaluation: On test rows if these were opened, at a level for all looks until now; else that
            of training, the primary metric corrected where a search chose the model by it.
        baselines: The model minus each baseline, by name, the simplest first.
        segments: By segment, on the same rows; None where that was not recorded.
        findings: What checks found, the accepted ones too.
        champion: The version in production.
        costs: Latency, memory and size; None where nobody asked, or they could not be measured.
        no_costs: Why they could not be measured; else empty.
        reproduced: What the last `assay reproduce` came to, with its moment; empty if nobody did.
        unwritten: Places of the model card that nobody has filled in; None if there is no card.
        age: Of its data; None where nothing tells it.
        outdated: Why the intervals of test rows are not as wide as all looks demand; else empty.
        chosen_from: From how many trials a search chose the model on these rows; 0 where none did.
        corrected: The metrics that are corrected for that.
    """

    reference: str
    stage: str
    run: str
    now: datetime
    evaluation: Evaluation
    baselines: Mapping[str, Difference]
    segments: Segments | None
    findings: Sequence[Finding]
    champion: Champion
    costs: Costs | None = None
    no_costs: str = ""
    reproduced: str = ""
    unwritten: tuple[str, ...] | None = None
    age: Age | None = None
    outdated: str = ""
    chosen_from: int = 0
    corrected: tuple[str, ...] = ()

    def choice(self, metric: str = "") -> str:
        """What is said of a number that a search chose the model on; empty where none did."""
        if not self.chosen_from:
            return ""
        how = "corrected" if metric in self.corrected else "not corrected"
        return f"{how} for the choice among {self.chosen_from} trials"


@dataclass(frozen=True)
class Verdict:
    """What a gate says of a version.

    Attributes:
        gate: Its name.
        passed: Whether what was asked for holds; None where the record cannot tell, which counts
            as refused.
        asked: What was asked for, in words.
        reasons: Why, with the numbers; a line each.
        evidence: The numbers by name, fit for JSON.
        by: Who asked: the experiment, a policy, or nobody, which is the default.
    """

    gate: str
    passed: bool | None
    asked: str
    reasons: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""

    @property
    def word(self) -> str:
        """'passed', 'refused' or 'cannot tell'."""
        return {True: "passed", False: "refused", None: "cannot tell"}[self.passed]

    def summary(self) -> dict[str, Any]:
        """What the audit log keeps for ever: the reasons hold the numbers that decide."""
        return {
            "gate": self.gate,
            "passed": self.passed,
            "asked": self.asked,
            "reasons": list(self.reasons),
            "by": self.by,
        }

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints, and is kept with the run."""
        return {**self.summary(), "evidence": dict(self.evidence)}


@runtime_checkable
class Gate(Protocol):
    """Decides on one thing; one that says `reads_costs = True` has latency and memory measured."""

    @property
    def name(self) -> str:
        """Its key among the gates of a stage; a third party's below `others`."""
        ...

    def __call__(self, evidence: Evidence, asked: Any) -> Verdict | None:
        """Judge.

        Args:
            evidence: What is recorded.
            asked: What the settings say under its name; None where they say nothing.

        Returns:
            The verdict; None where nothing is asked of it.
        """
        ...


def all_of(parts: Sequence[bool | None]) -> bool | None:
    """Whether all hold: one that does not settles it, then one that nobody can tell.

    >>> all_of([True, None]), all_of([None, False]), all_of([True])
    (None, False, True)
    """
    return False if False in parts else None if None in parts else True
