"""The summary of a run in the terminal: what it is worth, what was found, what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay.cli.findings import findings_shown
from assay.data.schema import Role
from assay.estimates import significant
from assay.evaluation.result import Difference
from assay.publishing import next_steps
from assay.reports.segment_verdicts import on_sealed
from assay.reports.thresholds import announced, goal_when_tested
from assay.reports.verdicts import between
from assay.reports.wording import (
    counted,
    estimate,
    interval,
    level,
    level_of,
    metric,
    metric_within,
    numbers,
    rows,
    value,
)
from assay.run import Run

_SHOWN_METRICS = 6
_SHOWN_NAMES = 12
_LABEL = 9
_PARTS = ("train", "validation", "test")


def show_run(run: Run, console: Console) -> None:
    """Print the summary."""
    parts: list[RenderableType] = [_headline(run), _metrics(run)]
    if run.test is not None:
        parts.append(_tested(run))
    else:
        parts.append(_against_baselines(run))
        told = announced(run.threshold, run.schema)
        if told:
            parts.append(Text("\n".join(told)))
    parts.append(findings_shown(run.checks, ignored=_ignored(run)))
    if run.warned:
        parts.append(_warnings(run))
    for part in parts:
        console.print(part)
        console.print()
    if run.report is not None:
        path = (str(run.report), "underline")
        console.print(Text.assemble(("report".ljust(_LABEL), "dim"), path), soft_wrap=True)
    show_next(next_steps(run), console)


def show_next(steps: Mapping[str, str], console: Console) -> None:
    """Print commands, each with what it does where the terminal is wide enough."""
    longest = max(map(len, steps), default=0)
    width = _LABEL + longest + 3 + max(map(len, steps.values()), default=0)
    for command, does in steps.items():
        line = Text.assemble(("next".ljust(_LABEL), "dim"), (command, "bold"))
        if width <= console.width:
            line.append(f"{' ' * (longest - len(command) + 3)}{does}", style="dim")
        console.print(line, soft_wrap=True)


def _headline(run: Run) -> Text:
    about = f"{run.learner} predicts {run.schema.target}"
    judged = "sealed test" if run.test is not None else run.evaluation.rows
    text = Text.assemble((run.name, "bold"), f"  {about}, judged on {run.latest.n:,} {judged} rows")
    unused = {reason: n for reason, n in run.n_rows.items() if reason not in _PARTS}
    if unused:
        told = ", ".join(f"{counted(n, 'row')} {reason}" for reason, n in unused.items())
        text.append(f"\nNot used: {told}.", style="yellow")
    return text


def _metrics(run: Run) -> RenderableType:
    """The metrics with their intervals; beside them those of the baselines."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column(run.learner if run.test is None else "test", justify="right")
    table.add_column(f"{level(level_of(run.metrics.values()))}% interval")
    others = {each.name: each.evaluation for each in run.baselines} if run.test is None else {}
    if run.test is not None:
        others = {rows(run.evaluation.rows): run.evaluation}
    for name in others:
        table.add_column(name, justify="right")
    for name in list(run.metrics)[:_SHOWN_METRICS]:
        each = run.metrics[name]
        style = "bold" if name == run.latest.primary else ""
        beside = [value(evaluation.metrics[name]) for evaluation in others.values()]
        shown = interval(each) if each.has_interval else "none"
        table.add_row(metric(name), value(each), shown, *beside, style=style)
    reasons = {each.reason for each in run.metrics.values() if each.reason is not None}
    return Group(table, *(Text(f"No interval where {reason}.", style="dim") for reason in reasons))


def _against_baselines(run: Run) -> Text:
    lines = [between(each.gain, each.name, run.learner) for each in run.baselines]
    if len(run.seeds) > 1:
        spread = max(run.seeds) - min(run.seeds)
        lines.append(
            f"Over {len(run.seeds)} seeds {metric_within(run.evaluation.primary)} spans "
            f"{significant(spread, 2)}."
        )
    else:
        lines.append("One seed only: how much the result varies with it is unknown.")
    return Text("\n".join(lines))


def _tested(run: Run) -> Text:
    assert run.test is not None
    looks = run.test.looks
    by_segment = on_sealed(run.test)
    lines = [_announced(run, run.test.difference), *([by_segment] if by_segment else [])]
    if run.threshold is not None and run.test.goal is not None:
        lines.append(goal_when_tested(run.threshold, run.test.goal))
    lines += run.test.notes
    if looks == 1:
        lines.append("This was the first look at these test rows; it is in the ledger.")
    else:
        lines.append(
            f"These test rows have now been looked at {looks} times: intervals are widened "
            "accordingly, and what is chosen by them flatters itself. Fresh rows would not."
        )
    return Text("\n".join(lines))


def _announced(run: Run, difference: Difference) -> str:
    first, second = numbers(difference.first, difference.second)
    apart = difference.estimate
    how = "" if run.announced == run.evaluation.headline else ", corrected for the choice"
    text = f"Announced {first}{how}, sealed {second}: a difference of {estimate(apart)}."
    if not apart.has_interval:
        return f"{text} Whether that is noise cannot be said: {apart.reason}."
    if difference.better is None:
        return f"{text} The test bears it out."
    return f"{text} That is {'better' if difference.better == 'second' else 'worse'} than noise."


def _ignored(run: Run) -> list[str]:
    return [column.name for column in run.schema.columns if column.role is Role.IGNORED]


def _warnings(run: Run) -> Text:
    lines = [f"warned in {n} fits: {text}" for text, n in run.warned.items()]
    return Text("\n".join(lines), style="yellow")
