"""AS108 future-feature: a column of a series that knows what is only going to happen.

Centred windows, leads taken for lags, maxima over the days to come: what they hold is not there
when the prediction is made. Needs a declared time, and the column of the series where there are
several. Firm where an equation proves it on every row (`leads`), a question where the relation is
strong but blurred: a column may honestly foretell another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.leads import Lead, leads_of
from assay.checks.windows import series_of
from assay.checks.worth import worth
from assay.findings import Finding, NotApplicable, Severity


class FutureFeature:
    """Finds features that follow from later values of another column, or of the target."""

    code = "AS108"
    name = "future-feature"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Hold each number against what the others are before and after."""
        series = series_of(view)
        if isinstance(series, str):
            return NotApplicable(series)
        return [_finding(lead, len(series.middle), view) for lead in leads_of(series)]


def _finding(lead: Lead, n: int, view: View) -> Finding:
    of = view.predicted if lead.of is None else f"'{lead.of}'"
    to_come = "values of the same row and later ones" if lead.of is None else "later values"
    if lead.is_exact:
        title = f"'{lead.column}' follows exactly from {to_come} of {of}."
        mend = (
            f"data: {{roles: {{ignore: ['{lead.column}']}}}}\nor compute it from earlier rows only"
        )
    else:
        title = f"'{lead.column}' knows {to_come} of {of}, as far as can be seen."
        mend = (
            f"Is '{lead.column}' known when the prediction is made? If not:\n"
            f"data: {{roles: {{ignore: ['{lead.column}']}}}}\n"
            "If it is, and foretells the other:\n"
            f"checks: {{accept: {{{FutureFeature.code}: 'known before, because ...'}}}}"
        )
    return Finding(
        code=FutureFeature.code,
        severity=Severity.WARN if lead.is_exact else Severity.ASK,
        title=title,
        evidence={
            "explained with later values": round(lead.explained, 4),
            "explained without them": round(lead.explained_before, 4),
            "rows looked at": n,
        },
        columns=(lead.column,),
        **worth(view.train, (lead.column,)),
        mend=mend,
    )
