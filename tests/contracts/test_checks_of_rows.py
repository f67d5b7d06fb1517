"""The checks of rows and of how they were divided keep their contract."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.as202_undeclared_groups import UndeclaredGroups
from assay.checks.as203_undeclared_time_order import UndeclaredTimeOrder
from assay.checks.as204_declared_role_across_parts import DeclaredRoleAcrossParts
from assay.checks.as206_near_duplicates_across_parts import NearDuplicatesAcrossParts
from assay.checks.as207_oversampled_before_split import OversampledBeforeSplit
from assay.checks.as208_conflicting_labels import ConflictingLabels
from assay.checks.as212_evaluated_on_training_rows import EvaluatedOnTrainingRows
from assay.data.schema import Task
from assay.findings import Finding, Severity
from tests.checks.planting import grouped, recorded
from tests.contracts.handed import Handed, HandedContract, look_at, parted
from tests.tables import table

ROWS = 600


def answers(n: int, seed: int = 0) -> pd.DataFrame:
    """A survey: rows of a few questions with few answers, many of them equal by nature."""
    random = np.random.default_rng(seed)
    bent = random.normal(size=(n, 3))
    asked = {
        f"q{at}": np.digitize(bent @ random.normal(size=3) + random.normal(size=n), [-1, 0, 1])
        for at in range(7)
    }
    return pd.DataFrame(asked).assign(y=(bent[:, 0] + random.normal(size=n) > 0).astype(int))


def copied(handed: Handed, n: int, seed: int = 0) -> tuple[Handed, np.ndarray, np.ndarray]:
    """Training rows put over test rows, and the positions of both."""
    random = np.random.default_rng(seed)
    train = random.choice(len(handed.train), n, replace=False)
    test = np.sort(random.choice(len(handed.test), n, replace=False))
    rows = handed.test.copy()
    rows.iloc[test] = handed.train.iloc[train].to_numpy()
    rows = rows.astype(handed.train.dtypes)
    return Handed(handed.train, rows, handed.given, handed.settings), train, test


def blurred(frame: pd.DataFrame, rows: np.ndarray, by: float = 0.01) -> pd.DataFrame:
    """The table with some noise on three numbers of these rows."""
    frame = frame.copy()
    noise = np.random.default_rng(1).normal(scale=by, size=(len(rows), 3))
    frame.loc[rows, ["a", "b", "c"]] += noise
    return frame


def f1(finding: Finding, train: np.ndarray, test: np.ndarray) -> float:
    named = {(part, row) for part, rows in finding.rows.items() for row in rows}
    wanted = {("train", row) for row in train} | {("test", row) for row in test}
    return 2 * len(named & wanted) / (len(named) + len(wanted))


class TestDuplicatesAcrossHandedParts(HandedContract):
    check = DuplicatesAcrossParts()

    def planted(self, task: Task) -> Handed:
        return copied(parted(table(task, n=ROWS)), 8)[0]

    def test_it_names_all_rows_and_no_other(self) -> None:
        handed, train, test = copied(parted(table(Task.BINARY, n=ROWS)), 8)
        [finding] = look_at(self.check, handed)
        assert finding.severity is Severity.WARN
        assert f1(finding, train, test) == 1

    def test_copies_among_natural_twins_are_told_by_where_pairs_lie(self) -> None:
        honest = parted(answers(1500))
        assert all(each.severity is Severity.NOTE for each in look_at(self.check, honest))
        [finding] = look_at(self.check, copied(honest, 60)[0])
        assert finding.severity is Severity.WARN
        assert "training rows are in the test again" in finding.title
        shown = finding.evidence
        assert shown["of them one in each part"] > 1.3 * shown["one in each part by chance"]


class TestNearDuplicatesAcrossParts(HandedContract):
    check = NearDuplicatesAcrossParts()

    def planted(self, task: Task) -> Handed:
        handed, _, test = copied(parted(table(task, n=ROWS)), 18)
        return Handed(handed.train, blurred(handed.test, test))

    def test_it_names_the_rows_and_what_was_changed(self) -> None:
        handed, train, test = copied(parted(table(Task.BINARY, n=ROWS)), 18)
        [finding] = look_at(self.check, Handed(handed.train, blurred(handed.test, test)))
        assert finding.severity is Severity.WARN
        assert f1(finding, train, test) > 0.85
        assert {"a", "b", "c"} <= {*finding.evidence["columns changed in them"]}

    @pytest.mark.parametrize("way", ["case", "rounding", "another value"])
    def test_a_copy_is_known_however_it_was_changed(self, way: str) -> None:
        frame = table(Task.BINARY, n=1500)
        frame["d"], frame["e"] = np.random.default_rng(5).normal(size=(2, len(frame)))
        handed, train, test = copied(parted(frame), 30)
        rows = handed.test.copy()
        if way == "case":
            rows.loc[test, "kind"] = " " + rows.loc[test, "kind"].str.upper()
        elif way == "rounding":
            rows.loc[test, ["a", "b", "c", "d"]] = rows.loc[test, ["a", "b", "c", "d"]].round(2)
        else:
            rows.loc[test, "a"] = np.random.default_rng(2).normal(size=len(test))
        [finding] = look_at(self.check, Handed(handed.train, rows))
        assert f1(finding, train, test) > 0.8

    def test_near_twins_that_training_has_among_its_own_are_natural(self) -> None:
        frame = table(Task.BINARY, n=500)
        twins = blurred(frame, np.arange(len(frame)))
        both = pd.concat([frame, twins], ignore_index=True).sample(frac=1, random_state=0)
        assert list(look_at(self.check, parted(both))) == []

    def test_a_survey_of_few_answers_is_natural(self) -> None:
        assert list(look_at(self.check, parted(answers(1500)))) == []


class TestOversampledBeforeSplit(HandedContract):
    check = OversampledBeforeSplit()
    tasks = (Task.BINARY, Task.MULTICLASS)

    def planted(self, task: Task) -> Handed:
        return parted(between(table(task, n=ROWS)).sample(frac=1, random_state=0))

    def test_rows_between_two_of_their_class_are_found_on_lines(self) -> None:
        [finding] = look_at(self.check, self.planted(Task.BINARY))
        assert finding.severity is Severity.WARN
        assert "lie on a line with two training rows of the class" in finding.title
        assert finding.evidence["share with columns shuffled"] == 0

    def test_rows_made_after_the_division_are_right(self) -> None:
        honest = parted(table(Task.BINARY, n=ROWS))
        made = Handed(between(honest.train), honest.test)
        assert list(look_at(self.check, made)) == []
        more = honest.train[honest.train["y"] == "yes"]
        again = Handed(pd.concat([honest.train, more, more], ignore_index=True), honest.test)
        assert list(look_at(self.check, again)) == []

    def test_the_table_before_proves_it(self) -> None:
        before = table(Task.BINARY, n=ROWS)
        noisy = before[before["y"] == "yes"].copy()
        noisy[["a", "b", "c"]] += np.random.default_rng(0).normal(scale=0.1, size=(len(noisy), 3))
        after = pd.concat([before, noisy]).sample(frac=1, random_state=0)
        [finding] = look_at(self.check, parted(after, before=before))
        assert "are not in the table before it was divided" in finding.title
        is_made = ~parted(after).test["a"].isin(before["a"])
        assert {*finding.rows["test"]} == {*np.flatnonzero(is_made)}
        assert list(look_at(self.check, parted(before, before=before))) == []

    def test_copies_of_one_class_are_told_from_natural_ones(self) -> None:
        frame = table(Task.BINARY, n=ROWS)
        more = frame[frame["y"] == "yes"]
        again = pd.concat([frame, more]).sample(frac=1, random_state=0)
        [finding] = look_at(self.check, parted(again))
        assert "are copies of training rows of the class" in finding.title
        assert all("yes" in str(parted(again).test["y"][row]) for row in finding.rows["test"])
        assert list(look_at(self.check, parted(answers(1500)))) == []


def between(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with as many rows again of a class, each between two rows of it."""
    random = np.random.default_rng(3)
    frame = frame.assign(b=frame["b"].fillna(frame["b"].median()), whole=frame["whole"] * 1.0)
    rare = frame[frame["y"] == frame["y"].value_counts().index[-1]].reset_index(drop=True)
    names = ["a", "b", "c", "whole"]
    here, there = random.permutation(len(rare)), random.permutation(len(rare))
    new = rare.iloc[here].copy()
    at = random.random((len(rare), 1))
    cells = rare[names].to_numpy()
    new[names] = cells[here] + at * (cells[there] - cells[here])
    return pd.concat([frame, new], ignore_index=True)


