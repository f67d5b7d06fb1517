"""What an evaluation found, in a form that is recorded, compared and reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.choice import Choice
from assay.evaluation.goals import Goal

OUT_OF_FOLD, VALIDATION, TEST = "out-of-fold", "validation", "test"
"""Which rows an evaluation is of. Validation rows are held out, but stop, calibrate and decide."""


@dataclass(frozen=True)
class Miscalibration:
    """How far the probabilities of a classification are from frequencies.

    Attributes:
        error: Root mean square of probability less frequency over bins, chance's share taken off;
            of the positive class, or of the most probable one of several.
        p: How often calibrated probabilities would seem as far off by chance; None where rows are
            too few to tell.
        verdict: The same in words.
        reliability: What miscalibration adds to the Brier score, chance's share taken off.
        resolution: What telling rows apart takes off it.
        uncertainty: What it is for who knows the shares of the classes only. The score is
            reliability - resolution + uncertainty.
        said: Rows by the probability that is looked at, in twentieths from 0 to 1.
    """

    error: Estimate
    p: float | None
    verdict: str
    reliability: float
    resolution: float
    uncertainty: float
    said: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "error": self.error.as_dict(), "said": list(self.said)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Miscalibration:
        """Read back what `as_dict` wrote."""
        known = {"error": Estimate(**record["error"]), "said": tuple(record["said"])}
        return cls(**{**record, **known})


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one model on one set of rows.

    Attributes:
        task: What was predicted.
        rows: Which rows: 'out-of-fold', 'validation' or 'test'.
        n: How many.
        primary: Name of the metric to decide by; a key of `metrics`.
        metrics: Every metric of the task with its interval, by name, the primary one first.
        support: Rows per class, by label as text; empty for regression.
        confusion: Row counts, true class down, decided class across; empty for regression. With
            sample weights their sums, scaled to the number of rows and rounded.
        miscalibration: Of a classification; None of a regression, and in runs that were recorded
            without it.
    """

    task: Task
    rows: str
    n: int
    primary: str
    metrics: Mapping[str, Estimate]
    support: Mapping[str, int]
    confusion: tuple[tuple[int, ...], ...] = ()
    miscalibration: Miscalibration | None = None

    @property
    def headline(self) -> Estimate:
        """The primary metric."""
        return self.metrics[self.primary]

    def as_dict(self) -> dict[str, Any]:
        return {
            "task": self.task.value,
            "rows": self.rows,
            "n": self.n,
            "primary": self.primary,
            "metrics": {name: estimate.as_dict() for name, estimate in self.metrics.items()},
            "support": dict(self.support),
            "confusion": [list(row) for row in self.confusion],
            "miscalibration": self.miscalibration.as_dict() if self.miscalibration else None,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Evaluation:
        """Read back what `as_dict` wrote."""
        found = record.get("miscalibration")
        return cls(
            task=Task(record["task"]),
            rows=record["rows"],
            n=record["n"],
            primary=record["primary"],
            metrics={name: Estimate(**each) for name, each in record["metrics"].items()},
            support=record["support"],
            confusion=tuple(tuple(row) for row in record["confusion"]),
            miscalibration=Miscalibration.from_dict(found) if found is not None else None,
        )


@dataclass(frozen=True)
class Corrected:
    """The winner's score, and what is left of it once the choice is paid for.

    Attributes:
        metric: The metric that decided.
        best: The winner's out-of-fold score, as it was chosen by.
        corrected: The same corrected, with its interval.
        candidates: How many trials it was chosen from.
    """

    metric: str
    best: float
    corrected: Estimate
    candidates: int

    @property
    def optimism(self) -> float:
        """How much of the best score is due to the choice, in the units of the metric."""
        return abs(self.best - self.corrected.value)

    def of(self, evaluation: Evaluation) -> Estimate | None:
        """What is left of an evaluation's headline; None where another metric decided.

        The winner that is trained may be calibrated: then its headline is not quite the score that
        it was chosen by, and what the choice is worth is taken off that.
        """
        headline, each = evaluation.headline, self.corrected
        beyond = headline.value - self.best
        if self.metric != evaluation.primary or isnan(beyond) or isnan(each.value):
            return None
        if each.low is None or each.high is None:
            return replace(each, value=each.value + beyond)
        return replace(
            each, value=each.value + beyond, low=each.low + beyond, high=each.high + beyond
        )

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "corrected": self.corrected.as_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Corrected:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "corrected": Estimate(**record["corrected"])})


@dataclass(frozen=True)
class Difference:
    """One metric of two models on the same rows.

    Attributes:
        metric: Name of the metric.
        first: Its value for the first model.
        second: Its value for the second.
        estimate: Second minus first, with a paired interval.
        better: 'first', 'second', or None when the difference is within noise.
        verdict: The same in words.
    """

    metric: str
    first: float
    second: float
    estimate: Estimate
    better: str | None
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "estimate": self.estimate.as_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Difference:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "estimate": Estimate(**record["estimate"])})


@dataclass(frozen=True)
class Importance:
    """What a feature is worth to the model: the loss of the primary metric when it is shuffled.

    Attributes:
        feature: Its name, or those of related features, joined by ' + '.
        drop: How much worse the primary metric gets; positive means that the model uses it.
        together: The related features that were shuffled together; empty for a single one.
    """

    feature: str
    drop: Estimate
    together: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """The features, one or several."""
        return self.together or (self.feature,)

    def as_dict(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "drop": self.drop.as_dict(),
            "together": list(self.together),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Importance:
        """Read back what `as_dict` wrote."""
        together = tuple(record.get("together", ()))
        return cls(record["feature"], Estimate(**record["drop"]), together)


@dataclass(frozen=True)
class Threshold:
    """The probability at which a binary model says yes.

    Attributes:
        value: The threshold; the positive class is decided when its probability reaches it.
        goal: What it was chosen to be best for.
        score: What it reaches on the rows it was chosen on; NaN when it was given.
        at_half: What 0.5 would have reached there; NaN when it was given.
        held: What the metric that must reach a floor reaches there; 1 where there is no floor.
        choice: How sure it is and what it is worth; None where that was not looked into, and in
            runs that were recorded without it.
    """

    value: float
    goal: Goal
    score: float = nan
    at_half: float = nan
    held: float = 1.0
    choice: Choice | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether rows chose it, rather than the experiment."""
        return self.goal.goal != "given"

    @property
    def falls_short(self) -> bool:
        """Whether no threshold meets the floor on the rows it was chosen on."""
        return not self.goal.is_met(self.held)

    def as_dict(self) -> dict[str, Any]:
        scores = {name: getattr(self, name) for name in ("score", "at_half")}
        return {
            "value": self.value,
            "goal": self.goal.model_dump(mode="json"),
            **{name: None if isnan(value) else value for name, value in scores.items()},
            "held": self.held if self.goal.floor is not None else None,
            "choice": self.choice.as_dict() if self.choice is not None else None,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Threshold:
        """Read back what `as_dict` wrote, or an earlier version."""
        value, choice, held = record["value"], record.get("choice"), record.get("held")
        goal = record["goal"] if "goal" in record else record["best_for"]
        score, at_half = record["score"], record["at_half"]
        return cls(
            value,
            Goal.of(value if goal == "given" else goal),
            nan if score is None else score,
            nan if at_half is None else at_half,
            1.0 if held is None else held,
            Choice.from_dict(choice) if choice is not None else None,
        )
