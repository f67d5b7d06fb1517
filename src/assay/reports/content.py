"""What a report is handed: every number in it was measured elsewhere and recorded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.data.profile import Profile
from assay.data.schema import Schema
from assay.estimates import Estimate
from assay.evaluation.curves import Curves
from assay.evaluation.details import ClassScores, LabelErrors
from assay.evaluation.result import Corrected, Difference, Evaluation, Importance, Threshold
from assay.findings import Finding
from assay.reports.mistakes import Mistakes, Opposites
from assay.segments.result import Segments


@dataclass(frozen=True)
class SeedSpread:
    """The primary metric over repeats with other seeds; the first is the one logged."""

    values: Sequence[float]

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(self.values)


@dataclass(frozen=True)
class BaselineContent:
    """A baseline beside the model: its evaluation and what the model gains over it.

    In `gain` the baseline is the first and the model the second.
    """

    name: str
    evaluation: Evaluation
    gain: Difference


@dataclass(frozen=True)
class TestLook:
    """The sealed rows after `evaluate --on test`: the number, the announced one, their difference.

    In `difference` the announced number is the first and the one on the test rows the second;
    `segments` are those of training on these rows, None where that was not recorded. `goal` is what
    the threshold's goal reaches there, where that is a cost or another number that no metric is.
    All intervals are as wide as `looks` demand.
    """

    __test__ = False

    evaluation: Evaluation
    difference: Difference
    looks: int
    notes: Sequence[str] = ()
    segments: Segments | None = None
    goal: Estimate | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "evaluation": self.evaluation.as_dict(),
            "difference": self.difference.as_dict(),
            "looks": self.looks,
            "notes": list(self.notes),
            "segments": self.segments.as_dict() if self.segments is not None else None,
            "goal": self.goal.as_dict() if self.goal is not None else None,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TestLook:
        """Read back what `as_dict` wrote."""
        segments, goal = record.get("segments"), record.get("goal")
        return cls(
            Evaluation.from_dict(record["evaluation"]),
            Difference.from_dict(record["difference"]),
            record["looks"],
            tuple(record.get("notes", ())),
            Segments.from_dict(segments) if segments is not None else None,
            Estimate(**goal) if goal is not None else None,
        )


@dataclass(frozen=True)
class ReportContent:
    """One run as a page.

    Attributes:
        experiment: Name of the experiment.
        run_name: Name of the run.
        run_id: Its id in the store.
        created: When it started, ISO 8601 with offset.
        duration_s: How long it took.
        learner: Name of the learner.
        options: What was set otherwise than by default.
        schema: The columns with kinds, roles and the evidence for them.
        n_rows: Rows of the source, by part: 'train', 'test', 'unlabelled'.
        folds: Number of folds; 1 where validation rows were held out.
        evaluation: The model on out-of-fold or validation rows.
        seeds: Spread over seeds.
        baselines: Simplest first.
        findings: Worst first.
        not_applicable: Checks that had nothing to look at, by code, with the reason.
        passed: Codes of the checks that found nothing.
        curves: Of the model on the same rows.
        importance: Most important feature first.
        importance_rows: Rows the importance was measured on.
        threshold: For a binary task.
        calibration: The method in words, with the reason for it.
        provenance: Label: value, or label: {label: value}, in the order to be shown.
        experiment_text: The experiment file as it was read.
        test: Set once the sealed rows were opened.
        looks: Looks that these test rows have had until now, for any run; None if nobody knows.
        next_steps: Commands with what they do.
        profile: What the development rows hold; None where it was not recorded.
        mistakes: Those to look at; None where they were not recorded.
        classes: Scores of each class where there are several; else empty.
        label_errors: Labels that may be wrong; None where none is suspected.
        opposites: Rows alike with other labels; None where there are none, or not recorded.
        segments: The model by segment; None where that was not recorded.
        corrected: What the best settings of a search were worth; None where none were chosen from.
    """

    experiment: str
    run_name: str
    run_id: str
    created: str
    duration_s: float
    learner: str
    options: Mapping[str, Any]
    schema: Schema
    n_rows: Mapping[str, int]
    folds: int
    evaluation: Evaluation
    seeds: SeedSpread
    baselines: Sequence[BaselineContent]
    findings: Sequence[Finding]
    not_applicable: Mapping[str, str]
    passed: Sequence[str]
    curves: Curves
    importance: Sequence[Importance]
    importance_rows: int
    threshold: Threshold | None
    calibration: str
    provenance: Mapping[str, Any]
    experiment_text: str
    test: TestLook | None = None
    looks: int | None = 0
    next_steps: Mapping[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    mistakes: Mistakes | None = None
    classes: Sequence[ClassScores] = ()
    label_errors: LabelErrors | None = None
    opposites: Opposites | None = None
    segments: Segments | None = None
    corrected: Corrected | None = None