class TestConflictingLabels(HandedContract):
    check = ConflictingLabels()
    tasks = (Task.BINARY, Task.MULTICLASS)

    def planted(self, task: Task) -> Handed:
        return contradicted(table(task, n=ROWS), 10)[0]

    def test_it_names_both_rows_of_each_conflict(self) -> None:
        handed, train = contradicted(table(Task.BINARY, n=ROWS), 10)
        [finding] = look_at(self.check, handed)
        assert finding.severity is Severity.WARN
        assert f1(finding, train, np.array([], dtype=int)) == 1
        assert finding.effect is not None
        assert "at least 10 of" in finding.effect

    def test_repeats_with_one_label_and_a_survey_are_no_conflict(self) -> None:
        frame = table(Task.BINARY, n=ROWS)
        again = pd.concat([frame, frame.iloc[:60]], ignore_index=True)
        assert list(look_at(self.check, parted(again))) == []
        survey = answers(1500)
        assert survey.groupby([*survey.columns[:-1]])["y"].nunique().max() == 2
        assert list(look_at(self.check, parted(survey))) == []

    def test_labels_turned_over_in_a_survey_are_found(self) -> None:
        handed, _ = contradicted(answers(1500), 400)
        [finding] = look_at(self.check, handed)
        assert finding.severity is Severity.WARN


