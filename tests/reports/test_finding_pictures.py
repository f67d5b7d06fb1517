"""The picture of a finding: drawn, described, and not needed."""

from __future__ import annotations

import json
from dataclasses import replace

from assay.findings import Finding
from assay.reports.finding_pictures import pictures
from assay.reports.page import render
from tests.reports import builders
from tests.reports.markup import Markup


def test_only_those_that_have_one_are_drawn() -> None:
    drawn = pictures(builders.findings())
    assert [each is not None for each in drawn] == [False, False, True, False]
    [plot] = [each for each in drawn if each is not None]
    assert "train, test" in plot.description
    assert [each.text for each in plot.notes] == ["train", "test"]


def test_a_gap_in_a_line_is_no_point_of_it() -> None:
    [plot] = [each for each in pictures(builders.findings()) if each is not None]
    train, _, test, _ = plot.marks
    assert train.path.count("L") == 3
    assert test.path.count("L") == 2


def test_the_page_shows_it_with_its_places() -> None:
    seen = Markup(render(builders.binary())).seen
    assert "Test rows lie higher." in seen
    assert "fit.py:12:1" in seen


def test_it_survives_json() -> None:
    for finding in builders.findings():
        told = json.loads(json.dumps(finding.as_dict()))
        again = Finding.from_dict(told)
        assert repr(again) == repr(finding)
        assert replace(again, picture=None) == replace(finding, picture=None)
