"""AS712 shuffled-time: rows in order of time, divided at random.

Between its neighbours in time a row has little to hide: a random division lets the model look at
the day before and the day after. Firm where features are the past of the same column (`shift`) or
shuffling was asked for in so many words; where rows are only sorted or indexed by a date, asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.leaking import TABULAR
from assay.checks.code.scopes import Shuffle
from assay.findings import Finding, Severity

_SAYS = {
    "sorted": "sorted by date",
    "indexed": "indexed by date",
    "lagged": "given values of earlier rows",
}


class ShuffledTime:
    """Finds random divisions of rows that code put in order of time."""

    code = "AS712"
    name = "shuffled-time"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at what is shuffled."""
        found: dict[str, Finding] = {}
        for shuffle in script.trace.shuffles:
            if shuffle.times == {"lagged"}:
                continue
            finding = self._finding(script, shuffle)
            found.setdefault(finding.places[0], finding)
        return list(found.values())

    def _finding(self, script: Script, shuffle: Shuffle) -> Finding:
        firm = "lagged" in shuffle.times or shuffle.asked
        return script.finding(
            self.code,
            Severity.WARN if firm else Severity.ASK,
            "Rows in order of time are divided at random.",
            shuffle.node,
            "test the last rows: train_test_split(X, y, shuffle=False); or cv=TimeSeriesSplit(5)",
            rows_are=", ".join(_SAYS[each] for each in sorted(shuffle.times)),
        )
