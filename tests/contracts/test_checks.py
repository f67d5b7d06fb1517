"""Every built-in check keeps the contract and finds its own mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as101_single_feature_leak import SingleFeatureLeak
from assay.checks.as102_target_copy import TargetCopy
from assay.checks.as103_text_gives_target import TextGivesTarget
from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.as202_undeclared_groups import UndeclaredGroups
from assay.checks.as203_undeclared_time_order import UndeclaredTimeOrder
from assay.checks.as204_declared_role_across_parts import DeclaredRoleAcrossParts
from assay.checks.as205_repeated_texts import RepeatedTexts
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.builtin import CHECKS
from assay.data.schema import Task
from assay.findings import Severity
from tests.checks.planting import grouped, recorded, sayings
from tests.contracts.checks import CheckContract, look
from tests.tables import leaking, table


class TestSingleFeatureLeak(CheckContract):
    check = SingleFeatureLeak()

    def planted(self, task: Task) -> pd.DataFrame:
        return leaking(task)

    def test_it_asks_and_shows_how_far_the_next_feature_is(self) -> None:
        [finding] = look(self.check, leaking(Task.BINARY))
        assert finding.severity is Severity.ASK
        assert finding.columns == ("leak",)
        assert finding.evidence["explained alone"] > 0.9
        assert finding.evidence["explained by that"] < 0.5
        assert "ignore: ['leak']" in finding.mend
        assert "accept: {AS101" in finding.mend

    def test_a_leak_spread_over_two_columns_is_found_as_both(self) -> None:
        frame = leaking(Task.REGRESSION)
        both = look(self.check, frame.assign(copy=frame["leak"] * 2))
        assert {finding.columns[0] for finding in both} == {"leak", "copy"}

    def weak(self) -> pd.DataFrame:
        """A table whose features say little of the target."""
        frame = table(Task.REGRESSION, n=1000)
        blur = np.random.default_rng(3).normal(scale=20, size=len(frame))
        return frame.assign(y=frame["y"] + blur)

    def test_a_leak_in_the_difference_of_two_columns_is_found_as_a_pair(self) -> None:
        frame = self.weak()
        planned = np.random.default_rng(1).uniform(300, 1200, len(frame))
        [finding] = look(self.check, frame.assign(planned=planned, actual=planned + frame["y"]))
        assert set(finding.columns) == {"planned", "actual"}
        assert finding.severity is Severity.ASK
        assert finding.evidence["explained by the difference"] > 0.9
        assert finding.evidence["explained by the best single feature left"] < 0.6

    def test_the_difference_of_two_honest_columns_is_no_leak(self) -> None:
        frame = self.weak()
        planned = np.random.default_rng(1).uniform(300, 1200, len(frame))
        delay = np.random.default_rng(2).normal(scale=10, size=len(frame))
        assert look(self.check, frame.assign(planned=planned, actual=planned + delay)) == []

    def test_a_category_that_names_the_class_is_found(self) -> None:
        frame = table(Task.MULTICLASS)
        [finding] = look(self.check, frame.assign(coded=frame["y"].str.upper()))
        assert finding.columns == ("coded",)


class TestTargetCopy(CheckContract):
    check = TargetCopy()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        if task is Task.MULTILABEL:
            return frame.assign(copy=np.where(frame["y1"] == 1, "Y", "N"))
        copy = frame["y"] * 1.8 + 32 if task is Task.REGRESSION else frame["y"].str.upper()
        return frame.assign(copy=copy)

    def test_it_blocks(self) -> None:
        [finding] = look(self.check, self.planted(Task.BINARY))
        assert (finding.severity, finding.columns) == (Severity.BLOCK, ("copy",))

    @pytest.mark.parametrize("task", list(Task))
    def test_one_odd_row_makes_it_no_copy(self, task: Task) -> None:
        frame = self.planted(task)
        frame.loc[:9, "copy"] = frame["copy"].iloc[100:110].to_numpy()
        assert look(self.check, frame) == []

    def test_a_flag_that_agrees_with_three_rows_may_do_so_by_chance(self) -> None:
        frame = table(Task.BINARY)
        frame["y"] = np.where(np.arange(len(frame)) % 80 == 0, "yes", "no")
        assert look(self.check, frame.assign(flag=frame["y"] == "yes")) == []


class TestTextGivesTarget(CheckContract):
    check = TextGivesTarget()

    def honest(self, task: Task) -> pd.DataFrame:
        return table(task, n=1200).assign(said=sayings(1200))

    def planted(self, task: Task) -> pd.DataFrame:
        frame = self.honest(task)
        target = frame["y1" if task is Task.MULTILABEL else "y"]
        high = target.rank(pct=True) > 0.7 if task is Task.REGRESSION else None
        is_marked = (target.isin(["yes", "high", 1]) if high is None else high) & (frame["c"] > -1)
        frame.loc[is_marked, "said"] += "\n--\nFiled by the desk of complaints"
        return frame

    @pytest.mark.parametrize("task", list(Task))
    def test_it_names_the_line_and_the_class(self, task: Task) -> None:
        [finding] = look(self.check, self.planted(task))
        of = {
            Task.BINARY: "'yes'",
            Task.MULTICLASS: "'high'",
            Task.MULTILABEL: "'y1'",
            Task.REGRESSION: "the highest third of 'y'",
        }[task]
        assert finding.columns == ("said",)
        assert f"of {of}, " in finding.evidence["marks"][0]
        assert "'filed by the desk of complaints'" in finding.title


class TestDeclaredRoleAcrossParts(CheckContract):
    check = DeclaredRoleAcrossParts()
    settings = {"roles": {"group": "who"}, "split": {"column": "part"}}

    def honest(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        part = np.where(np.arange(len(frame)) % 40 < 8, "test", "train")
        return frame.assign(who=np.arange(len(frame)) // 4, part=part)

    def planted(self, task: Task) -> pd.DataFrame:
        return self.honest(task).assign(who=np.arange(len(table(task))) // 5)

    def test_the_future_in_training_blocks_too(self) -> None:
        frame = self.honest(Task.BINARY).drop(columns="who").assign(day=np.arange(240))
        settings = {"roles": {"time": "day"}, "split": {"column": "part", "folds": 3}}
        [finding] = look(self.check, frame, **settings)
        assert (finding.severity, finding.columns) == (Severity.BLOCK, ("day",))
        assert "later than the test begins" in finding.title
        frame["part"] = np.where(frame["day"] >= 200, "test", "train")
        assert look(self.check, frame, **settings) == []


class TestDuplicatesAcrossParts(CheckContract):
    check = DuplicatesAcrossParts()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        return pd.concat([frame, frame.sample(40, random_state=0)], ignore_index=True)

    def test_it_names_the_rows_of_both_parts(self) -> None:
        frame = self.planted(Task.BINARY)
        [finding] = look(self.check, frame)
        features = frame.drop(columns="y")
        for row in finding.rows["test"]:
            twins = (features == features.loc[row]) | (features.isna() & features.loc[row].isna())
            originals = np.flatnonzero(twins.all(axis=1))
            assert set(originals) & set(finding.rows["train"])
        assert finding.severity is Severity.WARN
        assert "{split: {duplicates: together}}" in finding.mend

    def test_equal_rows_of_a_table_of_few_values_are_natural_and_worth_a_note(self) -> None:
        random = np.random.default_rng(0)
        frame = pd.DataFrame(random.integers(0, 3, size=(300, 4)), columns=list("abcd"))
        assert frame.duplicated().sum() > 150
        [finding] = look(self.check, frame.assign(y=random.integers(0, 2, 300)))
        assert finding.severity is Severity.NOTE
        assert "about as many as chance makes" in finding.title
        shown = finding.evidence
        assert shown["pairs of equal rows"] < 3 * shown["pairs expected by chance"]

    def test_copies_too_few_to_move_a_score_are_a_note(self) -> None:
        frame = table(Task.BINARY, n=4000)
        copied = pd.concat([frame, frame.sample(12, random_state=0)], ignore_index=True)
        [finding] = look(self.check, copied)
        assert finding.severity is Severity.NOTE
        assert finding.evidence["share of test rows"] < 0.01


class TestRepeatedTexts(CheckContract):
    check = RepeatedTexts()

    def honest(self, task: Task) -> pd.DataFrame:
        return table(task, n=1200).assign(said=sayings(1200))

    def planted(self, task: Task) -> pd.DataFrame:
        frame = self.honest(task)
        said = frame["said"].to_numpy()
        frame["said"] = np.where(
            np.arange(1200) % 4 == 0, said, [text.upper() for text in said[::-1]]
        )
        return frame

    def test_it_asks_where_texts_are_not_all_that_rows_are(self) -> None:
        [finding] = look(self.check, self.planted(Task.BINARY))
        assert finding.severity is Severity.ASK
        assert "'said' of " in finding.title


class TestUndeclaredGroups(CheckContract):
    check = UndeclaredGroups()

    def planted(self, task: Task) -> pd.DataFrame:
        return grouped(task)

    def test_it_asks_and_says_what_holding_groups_out_costs(self) -> None:
        [finding] = look(self.check, grouped(Task.REGRESSION))
        assert finding.severity is Severity.ASK
        assert finding.columns == ("patient",)
        shown = finding.evidence
        assert shown["explained, rows at random"] > shown["explained, whole levels held out"] + 0.1
        assert finding.effect is not None
        assert "every patient wholly held out" in finding.effect
        assert "{roles: {group: 'patient'}, split: {by: group}}" in finding.mend


class TestUndeclaredTimeOrder(CheckContract):
    check = UndeclaredTimeOrder()

    def planted(self, task: Task) -> pd.DataFrame:
        return recorded(task)

    def test_it_asks_and_says_what_looking_back_only_costs(self) -> None:
        [finding] = look(self.check, recorded(Task.REGRESSION))
        assert finding.severity is Severity.ASK
        assert finding.columns == ("taken",)
        shown = finding.evidence
        assert shown["explained, rows at random"] > shown["explained, learning from the past"] + 0.1
        assert finding.effect is not None
        assert "only from the rows before" in finding.effect
        assert "{roles: {time: 'taken'}, split: {by: time}}" in finding.mend


class TestConstantColumn(CheckContract):
    check = ConstantColumn()

    def planted(self, task: Task) -> pd.DataFrame:
        return table(task).assign(same="always", nothing=np.nan)

    def test_it_tells_an_empty_column_from_a_constant_one(self) -> None:
        found = {
            finding.columns[0]: finding for finding in look(self.check, self.planted(Task.BINARY))
        }
        assert {each.severity for each in found.values()} == {Severity.WARN}
        assert found["same"].evidence == {"same": "always"}
        assert "the same value in every" in found["same"].title
        assert "left out" in found["nothing"].title


class TestIdLikeColumn(CheckContract):
    check = IdLikeColumn()

    def planted(self, task: Task) -> pd.DataFrame:
        frame = table(task)
        return frame.assign(number=np.arange(len(frame)) + 1000)

    def test_text_that_is_different_in_every_row_is_found(self) -> None:
        frame = table(Task.BINARY)
        [finding] = look(self.check, frame.assign(who=[f"user-{i:05}" for i in range(len(frame))]))
        assert finding.columns == ("who",)
        assert finding.severity is Severity.WARN

    def test_scattered_whole_numbers_are_honest_unless_their_name_says_otherwise(self) -> None:
        frame = table(Task.BINARY)
        scattered = np.random.default_rng(0).permutation(10**6)[: len(frame)]
        assert look(self.check, frame.assign(income=scattered)) == []
        [finding] = look(self.check, frame.assign(customerId=scattered))
        assert finding.columns == ("customerId",)


def test_codes_are_in_order() -> None:
    codes = [check.code for check in CHECKS]
    assert codes == sorted(codes)
