"""A run by segment: the role takes a column off the features, and its result is kept and shown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score

import assay
from assay import publishing
from assay.begun import begin
from assay.checks.run import CheckResults
from assay.cli.summary import show_run
from assay.data.preparation import prepare
from assay.data.schema import Role, Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError
from assay.estimates import Estimate
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import from_table
from assay.experiment import load_experiment
from assay.experiment.asking import ask
from assay.findings import Severity
from assay.monitor import silent
from assay.reports.content import ReportContent
from assay.reports.page import render
from assay.reports.segment_verdicts import on_sealed
from assay.reports.segments import segment_part
from assay.run import Run, write_run
from assay.segmenting import by_segment
from assay.tracking.memory import MemoryStore
from assay.tracking.notes import opening
from tests.reports import builders
from tests.reports.markup import Markup
from tests.tables import table


def spoilt(n: int = 1500) -> pd.DataFrame:
    """The table with places, in one of which labels are wrong."""
    random = np.random.default_rng(3)
    frame = table(Task.BINARY, n)
    frame["place"] = random.choice(["north", "south", "east"], n)
    frame["shift"] = random.choice(["day", "night"], n)
    wrong = (frame["place"] == "east") & (random.random(n) < 0.4)
    frame["y"] = np.where(wrong, np.where(frame["y"] == "yes", "no", "yes"), frame["y"])
    return frame


def trained(task: Task, frame: pd.DataFrame, roles: dict, store: MemoryStore) -> Run:
    return assay.train(
        frame,
        target="y",
        learner="linear",
        settings={
            "name": "places",
            "data": {"task": task.value, "roles": roles},
            "training": {"seeds": 1},
            "evaluation": {"resamples": 200},
            "checks": {"accept": {"AS502": "known"}},
        },
        store=store,
    )


def test_a_declared_segment_is_judged_told_recorded_and_shown() -> None:
    store = MemoryStore()
    run = trained(Task.BINARY, spoilt(), {"segments": ["place", "shift"]}, store)
    roles = {each.name: each.role for each in run.schema.columns}
    assert roles["place"] is roles["shift"] is Role.SEGMENT
    assert not {"place", "shift"} & {each.name for each in run.schema.features}
    assert not {"place", "shift"} & {each.feature for each in run.importance}
    assert [each.columns for each in run.segments.divisions] == [
        ("place",), ("shift",), ("place", "shift"),
    ]  # fmt: skip
    assert run.segments.divisions[0].segments[0].definition == "place = east"
    by_code = {each.code: each for each in run.findings}
    assert by_code["AS501"].title == "The model is worse where place = east than on the rest."
    assert by_code["AS501"].columns == ("place",)
    assert by_code["AS502"].accepted == "known"
    assert {"AS501", "AS502"} <= {each.code for each in store.findings(run.run_id)}
    again = assay.evaluate(run.run_id, store=store)
    assert again.segments == run.segments
    page = run.report.read_text()
    assert '<section id="segments"' in page
    assert "place = east" in page
    assert re.search(r"Demographic parity: selection rates differ by 0\.\d+ \(", page)


def test_sealed_rows_judge_the_segments_of_training(tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(Task.BINARY, spoilt(), {"segments": ["place", "shift"]}, store)
    looked = assay.evaluate(run, on="test", store=store)
    sealed = looked.test.segments
    outcome = from_table(store.table(run.run_id, "test"), run.schema)
    places = spoilt()["place"].to_numpy()[outcome.rows]
    [place, *_] = sealed.divisions
    assert place.columns == ("place",)
    assert {each.definition for each in place.segments} == {
        each.definition for each in run.segments.divisions[0].segments
    }
    for each in place.segments:
        rows = places == each.definition.removeprefix("place = ")
        expected = roc_auc_score(outcome.truth[rows], outcome.probabilities[rows, 1])
        assert (each.n, each.estimate.value) == (rows.sum(), pytest.approx(expected))
    assert place.segments[0].definition == "place = east"
    assert place.segments[0].is_worse
    assert [each.definition for each in sealed.weak] == [
        each.definition for each in run.segments.weak
    ]
    weak, *_ = sealed.weak
    assert weak.definition == "place = east"
    right = (outcome.truth == outcome.decided)[places == "east"]
    assert (weak.n, weak.value) == (len(right), pytest.approx(right.mean()))
    read = Run.from_dict(json.loads(write_run(looked, tmp_path).read_text()))
    assert read.test == looked.test
    said = on_sealed(looked.test)
    assert re.search(r"worse than the rest beyond chance,( most of all)? place = east", said)
    assert said in Markup(looked.report.read_text()).seen
    written = StringIO()
    show_run(looked, Console(file=written, width=500, highlight=False))
    assert said in written.getvalue()


def test_the_summary_says_the_same_by_the_same_names() -> None:
    store = MemoryStore()
    run = trained(Task.BINARY, spoilt(), {"segments": ["place", "shift"]}, store)
    looked = assay.evaluate(run, on="test", store=store)
    for each, found in ((run, run.segments), (looked, looked.test.segments)):
        told = json.loads(json.dumps(each.summary(), allow_nan=False))["segments"]
        for name in ("metric", "n", "level", "measure", "tried", "reason"):
            assert told[name] == getattr(found, name)
        assert [division["name"] for division in told["divisions"]] == [
            "place", "shift", "place and shift",
        ]  # fmt: skip
        [place, *_] = told["divisions"]
        known = found.divisions[0]
        assert place["gap"]["estimate"] == known.gap.estimate.as_dict()
        assert (place["gap"]["high"], place["gap"]["low"]) == (known.gap.high, known.gap.low)
        for said, segment in zip(place["segments"], known.segments, strict=True):
            for name in ("definition", "n", "share", "is_worse"):
                assert said[name] == getattr(segment, name)
            assert said["estimate"] == segment.estimate.as_dict()
            assert said["difference"] == segment.difference.as_dict()
            [criterion] = said["criteria"]
            level = segment.definition.removeprefix("place = ")
            assert (criterion["column"], criterion["levels"]) == ("place", [level])
        assert [said["is_worse"] for said in place["segments"]] == [True, False, False]
        for said, weak in zip(told["weak"], found.weak, strict=True):
            for name in ("definition", "n", "value", "rest", "expected", "is_worse"):
                assert said[name] == getattr(weak, name)
            assert said["difference"] == weak.difference.as_dict()
    assert replace(run, segments=None).summary()["segments"] is None


def test_a_page_drawn_after_more_looks_has_wider_segments() -> None:
    store = MemoryStore()
    run, other = (
        trained(Task.BINARY, spoilt(1000), {"segments": ["place"]}, store) for _ in range(2)
    )
    first = assay.evaluate(run, on="test", store=store).test.segments
    assay.evaluate(other, on="test", store=store)
    last = assay.evaluate(other, on="test", store=store)
    wider = last.test.segments
    assert (first.level, wider.level) == (0.95, pytest.approx(1 - 0.05 / 6))
    drawn = Markup(assay.report(run, store=store).read_text()).seen
    assert on_sealed(last.test) in drawn
    apart = [each.divisions[0].segments[0].difference for each in (first, wider)]
    assert apart[1].high - apart[1].low > apart[0].high - apart[0].low


def test_what_breaks_there_loses_no_look() -> None:
    store = MemoryStore()
    run = trained(Task.BINARY, spoilt(500), {"segments": ["place"]}, store)
    looked = assay.evaluate(run, on="test", store=store)
    outcome = from_table(store.table(run.run_id, "test"), run.schema)
    announced = from_table(store.table(run.run_id, run.announced_table), run.schema)
    without = from_frame(spoilt(500).drop(columns="place")).take(outcome.rows)
    test = publishing.tested(run, outcome, announced, 1, ("Odd.",), without).test
    assert (test.evaluation, test.segments) == (looked.test.evaluation, None)
    odd, broke = test.notes
    assert odd == "Odd."
    assert broke.startswith("Judging the sealed rows by segment broke (")
    assert "place" in broke
    assert broke.endswith("): please report it.")


def test_a_date_of_another_form_in_a_sealed_segment_counts_as_missing() -> None:
    frame = table(Task.BINARY, 600)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(600) % 3, "D")
    frame["day"] = days.strftime("%d.%m.%Y")
    frame["part"] = np.where(np.arange(600) % 4 == 0, "test", "train")
    frame.loc[[0, 4], "day"] = "in spring"
    store = MemoryStore()
    run = assay.train(
        frame, target="y", learner="linear", store=store,
        settings={
            "data": {"roles": {"segments": ["day"]}, "split": {"by": "column", "column": "part"}},
            "training": {"seeds": 1},
        },
    )  # fmt: skip
    test = assay.evaluate(run, on="test", store=store).test
    assert test.notes == ()
    [division] = test.segments.divisions
    assert division.left_out == 2
    assert {each.definition for each in division.segments} == {
        "day = 2026-01-01", "day = 2026-01-02", "day = 2026-01-03",
    }  # fmt: skip


def test_a_group_that_is_no_date_is_still_one_and_spoils_no_segment() -> None:
    frame = table(Task.BINARY, 600)
    is_test = np.arange(600) % 4 == 0
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(600) // 60 + 31 * is_test, "D")
    frame["batch"] = days.strftime("%d.%m.%Y")
    frame["place"] = np.where(np.arange(600) % 3 == 0, "north", "south")
    frame["part"] = np.where(is_test, "test", "train")
    frame.loc[[0, 4, 8], "batch"] = "unknown"
    store = MemoryStore()
    run = assay.train(
        frame, target="y", learner="linear", store=store,
        settings={
            "data": {
                "roles": {"group": "batch", "segments": ["place"]},
                "split": {"by": "column", "column": "part"},
            },
            "training": {"seeds": 1},
        },
    )  # fmt: skip
    assert ("batch",) in {each.columns for each in run.segments.divisions}
    test = assay.evaluate(run, on="test", store=store).test
    assert test.notes == ()
    assert [each.columns for each in test.segments.divisions] == [("place",)]
    clusters = from_table(store.table(run.run_id, "test"), run.schema).clusters
    assert len(np.unique(clusters)) == 11
    assert len(np.unique(clusters[:3])) == 1


def test_a_regression_is_compared_by_absolute_errors() -> None:
    frame = table(Task.REGRESSION, 600)
    frame["size"] = np.random.default_rng(1).lognormal(size=600)
    run = trained(Task.REGRESSION, frame, {"segments": "size"}, MemoryStore())
    assert run.evaluation.primary == "r2"
    assert run.segments.metric == "mae"
    [division] = run.segments.divisions
    assert len(division.segments) == 4
    assert division.parity is None
    assert sum(each.n for each in division.segments) == run.segments.n


def test_what_breaks_in_segments_loses_no_run() -> None:
    settings = {"data": {"roles": {"segments": ["place"]}}}
    asked = ask(spoilt(), target="y", learner="linear", settings=settings, overrides=())
    begun = begin(asked, opening("", ()), store=MemoryStore(), announce=silent)
    rows = begun.ready.data.development.rows[:500]
    undecided = Outcome(Task.BINARY, rows, np.zeros(500, dtype=np.int64), ("no", "yes"))
    before = CheckResults((), {}, ())
    segments, found = by_segment(begun.ready, undecided, before, begun.recorder)
    assert segments is None
    [said] = found.findings
    assert (said.code, said.severity) == ("AS502", Severity.WARN)
    assert said.title == "Judging the model by segment broke, so this was not looked at."
    assert said.evidence["error"]


def test_few_groups_divide_the_rows_too() -> None:
    frame = table(Task.BINARY, 600)
    frame["site"] = np.random.default_rng(1).choice(list("abcdef"), 600)
    run = trained(Task.BINARY, frame, {"group": "site"}, MemoryStore())
    [division] = run.segments.divisions
    assert division.columns == ("site",)
    assert all(each.estimate.reason == "only 1 group" for each in division.segments)


def test_a_segment_that_is_no_column_is_refused_with_the_one_that_was_meant() -> None:
    settings = DataSettings(source="t", target="y", roles={"segments": ["kinds"]})
    with pytest.raises(DataError, match=r"data\.roles\.segments names the column 'kinds'") as told:
        prepare(from_frame(table(Task.BINARY)), settings, "table")
    assert "segments: [kind]" in str(told.value)


def test_a_column_has_one_role(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "data: {source: a.csv, target: y, roles: {segments: [sex], ignore: [sex]}}\n"
        "model: {learner: linear}\n"
    )
    with pytest.raises(assay.AssayError, match=r"names 'sex', which data\.roles\.segments names"):
        load_experiment(path)


@pytest.fixture(scope="module")
def content() -> ReportContent:
    run = trained(Task.BINARY, spoilt(), {"segments": ["place"]}, MemoryStore())
    return replace(builders.binary(), segments=run.segments)


def test_the_part_says_what_was_found_and_how(content: ReportContent) -> None:
    part = segment_part(content)
    assert part.reading.startswith("1 of 3 declared segments is worse than the rest beyond chance,")
    [place] = part.shown
    assert place.plot.rows[0].name == "east"
    assert place.plot.rows[0].note.startswith("worse by ")
    assert place.counts[0].endswith(" rows")
    assert part.weak[0].definition.startswith("place = east")
    assert part.expects


def test_worse_segments_that_are_not_shown_are_counted(content: ReportContent) -> None:
    [place] = content.segments.divisions
    worse = place.segments[0]
    assert worse.is_worse
    many = replace(place, segments=(worse,) * 14)
    page = render(replace(content, segments=replace(content.segments, divisions=(many,))))
    assert "and 2 more, 2 of them worse." in page
    even = replace(place, segments=(worse,) * 12 + place.segments[1:])
    page = render(replace(content, segments=replace(content.segments, divisions=(even,))))
    assert "and 2 more, none of them worse." in page


def test_each_segment_stands_beside_itself_on_the_sealed_rows(content: ReportContent) -> None:
    [place], weak = content.segments.divisions, content.segments.weak[0]
    few = Estimate.without_interval(0.1, n=7, reason="only 7 rows in it")
    none = Estimate(0.01, -0.02, 0.03, n=90)
    better = Estimate(-0.2, -0.3, -0.1, n=90)
    for difference, said, told in (
        (weak.difference, "confirmed on ", "is confirmed on the sealed rows: worse by 0."),
        (
            none,
            "not confirmed on 90 rows",
            "not confirmed on the sealed rows: the difference of 0.0100 (",
        ),
        (
            better,
            "better than the rest on 90 rows",
            "not confirmed on the sealed rows: it is better there than the rest, "
            "by 0.200 (0.100 to 0.300).",
        ),
        (few, "cannot be told: only 7 rows in it", "rest of the sealed rows: only 7 rows in it."),
    ):
        there = replace(weak, difference=difference)
        sealed = replace(
            content.segments,
            weak=(there,),
            divisions=(replace(place, segments=place.segments[:2]),),
        )
        found = replace(content.segments, weak=(weak,))
        opened = builders.opened(replace(content, segments=found))
        opened = replace(opened, test=replace(opened.test, segments=sealed))
        part = segment_part(opened)
        assert part.weak[0].sealed.verdict.startswith(said)
        assert told in part.sealed
        [shown] = part.shown
        assert [text for text, _ in shown.sealed][2] == "sealed: no rows to compare"
        assert re.match(r"sealed 0\.\d+: worse by 0\.", shown.sealed[0][0])
        assert part.weak[0].sealed.verdict in render(opened)
        assert "On the sealed rows the widest gap in ROC AUC is 0." in shown.readings[-1]
        assert "looked at, on the sealed rows at 95 %." in part.note
    assert on_sealed(replace(opened.test, segments=None)) == ""
    worse = weak.difference
    for several, said in (
        ((none, worse), "1 of 2 is confirmed on the sealed rows."),
        ((worse, worse), "all 2 are confirmed on the sealed rows."),
        ((none, none), "none are confirmed on the sealed rows."),
        (
            (worse, none, few),
            "1 of 3 is confirmed on the sealed rows, 1 is not, and 1 cannot be told from the rest.",
        ),
        (
            (worse, few, few),
            "1 of 3 is confirmed on the sealed rows, and 2 cannot be told from the rest.",
        ),
        (
            (none, few),
            "none are confirmed on the sealed rows, and 1 cannot be told from the rest.",
        ),
    ):
        many = replace(sealed, weak=tuple(replace(weak, difference=each) for each in several))
        assert on_sealed(replace(opened.test, segments=many)).endswith(
            f" Of the weak segments found in training {said}"
        )
    untold = replace(sealed, weak=(replace(weak, difference=few),) * 2)
    assert on_sealed(replace(opened.test, segments=untold)).endswith(
        " None of the 2 weak segments found in training can be told from the rest of the sealed "
        "rows."
    )


def test_without_any_it_says_so(content: ReportContent) -> None:
    found = replace(content.segments, divisions=(), weak=(), tried=0)
    part = segment_part(replace(content, segments=found))
    assert part.reading == "No weak segment was found among the features."
    assert "none stood out" in part.discovery
    few = segment_part(replace(content, segments=replace(found, reason="9 rows are too few")))
    assert few.reading == "Weak segments were not looked for: 9 rows are too few."
    reason = "c = a stood out, but the other half has only 4 time blocks in it"
    untold = segment_part(replace(content, segments=replace(found, tried=1, reason=reason)))
    assert untold.reading == f"No weak segment could be confirmed: {reason}."
    assert untold.discovery.endswith(f"for their number. None could be confirmed: {reason}.")
    assert segment_part(builders.binary()) is None
