"""Claims: which of two models is said to be better, and what scores there are of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assay.checks.base import View
from assay.checks.evidence import Answers, answers_of
from assay.checks.history import History, history_of
from assay.checks.logged import TEST, VALIDATION
from assay.findings import NotApplicable

_BETTER = re.compile(
    r"\b(better|best|beats?|outperform\w*|improv\w*|superior|exceeds?|surpass\w*|wins?|higher|"
    r"lower|gains?|sota|state[ -]of[ -]the[ -]art|worse|inferior)\b",
    re.IGNORECASE,
)
_TURNED = re.compile(r"\b(worse|inferior)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(no|not|never|neither|cannot|isn't|doesn't|without)\b[^.;,]{0,24}" + _BETTER.pattern,
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Claim:
    """That one model is better than another.

    Attributes:
        said: The claim in its own words.
        better: The model that is said to be better.
        worse: The other one.
        answers: What both answered to the same rows; None where that is not known.
        scores: Scores of both, one for each seed, the better one's first; empty likewise.
        history: The record that it stands in, or beside.
    """

    said: str
    better: str
    worse: str
    answers: Answers | None
    scores: tuple[tuple[float, ...], tuple[float, ...]]
    history: History

    @property
    def n_seeds(self) -> int:
        """With how many seeds each of both was fitted, as far as is known."""
        of_scores = min(map(len, self.scores))
        return max(of_scores, self.answers.n_seeds if self.answers is not None else 1)


def claim_of(view: View) -> Claim | NotApplicable:
    """The claim of a view that one model is better than another.

    Raises:
        DataError: The evidence cannot be read.
    """
    history = history_of(view)
    if isinstance(history, NotApplicable):
        return history
    if not says_better(history.claim):
        return NotApplicable("no model is claimed to be better than another")
    answers = answers_of(view)
    arms = {} if isinstance(answers, NotApplicable) else answers.arms
    scores = {**_of_runs(history), **history.scores}
    for named in (arms, scores):
        both = _in_order(history.claim, named)
        if both is not None:
            better, worse = both
            return Claim(
                history.claim,
                better,
                worse,
                None if isinstance(answers, NotApplicable) or better not in arms else answers,
                (_found(scores, better), _found(scores, worse)),
                history,
            )
    return NotApplicable("nothing that was handed over is of the two models of the claim")


def says_better(claim: str) -> bool:
    """Whether a claim sets one model above another.

    >>> says_better("B better than A"), says_better("B is not better than A")
    (True, False)
    >>> says_better("the model is good: accuracy=0.95")
    False
    """
    return bool(_BETTER.search(claim)) and not _DENIED.search(claim)


def _in_order(claim: str, named: Mapping[str, object]) -> tuple[str, str] | None:
    """The better one and the worse one; of two that the claim does not name, the later is new."""
    places = {name: at for name in named if (at := _mentioned(claim, name)) is not None}
    if len(places) == 2:
        first, second = sorted(places, key=lambda name: places[name])
        return (second, first) if _TURNED.search(claim) else (first, second)
    if len(named) == 2:
        names = [*named]
        if len(places) == 1 and not _TURNED.search(claim):
            better = next(iter(places))
            return better, next(name for name in names if name != better)
        return names[1], names[0]
    return None


def _mentioned(claim: str, name: str) -> int | None:
    """Where a claim names a model; a model 'a' is named 'A', as 'a' is a word."""
    word = name.upper() if len(name) == 1 else name
    flags = re.NOFLAG if len(name) == 1 else re.IGNORECASE
    found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", claim, flags)
    return found.start() if found else None


def _of_runs(history: History) -> dict[str, tuple[float, ...]]:
    """Scores of the runs that the claim calls by their name, or by one of their settings."""
    split = TEST if any(TEST in each.scores for each in history.runs) else VALIDATION
    found: dict[str, list[float]] = {}
    for run in history.runs:
        if split in run.scores:
            names = [run.name, *(v for v in run.params.values() if isinstance(v, str))]
            called = next((n for n in names if _mentioned(history.claim, n) is not None), None)
            if called is not None:
                found.setdefault(called, []).append(run.scores[split])
    return {name: tuple(values) for name, values in found.items()}


def _found(scores: Mapping[str, tuple[float, ...]], name: str) -> tuple[float, ...]:
    alike = [values for each, values in scores.items() if each.lower() == name.lower()]
    return alike[0] if alike else ()
