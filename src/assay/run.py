"""A run: what training gives back, recorded whole, read again and shown."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

from assay.checks.run import CheckResults
from assay.data.profile import Profile
from assay.data.schema import Schema
from assay.errors import NotFoundError
from assay.estimates import Estimate
from assay.evaluation.curves import Curves
from assay.evaluation.result import (
    OUT_OF_FOLD,
    VALIDATION,
    Corrected,
    Difference,
    Evaluation,
    Importance,
    Threshold,
)
from assay.evaluation.settings import Resamples
from assay.findings import Finding
from assay.provenance import DISTRIBUTIONS
from assay.reports.content import BaselineContent, ReportContent, SeedSpread, TestLook
from assay.reports.mistakes import Mistakes, Opposites
from assay.segments.result import Segments
from assay.tracking.store import RunRecord, Store

RUN_FILE = "run.json"
CHOSEN = {OUT_OF_FOLD: "chosen by folds", VALIDATION: "chosen in the fit"}
"""Under what the provenance says what was chosen by looking at rows, by which rows these are."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        run_id: Its id in the store.
        name: Its name.
        experiment: Name of the experiment.
        created: When it started, ISO 8601 with offset.
        duration_s: How long it took.
        learner: Name of the learner.
        options: What was set otherwise than by default.
        schema: Columns, task and classes.
        n_rows: Rows of the source, by part.
        folds: Number of folds; 1 where validation rows were held out.
        level: Level of the intervals.
        resamples: Bootstrap resamples, as set.
        evaluation: On out-of-fold rows, or on validation rows.
        seeds: The primary metric of each repetition, the logged one first.
        baselines: What the model is shown beside, simplest first.
        checks: What the checks found.
        importance: Most important feature first.
        importance_rows: Rows the importance was measured on.
        threshold: Of a binary decision.
        calibration: The method in words.
        warned: What learners were warned of, with the number of fits.
        provenance: What must be known to do it again.
        experiment_text: The experiment file as it was read.
        fingerprint: Of the whole table.
        test_digest: Of the sealed test set.
        model: URI of the logged model.
        report: The page that tells all this; None if there is none on this machine.
        test: Set once the sealed rows were opened.
        profile: What the development rows hold; None in runs that were recorded without it.
        mistakes: The worst ones of training; None in runs that were recorded without them.
        opposites: Development rows alike with other labels; None where there are none, and in runs
            that were recorded without them.
        by_fold: The primary metric in each fold, by repetition, NaN where it is not defined (in
            JSON null); empty where rows were held out, or folds go forward, and in runs that were
            recorded without it.
        segments: The model by segment; None in runs that were recorded without it.
        corrected: What the settings were worth that it was trained with, the best of a search; None
            where none were chosen from.
    """

    run_id: str
    name: str
    experiment: str
    created: str
    duration_s: float
    learner: str
    options: Mapping[str, Any]
    schema: Schema
    n_rows: Mapping[str, int]
    folds: int
    level: float
    resamples: Resamples
    evaluation: Evaluation
    seeds: tuple[float, ...]
    baselines: tuple[BaselineContent, ...]
    checks: CheckResults
    importance: tuple[Importance, ...]
    importance_rows: int
    threshold: Threshold | None
    calibration: str
    warned: Mapping[str, int]
    provenance: Mapping[str, Any]
    experiment_text: str
    fingerprint: str
    test_digest: str
    model: str
    report: Path | None = None
    test: TestLook | None = None
    profile: Profile | None = None
    mistakes: Mistakes | None = None
    opposites: Opposites | None = None
    by_fold: tuple[tuple[float, ...], ...] = ()
    segments: Segments | None = None
    corrected: Corrected | None = None

    @property
    def reference(self) -> str:
        """What no run of another experiment is called: EXPERIMENT/RUN."""
        return f"{self.experiment}/{self.name}"

    @property
    def model_name(self) -> str:
        """What its model is registered as, where nobody says otherwise."""
        of_experiment = re.sub(r"[/:@\\\\]+", "-", self.experiment).strip("-. ")
        return str(self.options.get("registry.name") or of_experiment or "model")

    @property
    def metrics(self) -> Mapping[str, Estimate]:
        """The metrics with their intervals, on test rows once these were opened."""
        return self.latest.metrics

    @property
    def announced(self) -> Estimate:
        """The primary metric of training: corrected, where its settings were chosen by it."""
        corrected = self.corrected.of(self.evaluation) if self.corrected is not None else None
        return corrected if corrected is not None else self.evaluation.headline

    @property
    def latest(self) -> Evaluation:
        """The evaluation on test rows if there is one, else that of training."""
        return self.test.evaluation if self.test is not None else self.evaluation

    @property
    def latest_segments(self) -> Segments | None:
        """The model by segment on the same rows; None where that was not recorded."""
        return self.test.segments if self.test is not None else self.segments

    @property
    def announced_table(self) -> str:
        """Under what name the predictions are recorded that it was judged by in training."""
        return self.evaluation.rows.replace("-", "_")

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What was chosen by looking at rows, in folds or in the fit."""
        chosen: Mapping[str, Any] = self.provenance.get(CHOSEN[self.evaluation.rows], {})
        return chosen

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks found, worst first."""
        return self.checks.findings

    def as_dict(self) -> dict[str, Any]:
        """Everything but where the report is, fit for JSON."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "schema": self.schema.as_dict(),
            "by_fold": [[None if isnan(each) else each for each in one] for one in self.by_fold],
            "evaluation": self.evaluation.as_dict(),
            "baselines": [
                {
                    "name": each.name,
                    "evaluation": each.evaluation.as_dict(),
                    "gain": each.gain.as_dict(),
                }
                for each in self.baselines
            ],
            "checks": self.checks.as_dict(),
            "importance": [each.as_dict() for each in self.importance],
            "threshold": self.threshold.as_dict() if self.threshold is not None else None,
            "report": None,
            "test": self.test.as_dict() if self.test is not None else None,
            "profile": self.profile.as_dict() if self.profile is not None else None,
            "mistakes": self.mistakes.as_dict() if self.mistakes is not None else None,
            "opposites": self.opposites.as_dict() if self.opposites is not None else None,
            "segments": self.segments.as_dict() if self.segments is not None else None,
            "corrected": self.corrected.as_dict() if self.corrected is not None else None,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Run:
        """Read back what `as_dict` wrote."""
        threshold, profile = record["threshold"], record.get("profile")
        mistakes, segments = record.get("mistakes"), record.get("segments")
        opposites, corrected = record.get("opposites"), record.get("corrected")
        test = record["test"]
        return cls(
            **{
                **record,
                "schema": Schema.from_dict(record["schema"]),
                "evaluation": Evaluation.from_dict(record["evaluation"]),
                "seeds": tuple(record["seeds"]),
                "by_fold": tuple(
                    tuple(nan if each is None else each for each in one)
                    for one in record.get("by_fold", ())
                ),
                "baselines": tuple(
                    BaselineContent(
                        each["name"],
                        Evaluation.from_dict(each["evaluation"]),
                        Difference.from_dict(each["gain"]),
                    )
                    for each in record["baselines"]
                ),
                "checks": CheckResults.from_dict(record["checks"]),
                "importance": tuple(Importance.from_dict(each) for each in record["importance"]),
                "threshold": Threshold.from_dict(threshold) if threshold is not None else None,
                "test": TestLook.from_dict(test) if test is not None else None,
                "profile": Profile.from_dict(profile) if profile is not None else None,
                "mistakes": Mistakes.from_dict(mistakes) if mistakes is not None else None,
                "opposites": Opposites.from_dict(opposites) if opposites is not None else None,
                "segments": Segments.from_dict(segments) if segments is not None else None,
                "corrected": Corrected.from_dict(corrected) if corrected is not None else None,
            }
        )

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "run_id": self.run_id,
            "name": self.name,
            "experiment": self.experiment,
            "rows": self.latest.rows,
            "primary": self.latest.primary,
            "metrics": {name: each.as_dict() for name, each in self.metrics.items()},
            "baselines": {each.name: each.gain.as_dict() for each in self.baselines},
            "seeds": list(self.seeds),
            "segments": self.latest_segments.summary() if self.latest_segments else None,
            "threshold": _without_curve(self.threshold) if self.threshold is not None else None,
            "findings": [each.as_dict() for each in self.findings],
            "looks": self.test.looks if self.test is not None else 0,
            "difference": self.test.difference.as_dict() if self.test is not None else None,
            "notes": list(self.test.notes) if self.test is not None else [],
            "goal": self.test.goal.as_dict() if self.test is not None and self.test.goal else None,
            "report": str(self.report) if self.report is not None else None,
            "model": self.model,
        }

    def content(
        self, curves: Curves, *, looks: int | None, steps: Mapping[str, str]
    ) -> ReportContent:
        """The run as a report shows it.

        Args:
            curves: Of the rows it was judged on in training.
            looks: Looks that the sealed rows have had, for any run; None if nobody knows.
            steps: Commands that come next, with what they do.
        """
        warned = {text: f"{n} fits" for text, n in self.warned.items()}
        return ReportContent(
            experiment=self.experiment,
            run_name=self.name,
            run_id=self.run_id,
            created=self.created,
            duration_s=self.duration_s,
            learner=self.learner,
            options=self.options,
            schema=self.schema,
            n_rows=self.n_rows,
            folds=self.folds,
            evaluation=self.evaluation,
            seeds=SeedSpread(self.seeds),
            baselines=self.baselines,
            findings=self.findings,
            not_applicable=self.checks.not_applicable,
            passed=self.checks.passed,
            curves=curves,
            importance=self.importance,
            importance_rows=self.importance_rows,
            threshold=self.threshold,
            calibration=self.calibration,
            provenance={
                **_for_a_page(self.provenance),
                "data fingerprint": self.fingerprint,
                "test set": self.test_digest,
                "model": self.model,
                **({"warnings of learners": warned} if warned else {}),
            },
            experiment_text=self.experiment_text,
            test=self.test,
            looks=looks,
            next_steps=steps,
            profile=self.profile,
            mistakes=self.mistakes,
            opposites=self.opposites,
            segments=self.segments,
            corrected=self.corrected,
        )

    def __repr__(self) -> str:
        named = f"{self.latest.primary} {self.latest.headline}"
        return f"Run({self.name}: {named}, {self.latest.rows} rows)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td>{html.escape(str(each))}</td></tr>"
            for name, each in self.metrics.items()
        )
        found = ", ".join(f"{each.code} {each.title}" for each in self.findings) or "no findings"
        return (
            f"<b>{html.escape(self.name)}</b> ({html.escape(self.learner)}), "
            f"{self.latest.n:,} {self.latest.rows} rows<table>{rows}</table>"
            f"<p>{html.escape(found)}</p>"
        )


