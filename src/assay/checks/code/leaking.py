"""What the checks on leaks have in common: a leak becomes a finding where something was learnt."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from assay.checks.code.base import Script
from assay.checks.code.faults import Leak
from assay.checks.code.names import part_of
from assay.checks.code.values import Learnt, Part
from assay.findings import Finding, Severity

TABULAR = ("sklearn", "pandas", "numpy", "imblearn", "category_encoders", "polars", "torch",
           "datasets", "keras", "tensorflow")  # fmt: skip


def leak_findings(
    script: Script,
    code: str,
    kind: Learnt,
    title: Callable[[Leak], str],
    mend: Callable[[Leak], str],
) -> Iterator[Finding]:
    """Findings for every place where something of one kind was learnt from rows held out.

    Args:
        script: What is read.
        code: Of the check.
        kind: What was learnt.
        title: Says a leak in a sentence.
        mend: Says what to write instead.
    """
    found: dict[str, Leak] = {}
    for leak in script.trace.leaks:
        if leak.learning.kind is kind and not (leak.own and _only_named(script, leak)):
            place = script.module.place(leak.learning.node)
            known = found.get(place)
            if known is None or _weight(leak) > _weight(known):
                found[place] = leak
    for leak in found.values():
        firm = leak.firm and not leak.nested
        met = {} if leak.node is leak.learning.node else {
            "meets_the_parts_at": script.module.place(leak.node).rpartition(":")[0]}  # fmt: skip
        yield script.finding(
            code,
            Severity.WARN if firm else Severity.ASK,
            title(leak),
            leak.learning.node,
            mend(leak),
            **met,
        )


def _only_named(script: Script, leak: Leak) -> bool:
    """Whether rows are a test by name only, in a module that never speaks of training."""
    by_code = any(rows.split != 0 for rows in leak.learning.rows)
    spoken = {part_of(each.id) for each in script.loops.of(ast.Name)}
    spoken |= {part_of(each.arg) for each in script.loops.of(ast.arg)}
    return not by_code and Part.TRAIN not in spoken


def _weight(leak: Leak) -> tuple[bool, bool]:
    return leak.firm, not leak.nested
