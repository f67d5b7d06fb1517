"""The table of columns: what each holds as a small picture, with its range, gaps and kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.data.profile import ColumnProfile, Numbers
from assay.data.schema import Column, Kind, Role
from assay.reports.content import ReportContent
from assay.reports.wording import between, count, counted, days_between, number, share

ALL_SHOWN_UP_TO = 30
"""Columns up to which all are shown, in the order of the source."""
SHOWN_OF_MORE = 20

SPARK_HEIGHT = 20
_FEWEST_BARS = 6
_SPLIT_UP_TO = 12
_NAMED_LEVELS = 3


@dataclass(frozen=True)
class Spark:
    """A picture in a line of text: bars on a baseline `SPARK_HEIGHT` units down.

    Attributes:
        look: 'amounts' for bins in their order, 'levels' for categories, the most frequent first.
        width: Units across.
        path: One SVG path.
    """

    look: str
    width: int
    path: str


@dataclass(frozen=True)
class ColumnRow:
    """One column.

    Attributes:
        column: Name, kind, role and the evidence.
        role: What it is there for, empty for a feature.
        spark: Its picture; None where there is nothing to draw.
        holds: Its range, its levels or its length in words.
        more: What is said under that.
        distinct: How many distinct values.
        missing: Share of rows without a value.
    """

    column: Column
    role: str
    spark: Spark | None
    holds: str
    more: str
    distinct: str
    missing: float


@dataclass(frozen=True)
class ColumnTable:
    """The rows to see at once, those to unfold, and how the first were picked."""

    shown: Sequence[ColumnRow]
    folded: Sequence[ColumnRow]
    note: str


def column_table(content: ReportContent) -> ColumnTable:
    """All columns; of very many those first that the model uses most, after the target."""
    columns = content.schema.columns
    profiles = {each.name: each for each in content.profile.columns} if content.profile else {}
    if len(columns) <= ALL_SHOWN_UP_TO:
        return ColumnTable([_row(each, profiles.get(each.name)) for each in columns], [], "")
    rank = {name: n for n, each in enumerate(content.importance) for name in each.features}
    order = sorted(
        columns, key=lambda each: (each.role is not Role.TARGET, rank.get(each.name, len(rank)))
    )
    first = {each.name for each in order[:SHOWN_OF_MORE]}
    rest = [each for each in columns if each.name not in first]
    picked = "that the model uses most" if rank else "of the table"
    note = f"The target and the {SHOWN_OF_MORE - 1} features {picked}; the others are folded."
    return ColumnTable(
        [_row(each, profiles.get(each.name)) for each in order[:SHOWN_OF_MORE]],
        [_row(each, profiles.get(each.name)) for each in rest],
        note,
    )


def _row(column: Column, profile: ColumnProfile | None) -> ColumnRow:
    holds, more = in_words(column, profile) if profile is not None else ("", "")
    return ColumnRow(
        column=column,
        role="" if column.role is Role.FEATURE else column.role.value,
        spark=_spark(profile) if profile is not None else None,
        holds=holds,
        more=more,
        distinct=count(column.n_distinct),
        missing=column.missing,
    )


def _spark(profile: ColumnProfile) -> Spark | None:
    if profile.numbers is not None:
        return _bars("amounts", profile.numbers.histogram.counts)
    if profile.levels and profile.levels[0][1] > 1:
        return _bars("levels", [n for _, n in profile.levels])
    return None


def _bars(look: str, counts: Sequence[int]) -> Spark:
    """Bars beside each other, with gaps where they are few; a bin with rows is never invisible."""
    highest = max(counts)
    tops = [max(1, round(SPARK_HEIGHT * n / highest)) if n else 0 for n in counts]
    if len(tops) > _SPLIT_UP_TO:
        steps = "".join(f"V{SPARK_HEIGHT - top}h1" for top in tops)
        return Spark(look, len(tops), f"M0 {SPARK_HEIGHT}{steps}V{SPARK_HEIGHT}z")
    bars = "".join(f"M{10 * n} {SPARK_HEIGHT}v-{top}h9v{top}z" for n, top in enumerate(tops) if top)
    return Spark(look, 10 * max(len(tops), _FEWEST_BARS), bars)


def in_words(column: Column, profile: ColumnProfile) -> tuple[str, str]:
    """What a column holds, and what is said beside that."""
    if profile.n == 0:
        return "nothing", ""
    if column.kind is Kind.IMAGE:
        return column.why, ""
    infinite = [f"{count(profile.infinite)} infinite"] if profile.infinite else []
    if profile.numbers is not None:
        holds, more = _range(column, profile.numbers, profile.n)
        return holds, "; ".join([*more, *infinite])
    if profile.levels:
        return _of_levels(profile)
    if profile.mean_length is not None:
        return f"{number(profile.mean_length)} characters on average", ""
    return "; ".join(infinite), ""


def _range(column: Column, numbers: Numbers, n: int) -> tuple[str, list[str]]:
    spelt = days_between if column.kind is Kind.DATETIME else between
    low, high, lower, upper = spelt(*(numbers.at(each) for each in (0.0, 1.0, 0.25, 0.75)))
    if low == high:
        return f"always {low}", []
    drawn = numbers.histogram
    tails = drawn.below + drawn.above
    middle = f"half at {lower}" if lower == upper else f"half in {lower} to {upper}"
    more = [f"{share(tails / n)} beyond the picture"] if tails else []
    return f"{low} to {high}", [middle, *more]


def _of_levels(profile: ColumnProfile) -> tuple[str, str]:
    if profile.distinct == 1:
        return f"always {profile.levels[0][0]}", ""
    if profile.levels[0][1] == 1:
        return "no value twice", f"as {profile.levels[0][0]}"
    shown = _NAMED_LEVELS if profile.distinct > _NAMED_LEVELS + 1 else profile.distinct
    named = [f"{label} {share(n / profile.n)}" for label, n in profile.levels[:shown]]
    others = profile.distinct - len(named)
    return ", ".join(named), f"and {counted(others, 'other')}" if others > 0 else ""
