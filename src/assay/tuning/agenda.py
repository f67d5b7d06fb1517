"""The agenda: what a search for an ensemble tries next, first the portfolio, then proposals.

Proposals are made in groups, in the light of all that had ended before. What they were told, and
when, is kept, so that a search that goes on is proposed what it would have been.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.learners.candidates import Candidate
from assay.tuning.kept import Decision, Kept
from assay.tuning.proposals import Proposals

HasTime = Callable[[Candidate | None], bool]
"""Whether there is time for a candidate, or for any."""


class Agenda:
    """What to try next.

    Args:
        first: What is tried first, in this order.
        proposals: Who proposes what comes then.
        at_a_time: Proposals that are made before the results of any of them are heard.
        kept: Told of every decision before it is acted on; None to keep nothing.
    """

    def __init__(
        self, first: Sequence[Candidate], proposals: Proposals, at_a_time: int, kept: Kept | None
    ) -> None:
        self._first, self._proposals, self._kept = list(first), proposals, kept
        self._at_a_time = at_a_time
        self._proposed: list[Candidate] = []
        self._unheard: dict[int, float | None] = {}

    def hear(self, number: int, loss: float | None) -> None:
        """What a configuration is worth; None if it failed or fell behind."""
        self._unheard[number] = loss

    def next(self, number: int, has_time: HasTime, *, waits: bool) -> Candidate | None:
        """What to try under this number: the next of the portfolio for which there is time, or a
        proposal; None if there is nothing, for now or for good.

        Args:
            number: Of the configuration, which nothing had before.
            has_time: Whether there is time for it.
            waits: Whether no proposals are to be made yet.
        """
        while self._first:
            candidate = self._first.pop(0)
            if has_time(candidate):
                self._decide(Decision(number, (candidate,)))
                return candidate
        if not has_time(None):
            return None
        if not self._proposed:
            if waits:
                return None
            self._propose(number)
        return self._proposed.pop(0)

    def restore(self, decisions: Sequence[Decision], n_begun: int) -> None:
        """Be as after these decisions, all of whose results have been heard that are known.

        Args:
            decisions: By number.
            n_begun: How many configurations were begun; the others are what comes next.
        """
        decided = [candidate for each in decisions for candidate in each.candidates]
        for each in decisions:
            if each.heard is None:
                while self._first and not _are_same(self._first.pop(0), each.candidates[0]):
                    pass  # there was no time for it
                continue
            self._first = []
            for number, loss in each.heard:
                self._proposals.hear(number, loss)
                self._unheard.pop(number, None)
            for place in range(len(each.candidates)):
                self._proposals.propose(each.number + place)
        self._proposed = decided[n_begun:]

    def _propose(self, number: int) -> None:
        heard = tuple(sorted(self._unheard.items()))
        for each, loss in heard:
            self._proposals.hear(each, loss)
        self._unheard = {}
        numbers = range(number, number + self._at_a_time)
        self._proposed = [self._proposals.propose(each) for each in numbers]
        self._decide(Decision(number, tuple(self._proposed), heard))

    def _decide(self, decision: Decision) -> None:
        if self._kept is not None:
            self._kept.decide(decision)


def _are_same(candidate: Candidate, kept: Candidate) -> bool:
    """Whether one is the other, which has been JSON."""
    return candidate.model_dump(mode="json") == kept.model_dump(mode="json")