def _for_a_page(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance as a page shows it: of what is long only how long it is."""
    shown = dict(provenance)
    packages = shown.pop(DISTRIBUTIONS, None)
    if packages:
        shown[DISTRIBUTIONS] = f"{len(packages):,}, in {RUN_FILE} of the run"
    about = dict(shown.get("git", {}))
    if "diff" in about:
        about["diff"] = f"{len(about['diff'].splitlines()):,} lines, in {RUN_FILE} of the run"
    return {name: value for name, value in (shown | {"git": about}).items() if value != {}}


def read_run(store: Store, record: RunRecord, scratch: Path) -> Run:
    """A finished run as it was recorded.

    Raises:
        NotFoundError: It did not finish.
    """
    try:
        path = store.fetch(record.run_id, RUN_FILE, scratch)
    except NotFoundError:
        why = f": {record.reason}" if record.reason else ""
        raise NotFoundError(
            f"The run {record.name} has no result; it is {record.status}{why}.",
            where=f"run {record.run_id}",
            mend="name a run that finished, or train again",
        ) from None
    return Run.from_dict(json.loads(path.read_text(encoding="utf-8")))


def write_run(run: Run, folder: Path) -> Path:
    """Write a run as a file to be recorded."""
    path = folder / RUN_FILE
    path.write_text(json.dumps(run.as_dict(), default=_plain), encoding="utf-8")
    return path


def _without_curve(threshold: Threshold) -> dict[str, Any]:
    """A threshold as `--json` prints it."""
    told = threshold.as_dict()
    if told["choice"] is not None:
        told["choice"].pop("curve")
    return told


def _plain(value: Any) -> Any:
    """Numbers of NumPy and sequences as JSON has them."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
