"""Missing values: which features miss together, and whether that says something of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.data.profile import Gap, Profile
from assay.data.schema import Kind, Role, Task
from assay.reports.axis import Scale
from assay.reports.content import ReportContent
from assay.reports.wording import between, counted, listed, share

SHOWN = 12

_NAMED = 3


@dataclass(frozen=True)
class GapRow:
    """One set of features that miss together.

    Attributes:
        names: The first of the features.
        more: How many others there are, in words.
        all_names: All of them.
        rows: In how many rows they miss.
        at: Where the difference lies, in per cent of the width.
        low: Where what chance would give starts.
        high: Where it ends.
        values: The target where they miss and where they do not.
        verdict: Whether that is more than chance.
        faint: Whether it is not.
        strong: Never; so that the row is drawn like others.
    """

    names: Sequence[str]
    more: str
    all_names: str
    rows: str
    at: float
    low: float
    high: float
    values: str
    verdict: str
    faint: bool
    strong: bool = False


@dataclass(frozen=True)
class Missing:
    """The part on missing values.

    Attributes:
        readings: A sentence each.
        axis: What lies across the plot.
        rows: To be seen at once.
        folded: To be unfolded.
        marks: Position (per cent) and label.
        zero: Position of no difference.
    """

    readings: Sequence[str]
    axis: str
    rows: Sequence[GapRow]
    folded: Sequence[GapRow]
    marks: Sequence[tuple[float, str]]
    zero: float


def missing(content: ReportContent) -> Missing | None:
    """What is said of missing values; None where the run was recorded without it."""
    profile = content.profile
    if profile is None:
        return None
    gaps = profile.gaps
    readings = [_extent(content, profile), _together(gaps), _telling(content, gaps)]
    scale = _scale(gaps)
    rows = [_row(gap, scale, profile.n) for gap in gaps]
    return Missing(
        readings=[sentence for sentence in readings if sentence],
        axis=_axis(content),
        rows=rows[:SHOWN],
        folded=rows[SHOWN:],
        marks=scale.marks(4),
        zero=round(float(scale.at(0.0)), 2),
    )


def _extent(content: ReportContent, profile: Profile) -> str:
    features = [each for each in content.schema.columns if each.role is Role.FEATURE]
    empty = sum(each.kind is Kind.EMPTY for each in features)
    with_gaps = sum(len(gap.columns) for gap in profile.gaps)
    nothing = f"{counted(empty, 'feature')} {'holds' if empty == 1 else 'hold'} nothing at all."
    if not with_gaps:
        return nothing if empty else "No feature has a missing value."
    incomplete = share((profile.n - profile.complete) / profile.n)
    told = (
        f"{with_gaps} of {counted(len(features), 'feature')} "
        f"{'has' if with_gaps == 1 else 'have'} missing values; "
        f"{incomplete} of the rows lack at least one."
    )
    return f"{told} {nothing}" if empty else told


def _together(gaps: Sequence[Gap]) -> str:
    several = [gap for gap in gaps if len(gap.columns) > 1]
    if not several:
        return ""
    widest = max(several, key=lambda gap: (len(gap.columns), gap.missing))
    return f"{_quoted(widest.columns)} miss together, in {counted(widest.together, 'row')}" + (
        f"; {counted(len(several) - 1, 'other set')} likewise." if len(several) > 1 else "."
    )


def _telling(content: ReportContent, gaps: Sequence[Gap]) -> str:
    if not gaps:
        return ""
    target = content.schema.target
    telling = [gap for gap in gaps if gap.tells]
    if not telling:
        return f"That they are missing says nothing of {target} that chance would not say."
    first = telling[0]
    where = f"Where {_quoted(first.columns[:1])} is missing,"
    if first.label:
        are = "have" if content.schema.task is Task.MULTILABEL else "are"
        seen = (
            f"{share(first.when_missing)} of the rows {are} “{first.label}”, "
            f"elsewhere {share(first.when_present)}"
        )
    else:
        low, high = between(first.when_missing, first.when_present)
        seen = f"{target} is {low} on average, elsewhere {high}"
    others = len(gaps) - len(telling)
    rest = f" {counted(others, 'set')} of {len(gaps)} cannot be told from chance." if others else ""
    return f"{where} {seen}: more than chance.{rest}"


def _axis(content: ReportContent) -> str:
    if content.evaluation.task.is_classification:
        noun = "label" if content.schema.task is Task.MULTILABEL else "class"
        return f"share of the {noun}, missing minus present, in points"
    return f"place in the order of {content.schema.target}, missing minus present, in points"


def _scale(gaps: Sequence[Gap]) -> Scale:
    """Wide enough for every difference and for zero, in hundredths; chance is cut at its ends."""
    seen = [100 * gap.difference for gap in gaps] + [0.0]
    chance = [100 * end for gap in gaps for end in gap.chance]
    reach = max(map(abs, seen)) or max(map(abs, chance), default=1.0)
    return Scale(min(*seen, -reach / 3) * 1.1, max(*seen, reach / 3) * 1.1, 2.0, 98.0)


def _row(gap: Gap, scale: Scale, n: int) -> GapRow:
    def at(difference: float) -> float:
        within = min(max(100 * difference, scale.low), scale.high)
        return round(float(scale.at(within)), 2)

    if gap.label:
        values = f"“{gap.label}” {share(gap.when_missing)}, elsewhere {share(gap.when_present)}"
    else:
        first, second = between(gap.when_missing, gap.when_present)
        values = f"{first}, elsewhere {second}"
    others = len(gap.columns) - _NAMED
    return GapRow(
        names=gap.columns[:_NAMED],
        more=f"and {others} more" if others > 0 else "",
        all_names=", ".join(gap.columns),
        rows=f"{counted(gap.missing, 'row')}, {share(gap.missing / n)}",
        at=at(gap.difference),
        low=at(gap.chance[0]),
        high=at(gap.chance[1]),
        values=values,
        verdict="more than chance" if gap.tells else "within chance",
        faint=not gap.tells,
    )


def _quoted(names: Sequence[str]) -> str:
    quoted = [f"“{each}”" for each in names]
    if 1 < len(quoted) <= _NAMED:
        return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
    return listed(quoted, _NAMED)
