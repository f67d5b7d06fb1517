"""The page: whole, alone, escaped, the same bytes for the same content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assay.estimates import Estimate
from assay.findings import Severity
from assay.reports.content import ReportContent
from assay.reports.page import render, write
from assay.reports.tables import calibration_table, metric_table
from assay.reports.wording import MINUS

from . import builders
from .markup import Markup

_SECTIONS = [
    "result", "findings", "metrics", "curves", "mistakes", "segments", "importance", "data",
    "provenance",
]  # fmt: skip
_CONTENTS = {
    "binary": builders.binary,
    "multiclass": builders.multiclass,
    "many classes": lambda: builders.multiclass(26),
    "regression": builders.regression,
    "opened": lambda: builders.opened(builders.binary(), looks=4),
    "texts": lambda: builders.seen("texts", builders.multiclass()),
    "pictures": lambda: builders.seen("pictures", builders.multiclass()),
    "hostile": lambda: builders.hostile(builders.opened(builders.multiclass())),
}
_EACH = pytest.mark.parametrize("build", _CONTENTS.values(), ids=_CONTENTS)
Build = Callable[[], ReportContent]


@_EACH
def test_markup_is_whole_and_ids_are_unique(build: Build) -> None:
    page = Markup(render(build()))
    assert len(page.ids) == len(set(page.ids))
    referred = [each for name in ("aria-labelledby",) for each in page.values(name)]
    referred += [each.removeprefix("#") for each in page.values("href")]
    assert {each for several in referred for each in several.split()} <= set(page.ids)


@_EACH
def test_nothing_is_fetched_or_run(build: Build) -> None:
    html = render(build())
    page = Markup(html)
    assert all(link.startswith("#") for link in page.values("href"))
    assert all(source.startswith("data:image/") for source in page.values("src"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [name for _, each in page.tags for name in each if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html


@_EACH
def test_every_section_is_there_under_headings_in_order(build: Build) -> None:
    page = Markup(render(build()))
    assert [each["id"] for tag, each in page.tags if tag == "section"] == _SECTIONS
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.tags}
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)


@_EACH
def test_figures_are_described(build: Build) -> None:
    page = Markup(render(build()))
    drawings = [each for tag, each in page.tags if tag == "svg"]
    assert drawings
    for each in drawings:
        hidden = each.get("aria-hidden") == "true"
        assert hidden or (each.get("role") == "img" and each.get("aria-labelledby"))


@_EACH
def test_nothing_undefined_is_seen(build: Build) -> None:
    html = render(build())
    assert not re.search(r"\b(nan|NaN|None|inf|Undefined)\b", Markup(html).seen)
    assert not re.search(r'="[^"]*\bnan\b', html)


@_EACH
def test_a_page_is_light(build: Build) -> None:
    assert len(render(build()).encode()) < 200_000


@_EACH
def test_the_same_content_gives_the_same_bytes(build: Build) -> None:
    assert render(build()) == render(build())


def test_user_text_is_shown_as_it_is() -> None:
    html = render(builders.hostile(builders.binary()))
    assert "<script" not in html
    evil = "<script>alert('x')</script>\"'&{{ 7 * 7 }}"
    assert Markup(html).seen.count(evil) > 20


def test_the_headline_says_on_which_rows() -> None:
    content = builders.binary()
    seen = Markup(render(content)).seen
    assert "out of fold, 1,500 rows, 5 folds" in seen
    assert "ROC AUC beside the baselines" in seen
    assert seen.count("two features") >= 2


def test_a_sealed_test_set_says_how_to_open_it() -> None:
    content = builders.binary()
    seen = Markup(render(content)).seen
    assert "Sealed 0 looks 375 rows that no metric here was measured on" in seen
    assert "assay evaluate calm-heron-12 --on test" in seen
    without_steps = Markup(render(replace(content, next_steps={}))).seen
    assert f"assay evaluate {content.run_id} --on test" in without_steps
    looked_at = Markup(render(replace(content, looks=5))).seen
    assert "Sealed 5 looks" in looked_at
    assert "Earlier runs have." in looked_at


def test_an_opened_test_set_is_set_against_the_announced_number() -> None:
    seen = Markup(render(builders.opened(builders.binary(), looks=4, drop=0.05))).seen
    assert "Sealed" not in seen
    assert "on 375 sealed rows; announced 0.851" in seen
    assert "worse than announced by 0.0500 (0.0300 to 0.0700): more than noise" in seen
    assert "These rows have had 4 looks" in seen
    assert "test, 375 rows" in seen


def test_findings_stand_worst_first_and_accepted_ones_last() -> None:
    page = Markup(render(builders.binary()))
    kinds = [each["class"] for tag, each in page.tags if tag == "article"]
    assert kinds == ["finding warn", "finding ask", "finding note", "finding block accepted"]
    assert "Accepted: it is known at the time of the prediction" in page.seen
    assert "next best feature_0: 0.310, feature_1: 0.120" in page.seen
    assert "52 rows of train 10, 11, 12" in page.seen


def test_a_blocking_finding_is_said_on_top() -> None:
    content = builders.binary()
    assert "Blocked." not in Markup(render(content)).seen
    blocking = replace(content.findings[3], accepted=None)
    assert blocking.severity is Severity.BLOCK
    seen = Markup(render(replace(content, findings=[blocking]))).seen
    assert seen.index("Blocked.") < seen.index("0.851")


def test_no_findings_no_importance_no_baselines_still_make_a_page() -> None:
    bare = replace(
        builders.regression(), findings=[], importance=[], baselines=[], options={}, next_steps={},
        passed=[], not_applicable={}, provenance={},
    )  # fmt: skip
    seen = Markup(render(bare)).seen
    assert "The checks found nothing." in seen
    assert "Importance was not measured." in seen
    assert "There is no baseline to compare with." in seen


def test_a_metric_without_an_interval_gives_its_reason() -> None:
    seen = Markup(render(builders.regression())).seen
    assert "a No interval: targets near zero make it unstable." in seen
    content = builders.binary()
    few = Estimate.without_interval(float("nan"), n=9, reason="9 rows are too few")
    metrics = {**content.evaluation.metrics, content.evaluation.primary: few}
    bare = replace(content, evaluation=replace(content.evaluation, metrics=metrics))
    seen = Markup(render(bare)).seen
    assert "No interval: 9 rows are too few." in seen
    assert "not defined" in seen


def test_calibration_is_folded_beside_the_parts_of_the_brier_score() -> None:
    content = builders.binary()
    found, table = content.evaluation.miscalibration, calibration_table(content)
    values = {name: cells[0].value.replace(MINUS, "-") for name, _, cells in table.lines}
    parts = (float(values[name]) for name in ("Reliability", "Resolution", "Uncertainty"))
    for shown, known in zip(
        parts, (found.reliability, found.resolution, found.uncertainty), strict=True
    ):
        assert shown == pytest.approx(known, abs=5.1e-5)
    page = render(content)
    assert "<summary>Calibration, and the Brier score taken apart</summary>" in page
    bare = replace(content, evaluation=replace(content.evaluation, miscalibration=None))
    assert "Brier score taken apart" not in render(bare)
    assert "Brier score taken apart" not in render(builders.regression())


def test_a_baseline_is_written_with_the_decimals_of_the_model() -> None:
    content = builders.binary()
    model, tiny = Estimate(0.895, 0.882, 0.908, n=9), Estimate(0.0, 0.0, 0.000011, n=9)
    weak = content.baselines[0]
    evaluation = replace(weak.evaluation, metrics={**weak.evaluation.metrics, "f1": tiny})
    [(_, _, cells)] = [
        line
        for line in metric_table(
            replace(
                content,
                evaluation=replace(
                    content.evaluation, metrics={**content.evaluation.metrics, "f1": model}
                ),
                baselines=[replace(weak, evaluation=evaluation)],
            )
        ).lines
        if line[0] == "F1"
    ]
    assert [(cell.value, cell.interval) for cell in cells if cell is not None] == [
        ("0.895", "0.882 to 0.908"),
        ("0.000", "0.000 to 0.000"),
    ]


def test_long_lists_are_folded() -> None:
    content = builders.multiclass(31)
    more = tuple(replace(each, name=f"more_{each.name}") for each in content.schema.columns)
    columns = (*content.schema.columns, *more)
    html = render(replace(content, schema=replace(content.schema, columns=columns)))
    assert "34 further columns" in Markup(html).seen
    assert "and 4 more, each of them worth less." in Markup(html).seen
    assert "and 19 more" in Markup(html).seen


def test_the_experiment_file_is_shown_as_it_was_read() -> None:
    content = builders.regression()
    shown = render(content).split('<pre class="file" tabindex="0"><code>')[1].split("</code>")[0]
    assert shown.replace("&lt;", "<").replace("&#34;", '"').replace("&amp;", "&") == (
        content.experiment_text
    )


def test_a_report_replaces_the_one_before_and_leaves_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "income.html"
    write(builders.regression(), path)
    assert write(builders.binary(), path) == path
    assert path.read_text(encoding="utf-8") == render(builders.binary())
    assert list(path.parent.iterdir()) == [path]
