"""By label: a multilabel target is, to a check, one binary target for each of its labels.

So a check that reads the target needs to know nothing of labels: it is shown each label by itself,
and what it finds of several labels is said once, as of the one it is plainest of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import Check, View
from assay.data.dataset import Part
from assay.data.kinds import describe
from assay.data.schema import Role, Schema, Task, label_array
from assay.findings import Finding, NotApplicable

Found = Sequence[Finding] | NotApplicable
MOST_LABELS = 20
"""Looked at, those that divide the rows most evenly: so many labels cost what they cost."""
ALIKE = 5
"""After so many labels that show the same, the others would cost as much and say no more."""
MOST_NAMED = 3


def reads_target(check: Check) -> bool:
    """Whether a check must be shown each label by itself; yes, where it does not say.

    One that does not look finds the same of every label, which is then said once, as it is.
    """
    return bool(getattr(check, "reads_target", True))


def each_label(view: View) -> list[View]:
    """A view of each label that some rows have and some lack, those of the most even ones.

    Args:
        view: Of a multilabel task.

    Returns:
        Views of a binary task each, the most even first, whose target is called like the label; its
        classes are texts, 'not' with the label and the label.
    """
    held = view.train.known_target
    n = held.sum(axis=0)
    fewer = np.minimum(n, len(held) - n)
    even = [code for code in np.argsort(-fewer, kind="stable") if fewer[code] > 0]
    return [_of_label(view, code) for code in even[:MOST_LABELS]]


def looked_by_label(look: Callable[[View], Found], view: View, labels: Sequence[View]) -> Found:
    """What is found of labels, one after the other, each thing once.

    Args:
        look: Looks at one of them.
        view: Of all labels.
        labels: What `each_label` made of it.
    """
    if not labels:
        return NotApplicable("every row has the same labels")
    found: list[tuple[str, Found]] = []
    for each in labels:
        found.append((str(each.label), look(each)))
        if _show_the_same(found):
            break
    n, n_all = len(found), len(view.schema.classes)
    seen = f"{n} of {n_all}, those that divide the rows most evenly"
    reasons = {each.reason: None for _, each in found if isinstance(each, NotApplicable)}
    if all(isinstance(each, NotApplicable) for _, each in found):
        limit = f" (labels looked at: {seen})" if n < n_all and len(reasons) > 1 else ""
        return NotApplicable(f"{'; '.join(reasons)}{limit}")
    alike: dict[Hashable, list[tuple[str, Finding]]] = {}
    for label, findings in found:
        had = Counter[Hashable]()
        for finding in () if isinstance(findings, NotApplicable) else findings:
            at = _at_fault(finding)
            alike.setdefault((at, had[at]), []).append((label, finding))
            had[at] += 1
    limited = {"labels looked at": seen} if n < n_all else {}
    return [_joined(some, n, limited) for some in alike.values()]


def _at_fault(finding: Finding) -> Hashable:
    """What makes findings of several labels one: the same columns, mended at once."""
    return finding.code, finding.columns, finding.mend


def _show_the_same(found: Sequence[tuple[str, Found]]) -> bool:
    """Whether labels enough show something, and all that do show the same."""
    shown = [
        {*map(_at_fault, each)} for _, each in found if each and not isinstance(each, NotApplicable)
    ]
    return len(shown) >= ALIKE and all(each == shown[0] for each in shown)


def _of_label(view: View, code: int) -> View:
    """The view in which one label is the target."""
    label = str(view.schema.classes[code])
    classes = (f"not {label}", label)
    values = label_array(classes)[view.train.known_target[:, code]]
    held = None if view.test is None else view.test.target
    tested = None if held is None else label_array(classes)[held[:, code]]
    old = view.schema.target
    others = {column.name for column in view.schema.columns} - {old}
    name = label if label not in others else f"{old}: {label}"
    stored = pa.chunked_array([pa.array(values, pa.string())])
    raw = view.raw_train
    raw = raw.set_column(raw.column_names.index(old), name, stored)
    columns = tuple(
        describe(name, stored, Role.TARGET) if column.name == old else column
        for column in view.schema.columns
    )
    schema = Schema(columns, name, Task.BINARY, classes)
    train = replace(view.train, target=values, schema=schema)
    test: Part | None = (
        None if view.test is None else replace(view.test, target=tested, schema=schema)
    )
    return View(schema, train, test, raw, view.raw_test, label, view.given)


def _joined(
    some: Sequence[tuple[str, Finding]], n_labels: int, limited: Mapping[str, str]
) -> Finding:
    """One finding of what was found of one label or several, as of the one it is plainest of."""
    label, plainest = max(some, key=lambda each: _strength(each[1]))
    others = [(name, each) for name, each in some if name != label]
    if len(some) == n_labels and all(each == plainest for _, each in others):
        return plainest
    is_named = f"label {label!r}" in plainest.title
    named = [name for name, _ in others] if is_named else [label, *(name for name, _ in others)]
    told: dict[str, Any] = {}
    if others:
        said = [f"{name}: {each.effect or each.title}" for name, each in others[:ALIKE]]
        told = {"labels": [label, *(name for name, _ in others)], "of other labels": said}
    return replace(
        plainest,
        title=_titled(plainest.title, named, is_named),
        evidence={**plainest.evidence, **told, **limited},
    )


def _titled(title: str, labels: Sequence[str], is_named: bool) -> str:
    """A title that names labels besides those it names.

    >>> _titled("'a' is label 'wet'.", ["hot", "dry"], True)
    "'a' is label 'wet' (likewise labels 'hot', 'dry')."
    """
    if not labels:
        return title
    shown = ", ".join(map(repr, labels[:MOST_NAMED]))
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    which = f"{'label' if len(labels) == 1 else 'labels'} {shown}{more}"
    return f"{title.removesuffix('.')} ({'likewise ' if is_named else ''}{which})."


def _strength(finding: Finding) -> tuple[int, list[float]]:
    """By severity, then by the numbers of the evidence: checks begin with what shows it best."""
    numbers = [float(each) for each in finding.evidence.values() if isinstance(each, int | float)]
    return finding.severity.rank, numbers
