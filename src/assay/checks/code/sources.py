"""Checking source code: every file is read once, every check is heard, findings are sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from assay.checks.code.base import CodeCheck, Script
from assay.checks.code.builtin import CODE_CHECKS
from assay.checks.code.reading import Unread, read
from assay.checks.run import CheckResults, broken
from assay.findings import Finding, Severity

UNREAD = "AS700"


def check_sources(
    paths: Sequence[Path],
    *,
    checks: Sequence[CodeCheck] = CODE_CHECKS,
    accept: Mapping[str, str] | None = None,
) -> CheckResults:
    """Read training code, without running it, for known mistakes.

    Args:
        paths: Scripts, notebooks and folders of them.
        checks: Which ones.
        accept: Reason for living with a finding, by code.

    Returns:
        Findings with their places, worst first. A source that cannot be read is a note under
        AS700; a check whose libraries no source imports is not applicable.
    """
    findings: list[Finding] = []
    libraries: set[str] = set()
    for source in read(paths):
        if isinstance(source, Unread):
            findings.append(_unread(source))
            continue
        script = Script(source)
        told_here: list[Finding] = []
        libraries |= script.libraries
        for check in checks:
            if not check.libraries or script.libraries & set(check.libraries):
                told_here += _run(check, script)
        findings += sorted(told_here, key=_line)
    told = {finding.code for finding in findings}
    missing = {
        check.code: f"no source imports {' or '.join(check.libraries[:3])}"
        for check in checks
        if check.libraries and not libraries & set(check.libraries)
    }
    passed = tuple(c.code for c in checks if c.code not in told and c.code not in missing)
    return CheckResults((), missing, passed).joined_by(findings, accept or {})


def _run(check: CodeCheck, script: Script) -> Sequence[Finding]:
    try:
        return check(script)
    except Exception as error:
        failed = broken(check.code, f"The check {check.name}", error)
        return [replace(failed, places=(f"{script.module.path}:1:1",))]


def _line(finding: Finding) -> tuple[int, ...]:
    """The numbers of a finding's place: cell, line and column."""
    place = finding.places[0].rpartition("cell ")[2]
    return tuple(int(each) for each in place.split(":")[-3:] if each.isdigit())


def _unread(source: Unread) -> Finding:
    return Finding(
        code=UNREAD,
        severity=Severity.NOTE,
        title="A source could not be read, so it was not looked at.",
        evidence={"reason": source.reason},
        mend="mend the syntax, or leave the file out",
        places=(source.place,),
    )
