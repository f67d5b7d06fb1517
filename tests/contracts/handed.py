"""What a check of handed-over evidence owes; its test inherits this and plants its mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from assay.checks.base import Check, Given, View
from assay.checks.builtin import CODES
from assay.data.handed_over import hand_over
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.findings import Finding, NotApplicable
from tests.contracts.checks import DOCS, HEADINGS
from tests.tables import table, target_in


@dataclass(frozen=True)
class Handed:
    """Training and test rows, and what is handed over beside them: fields of `Given`.

    Data frames among `given` become settled tables.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    given: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def parted(frame: pd.DataFrame, share: float = 0.3, **given: Any) -> Handed:
    """The rows of a table in their order, the last of them for the test."""
    first = round(len(frame) * (1 - share))
    train, test = frame.iloc[:first], frame.iloc[first:]
    return Handed(train.reset_index(drop=True), test.reset_index(drop=True), given)


def view_of_handed(handed: Handed, task: Task | None = None) -> View:
    """What a check may see of it."""
    settings = DataSettings(
        source="t", target=target_in(handed.train), task=task, **handed.settings
    )
    both = hand_over(from_frame(handed.train), from_frame(handed.test), settings, "t")
    told = {
        name: from_frame(each) if isinstance(each, pd.DataFrame) else each
        for name, each in handed.given.items()
    }
    stored = [pa.Schema.from_pandas(each) for each in (handed.train, handed.test)]
    given = Given(train=stored[0], test=stored[1], **told)
    return View(both.schema, both.train, both.test, both.raw_train, both.raw_test, given=given)


def look_at(check: Check, handed: Handed, task: Task | None = None) -> Sequence[Finding]:
    """What a check finds; not to be applicable counts as nothing."""
    found = check(view_of_handed(handed, task), {})
    return [] if isinstance(found, NotApplicable) else found


class HandedContract:
    """Inherit, name the check, and plant its mistake."""

    check: Check
    tasks: Sequence[Task] = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)
    """What it looks at: its tests are run with each as `task` (`tests/contracts/conftest.py`)."""

    def honest(self, task: Task) -> Handed:
        """Evidence without the mistake."""
        return parted(table(task, n=600))

    def planted(self, task: Task) -> Handed:
        """Evidence that has the mistake."""
        raise NotImplementedError

    def test_its_code_is_listed_once_and_has_a_page(self) -> None:
        code = self.check.code
        assert re.fullmatch(r"AS\d{3}", code)
        assert list(CODES).count(code) == 1
        assert isinstance(self.check, Check)
        page = (DOCS / f"{code}.md").read_text()
        assert page.startswith(f"# {code} {self.check.name}\n")
        assert re.findall("^## .*", page, re.MULTILINE) == HEADINGS

    def test_honest_evidence_is_passed(self, task: Task) -> None:
        assert list(look_at(self.check, self.honest(task), task)) == []

    def test_the_planted_mistake_is_found(self, task: Task) -> None:
        found = look_at(self.check, self.planted(task), task)
        assert found
        for finding in found:
            assert finding.code == self.check.code
            assert finding.title.endswith(".")
            assert finding.evidence
            assert finding.mend
            assert Finding.from_dict(json.loads(json.dumps(finding.as_dict()))) == finding

    def test_it_is_deterministic(self, task: Task) -> None:
        view = view_of_handed(self.planted(task), task)
        assert self.check(view, {}) == self.check(view, {})

    def test_without_the_evidence_it_says_so_or_finds_nothing(self, task: Task) -> None:
        view = view_of_handed(self.honest(task), task)
        alone = View(view.schema, view.train, None, view.raw_train, None)
        found = self.check(alone, {})
        assert isinstance(found, NotApplicable) or list(found) == []
