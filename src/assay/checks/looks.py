"""Looks: how often the same test rows were looked at, and by how many settings.

A setting that was fitted with several seeds is one setting: its seeds are no choice. Under no
difference between k settings, an interval of 95 % around the best of them errs above in 1 - 0.975^k
of all cases: twice as often as it says from the fifth on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from scipy.special import ndtri

from assay.checks.history import History
from assay.evaluation.intervals import widened

LEVEL = 0.95
MANY = 5


@dataclass(frozen=True)
class Looks:
    """What was done with one set of test rows, the most used one.

    Attributes:
        digest: Of the rows; empty where nobody recorded it.
        settings: Settings that were measured on them.
        looks: Times that they were measured on, seeds of one setting counting once.
        best_of: Runs of these settings, by name.
        first: When the first of these runs began; None where that is not said.
        last: When the last one did.
    """

    digest: str
    settings: int
    looks: int
    best_of: tuple[str, ...]
    first: datetime | None
    last: datetime | None

    @property
    def level(self) -> float:
        """At which an interval of 95 % must be read after so many looks."""
        return widened(LEVEL, self.looks)

    @property
    def wider(self) -> float:
        """How many times as wide an interval becomes by that."""
        return float(ndtri((1 + self.level) / 2) / ndtri((1 + LEVEL) / 2))

    @property
    def errs(self) -> float:
        """How often an interval of 95 % lies wholly above what the best of equal settings is."""
        return 1 - (1 - (1 - LEVEL) / 2) ** max(self.settings, self.looks)

    @property
    def days(self) -> float | None:
        """From the first look to the last."""
        if self.first is None or self.last is None:
            return None
        return (self.last - self.first).total_seconds() / 86_400


def looks_of(history: History) -> Looks:
    """The use of the test rows that most settings were measured on."""
    by_digest: dict[str, dict[str, int]] = defaultdict(dict)
    for run in history.runs:
        for digest in {each.digest for each in run.tests}:
            many = sum(each.digest == digest for each in run.tests)
            settings = by_digest[digest]
            settings[run.setting] = max(many, settings.get(run.setting, 0))
    if not by_digest:
        return Looks("", 0, history.looks or 0, (), None, None)
    digest, settings = max(by_digest.items(), key=lambda each: sum(each[1].values()))
    runs = [each for each in history.runs if digest in {one.digest for one in each.tests}]
    times = [each.time for each in runs if each.time is not None]
    return Looks(
        digest=digest,
        settings=len(settings),
        looks=max(sum(settings.values()), history.looks or 0),
        best_of=tuple(each.name for each in runs),
        first=min(times, default=None),
        last=max(times, default=None),
    )
