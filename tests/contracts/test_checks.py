"""Every built-in check keeps the contract and finds its own mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.checks.as101_single_feature_leak import SingleFeatureLeak
from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.builtin import CHECKS
from assay.data.schema import Task
from assay.findings import Severity
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

    def test_a_category_that_names_the_class_is_found(self) -> None:
        frame = table(Task.MULTICLASS)
        [finding] = look(self.check, frame.assign(coded=frame["y"].str.upper()))
        assert finding.columns == ("coded",)


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

    def test_equal_rows_of_a_table_of_few_values_are_natural(self) -> None:
        random = np.random.default_rng(0)
        frame = pd.DataFrame(random.integers(0, 3, size=(300, 4)), columns=list("abcd"))
        assert frame.duplicated().sum() > 150
        assert look(self.check, frame.assign(y=random.integers(0, 2, 300))) == []


class TestConstantColumn(CheckContract):
    check = ConstantColumn()

    def planted(self, task: Task) -> pd.DataFrame:
        return table(task).assign(same="always", nothing=np.nan)

    def test_it_tells_an_empty_column_from_a_constant_one(self) -> None:
        found = {
            finding.columns[0]: finding for finding in look(self.check, self.planted(Task.BINARY))
        }
        assert found["same"].severity is Severity.NOTE
        assert found["same"].evidence == {"value": "always"}
        assert found["nothing"].severity is Severity.WARN
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
        assert finding.severity is Severity.ASK

    def test_scattered_whole_numbers_are_honest_unless_their_name_says_otherwise(self) -> None:
        frame = table(Task.BINARY)
        scattered = np.random.default_rng(0).permutation(10**6)[: len(frame)]
        assert look(self.check, frame.assign(income=scattered)) == []
        [finding] = look(self.check, frame.assign(customerId=scattered))
        assert finding.columns == ("customerId",)


def test_codes_are_in_order() -> None:
    codes = [check.code for check in CHECKS]
    assert codes == sorted(codes)
