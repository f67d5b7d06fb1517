"""AS609 no-baseline: a score that nothing stands beside, or that no baseline is worse than.

A record that names no baseline proves nothing, as it may stand elsewhere: a note. That the answers
are worse than one and the same answer for all rows is shown by the rows themselves: firm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from assay.checks.base import View
from assay.checks.evidence import answers_of
from assay.checks.history import History, history_of
from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

LEVEL = 0.95
STRICT = 0.999
FEWEST = 100
FEWEST_RUNS = 2
RANKS_WELL = 0.6
"""ROC-AUC from which answers are no worse than one for all, however far off they are."""
_BASELINES = ("baseline", "dummy", "majority", "naive", "constant", "mean", "median", "prior",
              "most_frequent", "stratified", "persistence", "random")  # fmt: skip


class NoBaseline:
    """Holds answers against the best single answer, and looks for baselines in the record."""

    code = "AS609"
    name = "no-baseline"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the answers first, then at the record."""
        answers, history = answers_of(view), history_of(view)
        if isinstance(answers, NotApplicable) and isinstance(history, NotApplicable):
            return answers
        found = []
        if not isinstance(answers, NotApplicable) and answers.model is not None:
            found += _by_answers(answers.model)
        if not isinstance(history, NotApplicable):
            found += _by_record(history)
        return found


def _by_answers(outcome: Outcome) -> list[Finding]:
    """Answers that are worse than one answer for all rows beyond doubt."""
    if len(outcome) < FEWEST or outcome.clusters is not None or _ranks(outcome):
        return []
    what, lost = _lost(outcome)
    gain = _mean(-lost, STRICT)
    if gain.high is None or gain.high >= 0:
        return []
    return [
        Finding(
            code=NoBaseline.code,
            severity=Severity.WARN,
            title="The answers are worse than the same answer for all rows.",
            evidence={f"lost against it, {what}": str(_mean(lost, LEVEL)), "rows": len(outcome)},
            effect=f"{what}: worse by {_mean(lost, LEVEL)}",
            mend="look whether answers and rows are in one order, and whether the target means the "
            "same in both",
        )
    ]


def _ranks(outcome: Outcome) -> bool:
    """Whether probabilities order the rows well, whatever they are: then they are miscalibrated."""
    if outcome.task is not Task.BINARY or outcome.probabilities is None:
        return False
    return METRICS[Task.BINARY]["roc_auc"].of(outcome) >= RANKS_WELL


def _lost(outcome: Outcome) -> tuple[str, Floats]:
    """What each row loses against the best single answer, shape (n,), and in what."""
    if not outcome.task.is_classification:
        # The mean of the other rows: that of all would know the row itself.
        truth, n = outcome.truth, len(outcome)
        others = (truth.sum() - truth) / (n - 1)
        squared = (outcome.known_values - truth) ** 2 - (others - truth) ** 2
        return "squared error", np.asarray(squared / max(float(truth.var()), 1e-300))
    commonest = int(outcome.class_counts.argmax())
    lost = (outcome.truth == commonest).astype(np.float64) - outcome.decided_right
    if outcome.probabilities is None:
        return "accuracy", lost
    shares = outcome.class_counts / len(outcome)
    each = np.eye(len(outcome.classes))[outcome.truth]
    own = ((outcome.probabilities - each) ** 2).sum(axis=1)
    return "Brier score", own - ((shares - each) ** 2).sum(axis=1)


def _mean(values: Floats, level: float) -> Estimate:
    n, value = len(values), float(values.mean())
    half = float(values.std(ddof=1) / n**0.5 * stdtrit(n - 1, 0.5 + level / 2))
    return Estimate(value, value - half, value + half, n=n, level=level, method="t")


def _by_record(history: History) -> list[Finding]:
    if history.baselines:
        return [
            _not_beaten(name, *gain)
            for name, gain in history.baselines.items()
            if gain[1] is not None and gain[1] <= 0
        ]
    if len(history.runs) < FEWEST_RUNS or any(map(_is_baseline, map(_words, history.runs))):
        return []
    return [
        Finding(
            code=NoBaseline.code,
            severity=Severity.NOTE,
            title="No run of the record is a baseline.",
            evidence={"runs": len(history.runs)},
            mend="record what the same answer for all rows reaches, and a simple model, beside it",
        )
    ]


def _not_beaten(name: str, gain: float, low: float | None, high: float | None) -> Finding:
    return Finding(
        code=NoBaseline.code,
        severity=Severity.ASK if _is_baseline(name.lower()) else Severity.NOTE,
        title=f"The model is not better than the baseline {name} by more than noise.",
        evidence={"gain": gain, "from": low, "to": high},
        mend="is there anything to learn in these columns? More rows, other features, or the "
        f"baseline itself; else checks: {{accept: {{{NoBaseline.code}: 'why'}}}}",
    )


def _words(run: Any) -> str:
    return " ".join([run.name, *map(str, run.params.values())]).lower()


def _is_baseline(words: str) -> bool:
    return any(each in words for each in _BASELINES)
