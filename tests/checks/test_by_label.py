"""Checks of a multilabel table: each label is a target; what is found of several is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.checks.base import View
from assay.checks.builtin import CHECKS
from assay.checks.by_label import ALIKE, MOST_LABELS, each_label
from assay.checks.run import CheckResults, run_checks
from assay.data.preparation import prepare
from assay.data.schema import Role, Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.findings import Finding, NotApplicable, Severity
from tests.checks.planting import grouped, sayings
from tests.contracts.checks import view_of
from tests.tables import LABELS, table


def seen(frame: pd.DataFrame, target: str | Sequence[str] = LABELS) -> View:
    asked = DataSettings(source="t", target=target if isinstance(target, str) else tuple(target))
    return view_of(prepare(from_frame(frame), asked, "t"))


def checked(frame: pd.DataFrame, *codes: str) -> CheckResults:
    return run_checks(seen(frame), [each for each in CHECKS if each.code in codes or not codes])


def many(n_labels: int, n: int = 400) -> pd.DataFrame:
    """The features of the table, and labels by chance; of the first many rows have them."""
    random = np.random.default_rng(5)
    shares = np.linspace(0.5, 0.05, n_labels)
    held = (random.random((n, n_labels)) < shares).astype(int)
    labels = pd.DataFrame(held, columns=[f"l{j:03}" for j in range(n_labels)])
    return pd.concat([table(Task.MULTILABEL, n).drop(columns=[*LABELS]), labels], axis=1)


@dataclass(frozen=True)
class Told:
    """A check of somebody else's, that says nothing of what it reads.

    Attributes:
        by: What it finds in a view, by label.
        views: Those that it was shown.
    """

    by: Mapping[str, Sequence[Finding] | NotApplicable]
    views: list[View]
    code: str = "XX001"
    name: str = "told"

    def __call__(self, view: View, settings: Mapping[str, Any]) -> Any:
        self.views.append(view)
        return self.by.get(view.schema.target, [])


def finding(strength: float, column: str = "a", **more: Any) -> Finding:
    return Finding("XX001", Severity.ASK, f"{column} is odd.", {"odds": strength}, "mend it",
                   columns=(column,), **more)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_an_honest_table_is_silent(seed: int) -> None:
    said = sayings(1200, seed)
    dates = pd.date_range("2024-01-01", periods=1200)[np.random.default_rng(seed).permutation(1200)]
    found = checked(table(Task.MULTILABEL, 1200, seed).assign(said=said, born=dates))
    assert found.findings == ()
    assert {"AS101", "AS102", "AS103", "AS202", "AS203"} <= {*found.passed, *found.not_applicable}
    assert {"AS101", "AS102", "AS103", "AS202"} <= {*found.passed}


def test_a_feature_that_nearly_gives_a_label_is_asked_about() -> None:
    frame = table(Task.MULTILABEL).rename(columns={"y2": "wet"})
    blur = np.random.default_rng(1).normal(scale=0.1, size=len(frame))
    view = seen(frame.assign(leak=frame["wet"] + blur), ("y1", "wet", "y3"))
    [found] = run_checks(view, [each for each in CHECKS if each.code == "AS101"]).findings
    assert (found.severity, found.columns) == (Severity.ASK, ("leak",))
    share = found.evidence["explained alone"]
    assert share > 0.8
    assert found.title == f"'leak' alone explains {share:.0%} of label 'wet'."


def test_a_copy_of_a_label_blocks() -> None:
    frame = table(Task.MULTILABEL)
    [found] = checked(frame.assign(copy=np.where(frame["y3"] == 1, "J", "N")), "AS102").findings
    assert found.severity is Severity.BLOCK
    assert found.title == "'copy' is label 'y3' under another name."


def test_a_mark_in_a_text_names_the_label_that_it_says() -> None:
    frame = table(Task.MULTILABEL, 1200).assign(said=sayings(1200))
    frame.loc[(frame["y2"] == 1) & (frame["a"] > 0), "said"] += "\n--\nFiled by the harbour desk"
    [found] = checked(frame, "AS103").findings
    assert found.title.endswith(
        "says label 'y2' by itself, such as the line 'filed by the harbour desk'."
    )
    assert "of 'y2', " in found.evidence["marks"][0]


def test_groups_that_tear_labels_apart_are_asked_about_once() -> None:
    frame = grouped(Task.MULTILABEL)
    [found] = checked(frame.assign(y2=frame["y1"]), "AS202").findings
    assert found.columns == ("patient",)
    assert "(labels 'y1', 'y2')." in found.title
    assert found.effect is not None
    assert "of label 'y1' instead of" in found.effect
    assert found.evidence["labels"] == ["y1", "y2"]
    [other] = found.evidence["of other labels"]
    assert other.startswith("y2: With every patient wholly held out")


def test_a_list_of_labels_is_looked_at_as_columns_of_them_are() -> None:
    frame = table(Task.MULTILABEL)
    frame["copy"] = np.where(frame["y1"] == 1, "J", "N")
    frame["tags"] = [[name for name in LABELS if row[name]] for _, row in frame.iterrows()]
    view = seen(frame.drop(columns=[*LABELS]), "tags")
    [found] = [each for each in run_checks(view, CHECKS).findings if each.code == "AS102"]
    assert found.title == "'copy' is label 'y1' under another name."


def test_a_view_of_a_label_is_one_of_a_binary_task() -> None:
    frame = table(Task.MULTILABEL).rename(columns={"y3": "wet"})
    view = seen(frame, ("y1", "y2", "wet"))
    shown = {each.schema.target: each for each in each_label(view)}["wet"]
    assert (shown.schema.task, shown.schema.classes) == (Task.BINARY, ("not wet", "wet"))
    assert shown.predicted == "label 'wet'"
    codes = shown.schema.codes(shown.train.known_target)
    assert view.schema.classes[0] == "wet"
    np.testing.assert_array_equal(codes, view.train.known_target[:, 0])
    assert shown.raw_train["wet"].to_pylist() == shown.train.known_target.tolist()
    [target] = [each for each in shown.schema.columns if each.role is Role.TARGET]
    assert (target.name, target.n_distinct) == ("wet", 2)
    assert "labels" not in shown.raw_train.column_names
    assert shown.test is not None
    assert shown.test.target is None
    assert shown.test.schema == shown.schema


def test_a_label_called_like_a_column_is_told_apart() -> None:
    frame = table(Task.MULTILABEL)
    frame["tags"] = [["a"] if one else ["b"] for one in frame["y1"]]
    views = each_label(seen(frame.drop(columns=[*LABELS]), "tags"))
    assert {each.schema.target for each in views} == {"tags: a", "tags: b"}
    assert {each.predicted for each in views} == {"label 'a'", "label 'b'"}
    for each in views:
        assert len({*each.raw_train.column_names}) == len(each.raw_train.column_names)


def test_what_is_found_of_several_labels_is_said_once_as_of_the_plainest() -> None:
    odd = {"y1": [finding(0.2)], "y3": [finding(0.7), finding(0.1, "b")]}
    found = run_checks(seen(table(Task.MULTILABEL)), [Told(odd, [])]).findings
    titles = {each.title: each.evidence for each in found}
    assert set(titles) == {"a is odd (labels 'y3', 'y1').", "b is odd (label 'y3')."}
    told = titles["a is odd (labels 'y3', 'y1')."]
    assert told["odds"] == 0.7
    assert told["of other labels"] == ["y1: a is odd."]


def test_the_same_of_every_label_is_no_matter_of_labels() -> None:
    two = [finding(0.2), replace(finding(0.2), title="a is even.")]
    found = run_checks(seen(table(Task.MULTILABEL)), [Told(dict.fromkeys(LABELS, two), [])])
    assert [*found.findings] == two
    frame = many(12)
    names = [name for name in frame if name.startswith("l")]
    found = run_checks(seen(frame, names), [Told(dict.fromkeys(names, two), [])])
    assert [*found.findings] == two


def test_a_check_does_not_apply_only_if_it_does_so_to_no_label() -> None:
    view = seen(table(Task.MULTILABEL))
    no = NotApplicable("too dry")
    partly = run_checks(view, [Told({"y1": no, "y2": no}, [])])
    assert (partly.passed, partly.not_applicable) == (("XX001",), {})
    never = run_checks(view, [Told(dict.fromkeys(LABELS, no), [])])
    assert (never.passed, never.not_applicable) == ((), {"XX001": "too dry"})


def test_one_that_breaks_at_a_label_is_heard_at_the_others() -> None:
    class Breaking(Told):
        def __call__(self, view: View, settings: Mapping[str, Any]) -> Any:
            if view.label == "y1":
                raise KeyError("wind")
            return super().__call__(view, settings)

    found = run_checks(seen(table(Task.MULTILABEL)), [Breaking({"y2": [finding(0.3)]}, [])])
    assert [each.title for each in found.findings] == [
        "The check told broke, so this was not looked at (label 'y1').",
        "a is odd (label 'y2').",
    ]


def test_of_many_labels_the_most_even_are_looked_at_and_it_says_so() -> None:
    frame = many(30)
    names = [name for name in frame if name.startswith("l")]
    rare = {f"l{j:03}": [finding(0.1, "b")] for j in (1, 29)}
    told = Told(rare, [])
    [found] = run_checks(seen(frame, names), [told]).findings
    assert len(told.views) == MOST_LABELS
    assert "l029" not in {each.label for each in told.views}
    assert found.title == "b is odd (label 'l001')."
    assert found.evidence["labels looked at"] == (
        "20 of 30, those that divide the rows most evenly"
    )


def test_a_mistake_that_every_label_shows_is_not_looked_for_in_all() -> None:
    frame = many(12)
    names = [name for name in frame if name.startswith("l")]
    told = Told({name: [finding(float(number))] for number, name in enumerate(names)}, [])
    [found] = run_checks(seen(frame, names), [told]).findings
    assert len(told.views) == ALIKE
    assert found.evidence["labels looked at"].startswith(f"{ALIKE} of 12, ")
    assert found.title.count("'l") == 3
    assert found.title.endswith(" and 2 more).")


def test_a_check_that_reads_no_target_is_shown_the_whole_view_once() -> None:
    class Blind(Told):
        reads_target = False

    blind, view = Blind({}, []), seen(table(Task.MULTILABEL))
    run_checks(view, [blind])
    assert blind.views == [view]


def test_labels_that_all_rows_share_are_nothing_to_look_at() -> None:
    view = seen(table(Task.MULTILABEL))
    same = replace(view, train=replace(view.train, target=np.ones_like(view.train.known_target)))
    found = run_checks(same, [Told({}, [])])
    assert found.not_applicable == {"XX001": "every row has the same labels"}