def contradicted(frame: pd.DataFrame, n: int) -> tuple[Handed, np.ndarray]:
    """Training rows that are there again with another label, and the positions of all of them."""
    honest = parted(frame)
    classes = list(frame["y"].unique())
    again = honest.train.iloc[:n].copy()
    again["y"] = [classes[classes.index(each) - 1] for each in again["y"]]
    train = pd.concat([honest.train, again], ignore_index=True)
    rows = np.append(np.arange(n), np.arange(len(honest.train), len(train)))
    return Handed(train, honest.test), rows


class TestEvaluatedOnTrainingRows(HandedContract):
    check = EvaluatedOnTrainingRows()

    def planted(self, task: Task) -> Handed:
        train = parted(table(task, n=ROWS)).train
        return Handed(train, train.sample(150, random_state=0).reset_index(drop=True))

    def test_all_test_rows_are_named(self) -> None:
        [finding] = look_at(self.check, self.planted(Task.BINARY))
        assert finding.severity is Severity.BLOCK
        assert "150 test rows all are training rows" in finding.title
        assert finding.rows["test"] == tuple(range(150))
        assert look_at(DuplicatesAcrossParts(), self.planted(Task.BINARY)) == []

    def test_a_test_that_holds_training_and_more_is_found(self) -> None:
        frame = table(Task.BINARY, n=ROWS)
        [finding] = look_at(self.check, Handed(parted(frame).train, frame))
        assert finding.evidence["share of training rows in the test"] == 1

    def test_where_every_row_is_met_again_by_nature_nothing_is_said(self) -> None:
        random = np.random.default_rng(0)
        frame = pd.DataFrame(random.integers(0, 2, size=(900, 4)), columns=list("abcd"))
        assert list(look_at(self.check, parted(frame.assign(y=random.integers(0, 2, 900))))) == []


class TestRolesOfHandedParts:
    check = DeclaredRoleAcrossParts()

    def test_a_declared_group_in_both_parts_blocks(self) -> None:
        frame = grouped(Task.BINARY, n=600)
        settings = {"roles": {"group": "patient"}}
        train, test = parted(frame).train, parted(frame).test
        [finding] = look_at(self.check, Handed(train, test, settings=settings))
        assert (finding.severity, finding.columns) == (Severity.BLOCK, ("patient",))
        assert "GroupShuffleSplit" in finding.mend
        in_both = {*train["patient"]} & {*test["patient"]}
        assert finding.rows["test"] == tuple(np.flatnonzero(test["patient"].isin(in_both)))
        is_test = frame["patient"] < "p4"
        whole = [frame[part].reset_index(drop=True) for part in (~is_test, is_test)]
        assert look_at(self.check, Handed(*whole, settings=settings)) == []

    def test_a_time_that_goes_on_in_training_blocks_but_not_at_one_moment(self) -> None:
        frame = recorded(Task.BINARY, n=600).sort_values("taken", ignore_index=True)
        settings = {"roles": {"time": "taken"}}
        later = parted(frame)
        assert look_at(self.check, Handed(later.train, later.test, settings=settings)) == []
        together = later.test.assign(taken=later.test["taken"].mask(later.test.index == 0))
        together.loc[0, "taken"] = later.train["taken"].max()
        assert look_at(self.check, Handed(later.train, together, settings=settings)) == []
        mixed = parted(frame.sample(frac=1, random_state=0))
        [finding] = look_at(self.check, Handed(mixed.train, mixed.test, settings=settings))
        assert (finding.severity, finding.columns) == (Severity.BLOCK, ("taken",))
        assert "are later than the test begins" in finding.title

    def test_where_whole_groups_were_divided_the_time_is_a_question(self) -> None:
        frame = grouped(Task.BINARY, n=600).assign(day=np.arange(600) % 97)
        is_test = frame["patient"] < "p4"
        parts = [frame[part].reset_index(drop=True) for part in (~is_test, is_test)]
        settings = {"roles": {"group": "patient", "time": "day"}}
        [finding] = look_at(self.check, Handed(*parts, settings=settings))
        assert (finding.severity, finding.columns) == (Severity.ASK, ("day",))


class TestWhatHandedPartsLeaveOpen:
    def test_groups_are_asked_about_only_if_they_are_torn(self) -> None:
        frame = grouped(Task.BINARY)
        [finding] = look_at(UndeclaredGroups(), parted(frame))
        assert (finding.severity, finding.columns) == (Severity.ASK, ("patient",))
        is_test = frame["patient"] < "p3"
        whole = [frame[part].reset_index(drop=True) for part in (~is_test, is_test)]
        assert list(look_at(UndeclaredGroups(), Handed(*whole))) == []
        followed = parted(frame, series="patient")
        assert list(look_at(UndeclaredGroups(), followed)) == []

    def test_time_is_asked_about_only_if_the_test_is_not_later(self) -> None:
        frame = recorded(Task.BINARY)
        [finding] = look_at(UndeclaredTimeOrder(), parted(frame))
        assert (finding.severity, finding.columns) == (Severity.ASK, ("taken",))
        later = parted(frame.sort_values("taken"))
        assert list(look_at(UndeclaredTimeOrder(), later)) == []
        unrelated = recorded(Task.BINARY, is_real=False)
        assert list(look_at(UndeclaredTimeOrder(), parted(unrelated))) == []
