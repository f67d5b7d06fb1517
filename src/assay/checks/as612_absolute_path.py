"""AS612 absolute-path: a setting that names a place on one machine.

The experiment cannot be run elsewhere, and often tells who ran it. Addresses are fine: they lead
to the same thing from everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.history import history_of
from assay.findings import Finding, NotApplicable, Severity

_ABSOLUTE = re.compile(r"(/[^/\s]+){2,}/?$|~[\w.-]*/|[A-Za-z]:[\\/]|\\\\\w")
MOST_TOLD = 10


class AbsolutePath:
    """Looks for absolute paths among the settings of recorded runs."""

    code = "AS612"
    name = "absolute-path"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at every setting of every run."""
        history = history_of(view)
        if isinstance(history, NotApplicable):
            return history
        every = {name: value for run in history.runs for name, value in run.params.items()}
        return absolute_paths(every)


def absolute_paths(settings: Mapping[str, Any]) -> list[Finding]:
    """What there is to say of settings by dotted name.

    >>> [each.evidence for each in absolute_paths({"data.source": "/home/ada/rows.csv"})]
    [{'data.source': '/home/ada/rows.csv'}]
    >>> absolute_paths({"data.source": "rows.csv", "tracking.uri": "https://host/path"})
    []
    """
    found = {
        name: value
        for name, value in settings.items()
        if isinstance(value, str) and _ABSOLUTE.match(value.removeprefix("file://"))
    }
    if not found:
        return []
    names = [*found]
    return [
        Finding(
            code=AbsolutePath.code,
            severity=Severity.NOTE,
            title=f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''} "
            f"{'is a path' if len(names) == 1 else 'are paths'} of one machine.",
            evidence=dict([*found.items()][:MOST_TOLD]),
            mend="write paths relative to the experiment file, or with a variable: "
            "${DATA}/rows.parquet",
        )
    ]
