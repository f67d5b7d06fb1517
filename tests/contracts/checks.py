"""What every check owes; a check's test inherits this and plants its mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.checks.base import Check, View
from assay.checks.builtin import CODES
from assay.checks.by_label import Found, each_label, looked_by_label, reads_target
from assay.data.preparation import Prepared, prepare
from assay.data.schema import Kind, Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.findings import Finding, NotApplicable
from tests.tables import LABELS, table, target_in

DOCS = Path(__file__).parents[2] / "docs" / "checks"
HEADINGS = [
    "## What it measures",
    "## Why it matters",
    "## Example",
    "## What to do",
    "## What it cannot see",
]
"""Of the page of a check, in their order."""


def view_of(data: Prepared) -> View:
    """What a check may see of prepared data."""
    return View(data.schema, data.development, data.test, data.raw_development, data.raw_test)


def look(
    check: Check, frame: pd.DataFrame, task: Task | None = None, **settings: Any
) -> Sequence[Finding]:
    """What a check finds in a table; not to be applicable counts as nothing.

    The target is 'y', or the labels 'y1', 'y2' and 'y3' where the table has them.
    """
    asked = DataSettings(source="t", target=target_in(frame), task=task, **settings)
    view = view_of(prepare(from_frame(frame), asked, "t"))

    def look_at(one: View) -> Found:
        return check(one, {})

    by_label = view.schema.task is Task.MULTILABEL and reads_target(check)
    found = looked_by_label(look_at, view, each_label(view)) if by_label else look_at(view)
    return [] if isinstance(found, NotApplicable) else found


class CheckContract:
    """Inherit, name the check, and plant its mistake."""

    check: Check
    settings: Mapping[str, Any] = {}
    """The `data` block, where the mistake lies in it."""

    def honest(self, task: Task) -> pd.DataFrame:
        """A table without the mistake."""
        return table(task)

    def planted(self, task: Task) -> pd.DataFrame:
        """A table that has the mistake, and otherwise the honest one."""
        raise NotImplementedError

    def test_its_code_is_listed_once_and_has_a_page(self) -> None:
        code = self.check.code
        assert re.fullmatch(r"AS\d{3}", code)
        assert list(CODES).count(code) == 1
        assert isinstance(self.check, Check)
        page = (DOCS / f"{code}.md").read_text()
        assert page.startswith(f"# {code} {self.check.name}\n")
        assert re.findall("^## .*", page, re.MULTILINE) == HEADINGS

    @pytest.mark.parametrize("task", list(Task))
    def test_an_honest_table_is_passed(self, task: Task) -> None:
        assert list(look(self.check, self.honest(task), **self.settings)) == []

    @pytest.mark.parametrize("task", list(Task))
    def test_the_planted_mistake_is_found(self, task: Task) -> None:
        found = look(self.check, self.planted(task), **self.settings)
        assert found
        for finding in found:
            assert finding.code == self.check.code
            assert finding.title.endswith(".")
            assert finding.evidence
            assert finding.mend
            again = Finding.from_dict(json.loads(json.dumps(finding.as_dict())))
            assert again == finding

    @pytest.mark.parametrize("task", list(Task))
    def test_the_order_of_columns_does_not_matter(self, task: Task) -> None:
        frame = self.planted(task)
        found = look(self.check, frame, **self.settings)
        turned = look(self.check, frame[frame.columns[::-1]], **self.settings)
        assert sorted(map(repr, turned)) == sorted(map(repr, found))

    def test_one_that_reads_no_target_finds_the_same_without_it(self) -> None:
        """So a multilabel task may show it the whole view, and all others one label at a time."""
        if reads_target(self.check):
            return
        asked = DataSettings(source="t", target=LABELS, **self.settings)
        data = prepare(from_frame(self.planted(Task.MULTILABEL)), asked, "t")
        view = view_of(data)
        raw = data.raw_development.drop_columns([data.schema.target])
        blind = replace(view, train=replace(data.development, target=None), raw_train=raw)
        found = self.check(view, {})
        assert found
        assert self.check(blind, {}) == found

    def test_it_is_deterministic_and_changes_nothing(self) -> None:
        frame = self.planted(Task.BINARY)
        data = prepare(from_frame(frame), DataSettings(source="t", target="y"), "t")
        view = view_of(data)
        before = view.train.features.copy(), view.raw_train
        assert self.check(view, {}) == self.check(view, {})
        assert view.train.features.equals(before[0])
        assert view.raw_train.equals(before[1])

    def test_it_survives_what_tables_can_be(self) -> None:
        frame = self.honest(Task.BINARY).assign(empty=None, same=1)
        words = np.random.default_rng(0).choice(["bread", "water", "stone"], (len(frame), 7))
        frame["said"] = [" ".join([*row, str(number)]) for number, row in enumerate(words)]
        frame["when"] = pd.date_range("2024-01-01", periods=len(frame)).strftime("%d.%m.%Y")
        look(self.check, frame, **self.settings)
        look(self.check, frame.sample(24, random_state=0), **self.settings)
        data = prepare(from_frame(frame), DataSettings(source="t", target="y"), "t")
        assert {each.kind for each in data.schema.features} >= {Kind.TEXT, Kind.DATETIME}
        alone = View(data.schema, data.development, None, data.raw_development, None)
        self.check(alone, {})

    def test_test_targets_are_out_of_its_reach(self) -> None:
        data = prepare(
            from_frame(self.planted(Task.BINARY)), DataSettings(source="t", target="y"), "t"
        )
        view = view_of(data)
        assert view.test is not None
        assert view.raw_test is not None
        assert view.test.target is None
        assert "y" not in view.raw_test.column_names
