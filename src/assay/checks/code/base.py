"""What a check of code is, and the script it reads."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

from assay.checks.code.loops import Loops, loops_of
from assay.checks.code.names import imported
from assay.checks.code.reading import Module
from assay.checks.code.scopes import Trace
from assay.checks.code.statements import follow
from assay.findings import Finding, Severity


@dataclass(frozen=True)
class Script:
    """A module with what is understood of it, worked out when first asked for."""

    module: Module

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Full names behind imported ones."""
        return imported(self.module.tree)

    @cached_property
    def libraries(self) -> frozenset[str]:
        """The top names of what it imports."""
        return frozenset(full.lstrip(".").partition(".")[0] for full in self.aliases.values())

    @cached_property
    def trace(self) -> Trace:
        """Its rows, followed."""
        return follow(self.module.tree)

    @cached_property
    def loops(self) -> Loops:
        """Its loops and the functions around them."""
        return loops_of(self.module.tree)

    def finding(
        self, code: str, severity: Severity, title: str, node: ast.AST, mend: str, **evidence: Any
    ) -> Finding:
        """A finding at one place, with the statement that stands there.

        Args:
            code: Of the check.
            severity: How firm.
            title: One sentence.
            node: Where.
            mend: What to write instead.
            **evidence: What else shows it; '_' in a name stands for a blank.
        """
        shown = {name.replace("_", " "): value for name, value in evidence.items()}
        statement = self.module.statement(node)
        return Finding(
            code=code,
            severity=severity,
            title=title,
            evidence={"statement": statement, **shown},
            mend=mend,
            places=(self.module.place(node),),
        )


@runtime_checkable
class CodeCheck(Protocol):
    """Reads a script for one kind of mistake."""

    @property
    def code(self) -> str:
        """Stable code, shared by source, test and docs page: 'AS701'."""
        ...

    @property
    def name(self) -> str:
        """The code in words."""
        ...

    @property
    def libraries(self) -> tuple[str, ...]:
        """It has something to look at only where one of these is imported; empty for anywhere."""
        ...

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Findings, each at one place; empty when all is well."""
        ...
