"""AS106 order-tells-target: the name of a row, or its place in the file, says its outcome.

An id means nothing, so that its skill (the share of the target's deviance that it explains, out of
fold) ought to be none: what time changes explains little of single rows. Who sorts rows by their
outcome and then numbers them writes it into the number. An id that is declared is no feature, but
it shows how the rows came about, and somebody may join it again. Ids that count on through a
declared time are let be, since what is predicted may honestly change with that; for the same reason
it only asks.

Rows of the file that lie sorted by the target are common and no mistake by themselves; a note says
so, since folds must then be shuffled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.base import View
from assay.checks.names import aspects
from assay.checks.skill import bins, few, skills
from assay.checks.worth import worth
from assay.data.dataset import Part
from assay.data.schema import Kind, Role
from assay.findings import Finding, NotApplicable, Severity

FEWEST_ROWS = 100
LEAST_SKILL = 0.25
LEAST_DISTINCT = 0.98
SORTED = 0.9
COUNTS_ON = 0.95


class OrderTellsTarget:
    """Finds ids whose order or letters say the outcome."""

    code = "AS106"
    name = "order-tells-target"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at what the ids of the rows, and their places, say."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell an order from luck")
        train = few(view.train)
        chosen = np.flatnonzero(np.isin(view.train.rows, train.rows))
        found = []
        for name in id_names(view):
            values = view.raw_train[name].take(chosen).to_pandas()
            read = aspects(values)
            if _counts_on(read["order"][0], train):
                continue
            told = _skills(read, train)
            best = max(told, key=lambda aspect: told[aspect])
            if told[best] >= LEAST_SKILL:
                found.append(_finding(name, best, told[best], view))
        return found or list(_sorted_rows(train, view))


def id_names(view: View) -> list[str]:
    """Columns that name rows: declared ones, and features that look like it (AS302)."""
    declared = [
        each.name
        for each in view.schema.columns
        if each.role is Role.ID
        and each.kind in (Kind.NUMERIC, Kind.CATEGORICAL, Kind.TEXT)
        and each.n_distinct >= LEAST_DISTINCT * len(view.train)
    ]
    found = IdLikeColumn()(view, {})
    alike = [] if isinstance(found, NotApplicable) else [each.columns[0] for each in found]
    return sorted({*declared, *alike})


def _skills(read: Mapping[str, tuple[pd.Series, Kind]], train: Part) -> dict[str, float]:
    return skills({aspect: bins(values, kind) for aspect, (values, kind) in read.items()}, train)


def _counts_on(order: pd.Series, train: Part) -> bool:
    """Whether ids rise or fall with a declared time."""
    if train.times is None:
        return False
    along = pd.Series(train.times, index=order.index).corr(order, method="spearman")
    return bool(abs(along) >= COUNTS_ON)


def _sorted_rows(train: Part, view: View) -> Iterator[Finding]:
    """A note where the places of the rows in their source say the target."""
    place = pd.Series(train.rows.astype(np.float64))
    skill = skills({"place": bins(place, Kind.NUMERIC)}, train)["place"]
    if skill >= SORTED:
        yield Finding(
            code=OrderTellsTarget.code,
            severity=Severity.NOTE,
            title=f"The rows of the table are sorted by {view.predicted}.",
            evidence={"explained by the place of a row": round(skill, 4)},
            mend="nothing here, where rows are divided at random; shuffle them before any division "
            "that takes them in their order, and do not make a feature of the row number",
        )


def _finding(name: str, aspect: str, skill: float, view: View) -> Finding:
    is_feature = name in view.train.features
    mend = (
        f"data: {{roles: {{id: '{name}'}}}}, so that no model sees it;"
        if is_feature
        else "no model sees it, but others that are given these rows may;"
    )
    return Finding(
        code=OrderTellsTarget.code,
        severity=Severity.ASK,
        title=f"The {aspect} of '{name}' explains {skill:.0%} of {view.predicted}, "
        "though it only names the row.",
        evidence={"explained": round(skill, 4), "read off the id": aspect, "rows": len(view.train)},
        columns=(name,),
        **(worth(view.train, (name,)) if is_feature else {}),
        mend=f"{mend} were the ids given after the outcome was known? If it means something:\n"
        f"checks: {{accept: {{{OrderTellsTarget.code}: 'the id is known before, and says ...'}}}}",
    )
