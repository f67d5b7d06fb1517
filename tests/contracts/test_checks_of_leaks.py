"""The checks of leaks of the target keep the contracts and find their own mistakes."""

from __future__ import annotations

import pandas as pd
import pytest

from assay.checks.as104_missing_tells_target import MissingTellsTarget
from assay.checks.as105_encoded_on_all_rows import EncodedOnAllRows
from assay.checks.as106_order_tells_target import OrderTellsTarget
from assay.checks.as107_joint_leak import JointLeak
from assay.checks.as108_future_feature import FutureFeature
from assay.data.schema import Task
from tests.checks.leaks import (
    aim_of,
    followed,
    windowed,
    with_code,
    with_gaps,
    with_ids,
    with_shops,
)
from tests.contracts.checks import CheckContract, look
from tests.contracts.handed import Handed, HandedContract, parted
from tests.tables import table


class TestMissingTellsTarget(CheckContract):
    check = MissingTellsTarget()

    def honest(self, task: Task) -> pd.DataFrame:
        return with_gaps(task, inside=0.45, outside=0.1)

    def planted(self, task: Task) -> pd.DataFrame:
        return with_gaps(task)


class TestOrderTellsTarget(CheckContract):
    check = OrderTellsTarget()

    def honest(self, task: Task) -> pd.DataFrame:
        return with_ids(task, is_real=False)

    def planted(self, task: Task) -> pd.DataFrame:
        return with_ids(task)


class TestJointLeak(CheckContract):
    check = JointLeak()

    def planted(self, task: Task) -> pd.DataFrame:
        return with_code(task)

    @pytest.mark.parametrize("task", list(Task))
    def test_it_names_both_columns_and_no_other(self, task: Task) -> None:
        [finding] = look(self.check, with_code(task))
        assert set(finding.columns) == {"code", "key"}


class TestEncodedOnAllRows(HandedContract):
    check = EncodedOnAllRows()

    def honest(self, task: Task) -> Handed:
        """Encoded out of fold: rows of one fold by the others, the test by all of training."""
        frame = with_shops(task)
        y = pd.Series(frame["y"] if task is Task.REGRESSION else aim_of(frame))
        train = frame.index < len(frame) * 0.7
        fold = frame.index.to_numpy() % 5
        rate = pd.Series(y[train].mean(), index=frame.index)
        for held_out in range(6):
            at = (fold == held_out) & train if held_out < 5 else ~train
            means = y[train & ~at].groupby(frame["shop"][train & ~at]).mean()
            rate[at] = frame["shop"][at].map(means).fillna(y[train & ~at].mean())
        return parted(frame.assign(rate=rate))

    def planted(self, task: Task) -> Handed:
        frame = with_shops(task)
        y = pd.Series(frame["y"] if task is Task.REGRESSION else aim_of(frame))
        return parted(frame.assign(rate=y.groupby(frame["shop"]).transform("mean")))


class TestFutureFeature(HandedContract):
    check = FutureFeature()

    def handed(self, task: Task, how: str) -> Handed:
        handed = parted(windowed(followed(task), how), series="site")
        return Handed(handed.train, handed.test, handed.given, {"roles": {"time": "day"}})

    def honest(self, task: Task) -> Handed:
        return self.handed(task, "trailing")

    def planted(self, task: Task) -> Handed:
        return self.handed(task, "centred")


@pytest.mark.parametrize(
    "check", [MissingTellsTarget(), OrderTellsTarget(), JointLeak()], ids=lambda each: each.code
)
@pytest.mark.parametrize("task", list(Task))
def test_a_table_without_any_leak_is_passed_by_all(check, task: Task) -> None:  # type: ignore[no-untyped-def]
    assert list(look(check, table(task, n=900))) == []
