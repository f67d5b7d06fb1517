"""What a search for an ensemble keeps on the way is read back to the bit, and goes on the same."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from assay.learners.candidates import Candidate
from assay.predictions import Predictions
from assay.tuning.agenda import Agenda
from assay.tuning.configurations import GONE, LATE, FoldFit
from assay.tuning.kept import Decision, Ended, Kept
from assay.tuning.proposals import Proposals

CLASSES = np.array(["no", "yes"], dtype=object)
FIRST = [Candidate(learner="linear"), Candidate(learner="forest", options={"max_features": 0.3})]


def predictions(*, classifies: bool) -> Predictions:
    rows, random = np.array([3, 5, 8]), np.random.default_rng(0)
    if not classifies:
        return Predictions(rows, values=random.normal(size=3))
    part = random.random(3)
    probabilities = np.column_stack([part, 1 - part])
    return Predictions(rows, probabilities=probabilities, classes=CLASSES, scores=part * 3)


@pytest.mark.parametrize("classifies", [True, False])
def test_what_is_kept_is_read_back_to_the_bit(classifies: bool, tmp_path: Path) -> None:
    said = predictions(classifies=classifies)
    fit = FoldFit(said, {"rounds": np.int64(7)}, 0.1 + 0.2, 1e-3, 2e-3, ("mind this",), 7)
    kept = Kept(tmp_path / "auto")
    kept.decide(Decision(0, (FIRST[1],)))
    kept.decide(Decision(1, (FIRST[0], FIRST[1]), ((0, 0.1 + 0.2), (5, None))))
    kept.keep(Ended(0, 2, fit, "", 3, 1 / 3))
    kept.keep(Ended(1, 0, FoldFit(failed="it broke", seconds=1.0), "it broke"))
    again = Kept(tmp_path / "auto")
    assert again.decisions() == kept.decisions() == [
        Decision(0, (FIRST[1],)), Decision(1, (FIRST[0], FIRST[1]), ((0, 0.1 + 0.2), (5, None)))
    ]  # fmt: skip
    first, second = again.fits(CLASSES if classifies else np.array([]))
    assert (first.number, first.fold, first.n_folds, first.loss) == (0, 2, 3, 1 / 3)
    assert first.fit.chosen == {"rounds": 7}
    for name in ("seconds", "row_ms", "one_row_ms", "warned", "cut_at", "failed"):
        assert getattr(first.fit, name) == getattr(fit, name)
    for name, expected in vars(said).items():
        found = getattr(first.fit.predictions, name)
        assert (found is None) == (expected is None), name
        if expected is not None:
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert second == Ended(1, 0, FoldFit(failed="it broke", seconds=1.0), "it broke")
    assert not again.is_worth_nothing
    again.keep(Ended(1, 1, fit))  # after the others, in whose place it does not come
    assert [each.fold for each in again.fits(CLASSES)] == [2, 0, 1]


def test_time_that_was_spent_counts_and_time_between_does_not(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.spent == 0
    kept.counts_from(time.monotonic() - 40)
    kept.keep(Ended(0, 0, FoldFit()))
    time.sleep(0.2)
    again = Kept(tmp_path)
    assert 40 <= again.spent < 40.2
    again.counts_from(time.monotonic() - 2)
    again.decide(Decision(0, (FIRST[0],)))
    assert 42 <= Kept(tmp_path).spent < 42.2


def test_only_what_ended_by_itself_says_something() -> None:
    assert FoldFit().says_something
    assert FoldFit(failed="the target is negative").says_something
    assert not FoldFit(failed=LATE).says_something
    assert not FoldFit(failed=f"{GONE} (TerminatedWorkerError): is memory short?").says_something


@pytest.mark.parametrize("at_a_time", [1, 4])
@pytest.mark.parametrize("until", [1, 2, 3, 9, 14, 18])
def test_an_agenda_that_goes_on_is_proposed_the_same(
    at_a_time: int, until: int, tmp_path: Path
) -> None:
    """Each has a loss of its own, one in five fails, and the portfolio has one too slow to try."""
    slow = Candidate(learner="perceptron")
    portfolio = [FIRST[0], slow, FIRST[1]]

    def agenda(kept: Kept | None) -> Agenda:
        return Agenda(portfolio, Proposals(3, logarithms=True, rows_leaf=1), at_a_time, kept)

    def tried(agenda: Agenda, numbers: range) -> list[Candidate | None]:
        found = []
        for number in numbers:
            is_quick = lambda each: each is not slow  # noqa: E731
            found.append(agenda.next(number, is_quick, waits=False))
            agenda.hear(number, losses[number])
        return found

    losses = [None if n % 5 == 4 else float(each)
              for n, each in enumerate(np.random.default_rng(0).random(20))]  # fmt: skip
    whole = tried(agenda(None), range(20))
    tried(agenda(Kept(tmp_path)), range(until))
    kept = Kept(tmp_path)
    again = agenda(kept)
    for number in range(until):
        again.hear(number, losses[number])
    again.restore(kept.decisions(), until)
    assert tried(again, range(until, 20)) == whole[until:]
    assert len({each.model_dump_json() for each in whole if each is not None}) == 20
