"""Laws of what tells copied and made rows from natural ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from assay.checks.as206_near_duplicates_across_parts import level_beyond
from assay.checks.as207_oversampled_before_split import OversampledBeforeSplit
from assay.checks.as313_covariate_drift import CovariateDrift
from assay.checks.chance import at_least, at_least_of
from assay.checks.lines import on_lines
from assay.checks.near import Space
from assay.checks.twins import agreement, hashed, meeting
from assay.data.dataset import Part
from assay.data.fingerprint import mixed
from assay.data.schema import Task
from assay.data.sources.settling import settled, settled_apart
from tests.contracts.checks import look
from tests.contracts.handed import parted, view_of_handed
from tests.contracts.test_checks_of_rows import answers
from tests.tables import prepared, table


def test_tails_are_those_of_the_laws() -> None:
    found, n = np.arange(8), np.array([7, 7, 20, 20, 7, 5, 9, 7])
    assert at_least(found, n, 0.3) == pytest.approx(stats.binom.sf(found - 1, n, 0.3))
    assert at_least_of(found, 2.5) == pytest.approx(stats.poisson.sf(found - 1, 2.5))


def test_pairs_of_a_random_division_lie_as_the_law_says() -> None:
    """Over many divisions of one survey: the mean is as expected, and hardly any is 'proven'."""
    frame = answers(1200)
    split, proven = [], 0
    for seed in range(30):
        handed = parted(frame.sample(frac=1, random_state=seed))
        found = meeting(hashed(view_of_handed(handed)))
        split.append(found.split.sum() / found.twos)
        proven += found.is_proven
    assert np.mean(split) == pytest.approx(found.by_chance, abs=0.02)
    assert proven == 0


def test_agreement_counts_pairs() -> None:
    one = mixed(np.array([1, 1, 1, 2], dtype=np.uint64))
    other = mixed(np.array([5, 5, 6, 7], dtype=np.uint64))
    told = agreement([one, other], one + other, mixed(np.array([0, 1, 0, 0], dtype=np.uint64)))
    assert (told.pairs, told.agree) == (1, 0)
    assert (told.near, told.near_agree) == (2, 1)
    assert told.is_mixed


def test_lead_of_rows_drawn_alike_follows_an_exponential_law() -> None:
    """D log(r2 / r1) of continuous rows, here in nats of surprise: mean about one, median log 2."""
    random = np.random.default_rng(0)
    data = prepared(Task.BINARY)
    frame = pd.DataFrame(random.uniform(size=(3000, 3)), columns=["a", "b", "c"])
    frame = frame.assign(kind="red", whole=1.0)
    part = Part(np.arange(3000), frame, None, data.schema)
    space = Space(part)
    lead = space.nearest(space.cells, np.arange(3000)).lead
    assert np.median(lead) / lead.mean() == pytest.approx(np.log(2), abs=0.12)


def test_no_level_where_leads_follow_one_law_and_one_where_copies_lead() -> None:
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        natural, test = random.exponential(2, 700), random.exponential(2, 300)
        alarms += level_beyond(test, np.sort(natural)) is not None
    assert alarms == 0
    copies = np.append(random.exponential(2, 285), random.uniform(20, 40, 15))
    level = level_beyond(copies, np.sort(natural))
    assert level is not None
    assert 10 < level <= copies[285:].min()


@pytest.mark.parametrize("turned", [False, True])
def test_rows_between_two_others_are_on_lines_however_they_are_turned(turned: bool) -> None:
    random = np.random.default_rng(0)
    known = random.normal(size=(400, 5)) * [1, 10, 0.1, 3, 1]
    at = random.random((50, 1))
    made = known[:50] + at * (known[50:100] - known[:50])
    others = random.normal(size=(50, 5)) * [1, 10, 0.1, 3, 1]
    turn = np.linalg.qr(random.normal(size=(5, 5)))[0] if turned else np.eye(5)
    pairs = on_lines(made @ turn, known @ turn)
    assert (np.sort(pairs, axis=1) == np.stack([np.arange(50), np.arange(50, 100)], axis=1)).all()
    assert (on_lines(others @ turn, known @ turn) == -1).all()


@pytest.mark.parametrize(
    ("learnt", "met", "read", "lost"),
    [
        ([1.5, 2.0], [1, 2], [1.0, 2.0], {}),
        ([1, 2], [1.0, 2.5], [1, None], {"c": 1}),
        (["a", "b"], [1, 2], ["1", "2"], {}),
        ([1, 2], [True, False], [None, None], {"c": 2}),
    ],
)
def test_a_test_part_that_is_stored_otherwise_is_read_as_training_is(
    learnt: list, met: list, read: list, lost: dict
) -> None:
    train, test = (settled(pa.table({"c": cells}), "t") for cells in (learnt, met))
    _, found, unreadable = settled_apart(train, test, "t")
    assert found["c"].to_pylist() == read
    assert unreadable == lost


def test_labels_of_a_handed_test_are_seen_one_by_one() -> None:
    from assay.checks.by_label import each_label

    view = view_of_handed(parted(table(Task.MULTILABEL, n=300)))
    assert view.test is not None
    assert view.test.target is not None
    for each in each_label(view):
        assert each.given is view.given
        assert each.test is not None
        assert each.test.target is not None
        held = each.test.target == each.schema.classes[1]
        code = list(view.schema.classes).index(each.label)
        assert (held == (view.test.target[:, code] == 1)).all()


def test_rows_of_few_values_in_one_class_are_no_copies_and_do_not_drift() -> None:
    """Of a class for which a feature is missing, rows differ in little and are often equal."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 1000)
    filled = (y == 1) & (random.random(1000) < 0.9)
    refund = np.where(filled, random.gamma(2, 9, 1000), np.nan)
    frame = pd.DataFrame({"age": random.integers(18, 80, 1000), "refund": refund, "y": y})
    for check in (OversampledBeforeSplit(), CovariateDrift()):
        assert look(check, frame) == []
