"""Running checks: every one is heard, what it finds is sorted, what is accepted keeps its reason.

A check that breaks is our fault, and must neither stop a run nor pass in silence: it becomes a
finding of its own, under its code, with severity `warn`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from assay.checks.base import Check, View
from assay.checks.by_label import Found, each_label, looked_by_label, reads_target
from assay.data.schema import Task
from assay.findings import Finding, NotApplicable, Severity


@dataclass(frozen=True)
class CheckResults:
    """What the checks had to say.

    Attributes:
        findings: Worst first; accepted ones last.
        not_applicable: Code: why the check had nothing to look at.
        passed: Codes of the checks that found nothing.
    """

    findings: tuple[Finding, ...]
    not_applicable: Mapping[str, str]
    passed: tuple[str, ...]

    def joined_by(self, more: Sequence[Finding], accept: Mapping[str, str]) -> CheckResults:
        """The same with what was found elsewhere, as while it trained.

        Args:
            more: Findings.
            accept: Reason for living with a finding, by code.
        """
        new = [replace(each, accepted=accept.get(each.code)) for each in more]
        return replace(self, findings=_sorted([*self.findings, *new]))

    def with_those_of(self, others: CheckResults) -> CheckResults:
        """What two looks at different things had to say."""
        return CheckResults(
            _sorted([*self.findings, *others.findings]),
            {**self.not_applicable, **others.not_applicable},
            (*self.passed, *others.passed),
        )

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Findings that forbid registration."""
        return tuple(finding for finding in self.findings if finding.blocks)

    def as_dict(self) -> dict[str, Any]:
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "not_applicable": [
                {"code": code, "reason": reason} for code, reason in self.not_applicable.items()
            ],
            "passed": list(self.passed),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> CheckResults:
        """Read back what `as_dict` wrote."""
        return cls(
            findings=tuple(Finding.from_dict(each) for each in record["findings"]),
            not_applicable={each["code"]: each["reason"] for each in record["not_applicable"]},
            passed=tuple(record["passed"]),
        )


def run_checks(
    view: View,
    checks: Sequence[Check],
    *,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    accept: Mapping[str, str] | None = None,
) -> CheckResults:
    """Run checks on a view.

    Args:
        view: What they may see.
        checks: Which ones.
        settings: Settings by code.
        accept: Reason for living with a finding, by code.
    """
    findings: list[Finding] = []
    not_applicable: dict[str, str] = {}
    passed: list[str] = []
    has_labels = view.schema.task is Task.MULTILABEL
    labels = each_label(view) if has_labels and any(map(reads_target, checks)) else []
    for check in checks:
        look = partial(_run, check, settings=(settings or {}).get(check.code, {}))
        by_label = has_labels and reads_target(check)
        result = looked_by_label(look, view, labels) if by_label else look(view)
        if isinstance(result, NotApplicable):
            not_applicable[check.code] = result.reason
        elif result:
            reason = (accept or {}).get(check.code)
            findings += [replace(finding, accepted=reason) for finding in result]
        else:
            passed.append(check.code)
    return CheckResults(_sorted(findings), not_applicable, tuple(passed))


def _sorted(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first: by severity, then by what they do to the score, then by code."""

    def rank(each: Finding) -> tuple[bool, int, float, str]:
        return (
            each.accepted is not None,
            -each.severity.rank,
            -(each.inflation or 0.0),
            each.code,
        )

    return tuple(sorted(findings, key=rank))


def _run(check: Check, view: View, settings: Mapping[str, Any]) -> Found:
    try:
        return check(view, settings)
    except Exception as error:
        return [broken(check.code, f"The check {check.name}", error)]


def broken(code: str, what: str, error: Exception) -> Finding:
    """What is said where looking for something failed by our fault.

    Args:
        code: Under which it is said.
        what: That failed, as a sentence begins.
        error: How.
    """
    return Finding(
        code=code,
        severity=Severity.WARN,
        title=f"{what} broke, so this was not looked at.",
        evidence={"error": f"{type(error).__name__}: {error}"},
        mend="please report it with this message; the run is not affected",
    )
