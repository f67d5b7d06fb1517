"""AS606 accuracy-of-rare-class: the headline is accuracy, and always saying 'no' reaches it too.

Where the rarer class holds a fifth of the rows or less (moderate imbalance and worse, in the words
of Google's course on machine learning), accuracy is mostly the share of the commoner one. The
measure is paired: how many rows the model decides right that the commonest class alone gets wrong,
less the reverse. If that is none, the headline says nothing (firm); if it is less than half of what
there was to gain and the class is rarer than a tenth, it hides most misses (a question).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.evidence import answers_of
from assay.checks.logged import plain_metric
from assay.evaluation.mcnemar import p_values
from assay.evaluation.outcome import Outcome
from assay.findings import Finding, NotApplicable, Severity

RARE, RARER = 0.2, 0.1
LEAST_GAINED = 0.5
_SAID = re.compile(
    r"accuracy\s*(?:=|:|of|is|was|reaches)?\s*(\d+(?:[.,]\d+)?)\s*(%|percent)?", re.IGNORECASE
)


@dataclass(frozen=True)
class _Headline:
    """Accuracy beside that of the commonest class alone.

    Attributes:
        accuracy: Of the model.
        commonest: Share of the commonest class.
        label: That class.
        n: Rows.
        p: How often so uneven a parting comes by chance, if both are equally good; None where only
            the accuracy is known.
        found: Share of the rows of other classes that are decided right; None likewise.
    """

    accuracy: float
    commonest: float
    label: Any
    n: int
    p: float | None = None
    found: float | None = None

    @property
    def gained(self) -> float:
        """Share of what the commonest class alone gets wrong that the model gets right, net."""
        return (self.accuracy - self.commonest) / (1 - self.commonest)


class AccuracyOfRareClass:
    """Compares a headline of accuracy with what the commonest class alone reaches."""

    code = "AS606"
    name = "accuracy-of-rare-class"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at accuracy where it is the headline."""
        if not view.schema.task.is_classification:
            return NotApplicable("the task is a regression")
        if not _is_headline(view):
            return NotApplicable("accuracy is not the headline")
        headline = _headline(view)
        if isinstance(headline, NotApplicable):
            return headline
        if headline.commonest < 1 - RARE or headline.commonest == 1:
            return []
        is_nothing = headline.gained <= 0
        if not is_nothing and (headline.commonest < 1 - RARER or headline.gained >= LEAST_GAINED):
            return []
        return [_finding(headline, view, is_nothing=is_nothing)]


def _is_headline(view: View) -> bool:
    given = view.given
    if given is None:
        return False
    if given.metric:
        return plain_metric(given.metric) == "accuracy"
    log = given.log or {}
    if log.get("metric"):
        return plain_metric(str(log["metric"])) == "accuracy"
    return "accuracy" in (given.claim or "").lower()


def _headline(view: View) -> _Headline | NotApplicable:
    answers = answers_of(view)
    if isinstance(answers, NotApplicable):
        return _claimed(view) or answers
    if answers.model is None:
        return NotApplicable("there are no answers of one model")
    return _measured(answers.model)


def _measured(outcome: Outcome) -> _Headline:
    counts = outcome.class_counts
    commonest = int(counts.argmax())
    right, always = outcome.decided_right, outcome.truth == commonest
    p = p_values(int((right & ~always).sum()), int((~right & always).sum()))[0]
    others = ~always
    return _Headline(
        accuracy=float(right.mean()),
        commonest=float(always.mean()),
        label=outcome.classes[commonest],
        n=len(outcome),
        p=p,
        found=float(right[others].mean()) if others.any() else None,
    )


def _claimed(view: View) -> _Headline | None:
    """From the claim alone, on test rows whose truth is known."""
    assert view.given is not None
    said = _SAID.search(view.given.claim or "")
    if said is None or view.test is None or view.test.target is None or len(view.test) == 0:
        return None
    value = float(said[1].replace(",", "."))
    counts = np.bincount(view.schema.codes(view.test.target))
    return _Headline(
        accuracy=value / 100 if said[2] or value > 1 else value,
        commonest=float(counts.max() / counts.sum()),
        label=view.schema.classes[int(counts.argmax())],
        n=len(view.test),
    )


def _finding(headline: _Headline, view: View, *, is_nothing: bool) -> Finding:
    evidence: dict[str, Any] = {
        "accuracy": round(headline.accuracy, 4),
        f"accuracy of always saying {headline.label!r}": round(headline.commonest, 4),
        "rows": headline.n,
    }
    if headline.p is not None:
        evidence["chance if both are equally good"] = round(headline.p, 4)
    if headline.found is not None:
        evidence["rows of other classes that are found"] = f"{headline.found:.0%}"
    much = "is no better than" if is_nothing else "hides how few are found: it is little above"
    return Finding(
        code=AccuracyOfRareClass.code,
        severity=Severity.WARN if is_nothing and headline.p is not None else Severity.ASK,
        title=f"An accuracy of {headline.accuracy:.1%} {much} always saying {headline.label!r} "
        f"({headline.commonest:.1%}).",
        evidence=evidence,
        columns=(view.schema.target,) if view.schema.target else (),
        effect=f"of what always saying {headline.label!r} gets wrong, the model gets "
        f"{max(0.0, headline.gained):.0%} right",
        mend="evaluation: {primary: pr_auc}, or balanced_accuracy: and choose a threshold by what "
        "mistakes cost",
    )
