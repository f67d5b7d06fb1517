"""Findings in the terminal: worst first, each with its mend, and never more than a screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay.checks.run import CheckResults
from assay.findings import Finding, Severity
from assay.reports.wording import counted

_COLOURS = {
    Severity.BLOCK: "bold red",
    Severity.WARN: "bold yellow",
    Severity.ASK: "bold cyan",
    Severity.NOTE: "bold blue",
}
_MOST_SHOWN = 10
_MOST_OF_CODE = 12
_LINES_OF_MEND = 3


def findings_shown(checks: CheckResults, ignored: Sequence[str] = ()) -> RenderableType:
    """What the checks found, and how many found nothing.

    Args:
        checks: What they had to say.
        ignored: Columns that are left out already, so that what to paste keeps them.
    """
    passed = f"{counted(len(checks.passed), 'check')} passed"
    if not checks.findings:
        return Text(f"No findings: {passed}.", style="green")
    in_code = [each for each in checks.findings if each.places]
    others = [each for each in checks.findings if not each.places]
    parts: list[RenderableType] = []
    if others:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        for finding in others[:_MOST_SHOWN]:
            table.add_row(*_row(finding))
        parts.append(table)
    parts += [_of_code(each) for each in in_code[:_MOST_OF_CODE]]
    more = [*others[_MOST_SHOWN:], *in_code[_MOST_OF_CODE:]]
    if more:
        kinds = [sum(each.severity is severity for each in more) for severity in Severity]
        told = ", ".join(
            f"{n} {severity.value}" for n, severity in zip(kinds, Severity, strict=True) if n
        )
        parts.append(Text(f"And {counted(len(more), 'finding')} more ({told}): see --json."))
    parts.append(Text(f"{passed}.", style="dim"))
    proposed = [
        name for each in checks.findings if _proposes_to_ignore(each) for name in each.columns
    ]
    if len(proposed) + len(ignored) > 1 and proposed:
        names = ", ".join(map(_quoted, dict.fromkeys([*ignored, *proposed])))
        text = f"To ignore these too: data: {{roles: {{ignore: [{names}]}}}}"
        parts.append(Text(text, style="dim"))
    return Group(*parts)


def _of_code(finding: Finding) -> Text:
    """A finding in source code, as linters tell it: the place first."""
    text = Text(f"{finding.places[0]}: ", style="underline")
    text.append(f"{finding.code} ", style=_COLOURS[finding.severity])
    text.append(f"{finding.severity.value}: {finding.title}", style="not underline")
    for line in finding.mend.splitlines()[:_LINES_OF_MEND]:
        text.append(f"\n    {line}", style="dim not underline")
    return text


def _row(finding: Finding) -> tuple[Text, Text, Text]:
    severity = Text(finding.severity.value, style=_COLOURS[finding.severity])
    text = Text(finding.title)
    if finding.accepted is not None:
        severity = Text("accepted", style="dim")
        text.append(f"\n{finding.accepted}", style="dim")
    else:
        if finding.effect is not None:
            text.append(f"\n{finding.effect}")
        text.append(f"\n{finding.mend}", style="dim")
    return severity, Text(finding.code), text


def _proposes_to_ignore(finding: Finding) -> bool:
    return finding.accepted is None and "{ignore: [" in finding.mend


def _quoted(name: str) -> str:
    """A name as YAML takes it wherever it stands."""
    return "'" + name.replace("'", "''") + "'"
