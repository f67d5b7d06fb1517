"""The summary of a run in the terminal: what it is worth, what was found, what comes next."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay.data.schema import Kind, Role
from assay.estimates import significant
from assay.evaluation.result import Difference
from assay.findings import Finding, Severity
from assay.reports.wording import estimate, interval, metric, metric_within, numbers, value
from assay.runs import Run
from assay.steps import next_steps

_COLOURS = {
    Severity.BLOCK: "bold red",
    Severity.WARN: "bold yellow",
    Severity.ASK: "bold cyan",
    Severity.NOTE: "bold blue",
}
_SHOWN_METRICS = 6


def show_run(run: Run, console: Console) -> None:
    """Print the summary."""
    parts: list[RenderableType] = [_headline(run), _metrics(run)]
    if run.test is not None:
        parts.append(_tested(run))
    else:
        parts.append(_against_baselines(run))
    parts.append(_findings(run))
    left_out = [c.name for c in run.schema.columns if (c.role, c.kind) == (Role.FEATURE, Kind.TEXT)]
    if left_out:
        names = ", ".join(left_out)
        parts.append(Text(f"Left out, because running text is not read yet: {names}", style="dim"))
    if run.warned:
        parts.append(_warnings(run))
    parts.append(_next(run))
    for part in parts[:-1]:
        console.print(part)
        console.print()
    console.print(parts[-1])


def _headline(run: Run) -> Text:
    about = f"{run.learner} predicts {run.schema.target}"
    rows = "sealed test" if run.test is not None else "out-of-fold"
    return Text.assemble((run.name, "bold"), f"  {about}, judged on {run.latest.n:,} {rows} rows")


def _metrics(run: Run) -> RenderableType:
    """The metrics with their intervals; beside them those of the baselines."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column(run.learner if run.test is None else "test", justify="right")
    table.add_column(f"{run.latest.headline.level:.0%} interval")
    others = {each.name: each.evaluation for each in run.baselines} if run.test is None else {}
    if run.test is not None:
        others = {"out of fold": run.evaluation}
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
    lines = [each.gain.verdict for each in run.baselines]
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
    lines = [_announced(run.test.difference), *run.test.notes]
    if looks == 1:
        lines.append("This was the first look at these test rows; it is in the ledger.")
    else:
        lines.append(
            f"These test rows have now been looked at {looks} times: intervals are widened "
            "accordingly, and what is chosen by them flatters itself."
        )
    return Text("\n".join(lines))


def _announced(difference: Difference) -> str:
    first, second = numbers(difference.first, difference.second)
    apart = difference.estimate
    text = f"Announced {first}, sealed {second}: a difference of {estimate(apart)}."
    if not apart.has_interval:
        return f"{text} Too few rows to say whether that is noise."
    if difference.better is None:
        return f"{text} The test bears it out."
    return f"{text} That is {'better' if difference.better == 'second' else 'worse'} than noise."


def _findings(run: Run) -> RenderableType:
    n_passed = len(run.checks.passed)
    passed = f"{n_passed} check{'' if n_passed == 1 else 's'} passed"
    if not run.findings:
        return Text(f"No findings: {passed}.", style="green")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for finding in run.findings:
        table.add_row(*_finding(finding))
    return Group(table, Text(f"{passed}.", style="dim"))


def _finding(finding: Finding) -> tuple[Text, Text, Text]:
    severity = Text(finding.severity.value, style=_COLOURS[finding.severity])
    text = Text(finding.title)
    if finding.accepted is not None:
        severity = Text("accepted", style="dim")
        text.append(f"\n{finding.accepted}", style="dim")
    else:
        text.append(f"\n{finding.mend}", style="dim")
    return severity, Text(finding.code), text


def _warnings(run: Run) -> Text:
    lines = [f"warned in {n} fits: {text}" for text, n in run.warned.items()]
    return Text("\n".join(lines), style="yellow")


def _next(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    table.add_column(style="dim")
    table.add_column(no_wrap=True, overflow="ignore")
    table.add_column()
    if run.report is not None:
        table.add_row("report", Text(str(run.report), style="underline"))
    for command, text in next_steps(run).items():
        table.add_row("next", Text(command, style="bold"), Text(text, style="dim"))
    return table
