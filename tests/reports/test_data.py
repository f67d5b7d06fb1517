"""The data part: what is said of columns, of the target and of gaps follows from the profile."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from assay.data.kinds import infer_schema
from assay.data.profile import Gap, Profile
from assay.data.profiling import profile
from assay.data.settings import DataSettings
from assay.data.sources.settling import settled
from assay.reports.columns import SHOWN_OF_MORE, ColumnRow, column_table
from assay.reports.content import ReportContent
from assay.reports.figures import target_plot
from assay.reports.missing import missing
from assay.reports.page import render
from assay.reports.wording import NARROW_SPACE

from . import builders
from .markup import Markup


def holding(**columns: list[object]) -> ReportContent:
    """A content over a table of these columns and a target."""
    n = len(next(iter(columns.values())))
    target = [float(each) for each in range(n)]
    table = settled(pa.table({**columns, "price": target}), "table")
    settings = DataSettings(source="t", target="price", task="regression")
    schema = infer_schema(table, settings)
    return replace(builders.regression(), schema=schema, profile=profile(table, schema))


def row_of(values: list[object]) -> ColumnRow:
    return column_table(holding(x=values, other=list(range(len(values))))).shown[0]


def profile_in(content: ReportContent) -> Profile:
    assert content.profile is not None
    return content.profile


@pytest.mark.parametrize(
    ("values", "holds", "more"),
    [
        ([*range(17, 37)], "17 to 36", "half in 21 to 31"),
        ([1990, 2005] * 10, "1990 to 2005", "half in 1990 to 2005"),
        ([0.5, 2.25] * 10, "0.50 to 2.25", "half in 0.50 to 2.25"),
        ([3] * 20, "always 3", ""),
        (["b"] * 12 + ["a"] * 8, "b 60 %, a 40 %", ""),
        ([*"aaaabbbcc", *"defghijklmn"], "a 20 %, b 15 %, c 10 %", "and 11 others"),
        ([f"key {n}" for n in range(20)], "no value twice", "as key 0"),
        (["same"] * 20, "always same", ""),
        ([None] * 20, "nothing", ""),
        ([float("inf"), 2.0, 4.0, 4.0] * 5, "2 to 4", "half in 2 to 4; 5 infinite"),
        (
            [f"a story of {n:02d} rather plain words" for n in range(20)],
            "32.0 characters on average",
            "",
        ),
    ],
)
def test_a_column_is_told_in_words(values: list[object], holds: str, more: str) -> None:
    row = row_of(values)
    assert (row.holds.replace(NARROW_SPACE, " "), row.more) == (holds, more)


def test_bars_are_as_high_as_their_share_and_never_invisible() -> None:
    assert row_of([0] * 15 + [1] * 5).spark.path == "M0 20v-20h9v20zM10 20v-7h9v7z"  # type: ignore[union-attr]
    assert "v-1h9" in row_of(["a"] * 99 + ["b"]).spark.path  # type: ignore[union-attr]
    assert row_of([f"key {n}" for n in range(20)]).spark is None
    assert row_of([None] * 20).spark is None


def test_few_columns_keep_their_order() -> None:
    content = builders.binary()
    table = column_table(content)
    assert [row.column for row in table.shown] == list(content.schema.columns)
    assert not table.folded
    assert {row.role for row in table.shown} == {"", "id", "ignored", "target"}


def test_of_many_columns_the_target_and_the_most_important_come_first() -> None:
    content = builders.multiclass()
    more = tuple(replace(each, name=f"more_{each.name}") for each in content.schema.features)
    wide = replace(content, schema=replace(content.schema, columns=content.schema.columns + more))
    table = column_table(wide)
    names = [row.column.name for row in table.shown]
    assert names[0] == content.schema.target
    assert names[1:] == [each.feature for each in content.importance[: SHOWN_OF_MORE - 1]]
    assert len(table.shown) + len(table.folded) == len(wide.schema.columns)


def test_a_page_of_five_hundred_columns_stays_light() -> None:
    columns: dict[str, list[object]] = {
        f"x{at}": [at * n % 97 if n % (at % 5 + 2) else None for n in range(200)]
        for at in range(500)
    }
    content = holding(**columns)
    html = render(replace(content, importance=[]))
    seen = Markup(html).seen
    assert "481 further columns" in seen
    assert len(html.encode()) < 900_000


def test_runs_recorded_without_a_profile_still_make_a_page() -> None:
    for content in (builders.binary(), builders.regression()):
        seen = Markup(render(replace(content, profile=None))).seen
        assert "Kind and evidence" in seen
        assert "Missing values" not in seen


def test_the_target_is_drawn_with_what_is_not_drawn() -> None:
    plot = target_plot(builders.regression())
    assert plot is not None
    assert plot.title == "Distribution of y"
    assert plot.reading.startswith("Half of the rows lie between")
    assert target_plot(builders.binary()) is None
    assert "% of the rows are “>50K”." in Markup(render(builders.binary())).seen
    assert "the rarest with" in Markup(render(builders.multiclass())).seen
    even = target_plot(holding(x=[*range(20)]))
    assert even is not None
    assert [each[:20] for each in even.more] == ["Nearly symmetrical: "]


_TELLS = Gap(("a", "b"), 30, 28, ">50K", 0.8, 0.2, 0.6, (-0.1, 0.12))
_NOISE = Gap(("c",), 4, 4, ">50K", 0.5, 0.24, 0.26, (-0.24, 0.5))


def with_gaps(*gaps: Gap) -> ReportContent:
    content = builders.binary()
    return replace(content, profile=replace(profile_in(content), gaps=gaps, complete=1200))


def test_a_gap_that_tells_something_is_said_with_both_shares() -> None:
    part = missing(with_gaps(_TELLS, _NOISE))
    assert part is not None
    assert [each.replace(NARROW_SPACE, " ") for each in part.readings] == [
        "3 of 12 features have missing values; 20 % of the rows lack at least one.",
        "“a” and “b” miss together, in 28 rows.",
        "Where “a” is missing, 80 % of the rows are “>50K”, elsewhere 20 %: more than chance. "
        "1 set of 2 cannot be told from chance.",
    ]
    assert [(row.verdict, row.faint) for row in part.rows] == [
        ("more than chance", False),
        ("within chance", True),
    ]
    assert all(0 <= at <= 100 for row in part.rows for at in (row.at, row.low, row.high))


def test_chance_is_called_chance() -> None:
    part = missing(with_gaps(_NOISE))
    assert part is not None
    assert part.readings[-1] == (
        "That they are missing says nothing of y that chance would not say."
    )


def test_a_table_without_gaps_says_so() -> None:
    part = missing(holding(x=[*range(20)]))
    assert part is not None
    assert part.readings == ["No feature has a missing value."]
    empty = missing(holding(x=[*range(20)], nothing=[None] * 20))
    assert empty is not None
    assert empty.readings == ["1 feature holds nothing at all."]
