"""What monitoring found: one value, for the page, the terminal, JSON and the webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.schema import Schema
from assay.errors import NotFoundError
from assay.inference.reference import Reference
from assay.reports.wording import counted
from assay.serving.monitoring.alarms import Alarm, Watch, WatchedColumn, moment_of, watch
from assay.serving.monitoring.drift import FALSE_ALARMS_A_MONTH
from assay.serving.monitoring.files import versions_sampled
from assay.serving.monitoring.hourly import Hourly, Key, hourly_of
from assay.serving.monitoring.performance import Known, Performance, performance_of
from assay.serving.monitoring.refusals import USUAL, Refusals

DAYS = 30


@dataclass(frozen=True)
class Monitored:
    """A served model held against its training.

    Attributes:
        version: NAME/VERSION.
        until: The number of the hour that is not looked at, because it is not over.
        hourly: What came.
        watch: What became of the columns.
        performance: What predictions were worth.
        outcomes_kept: Whether outcomes are kept here at all.
    """

    version: str
    until: int
    hourly: Hourly
    watch: Watch
    performance: Performance
    outcomes_kept: bool

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Open ones first."""
        return self.watch.alarms

    @property
    def open_alarms(self) -> list[Alarm]:
        """Those that go on."""
        return [each for each in self.alarms if each.is_open]

    @property
    def columns(self) -> tuple[WatchedColumn, ...]:
        """In the order of the reference."""
        return self.watch.columns

    @property
    def refusals(self) -> Refusals:
        """Requests of all hours."""
        return Refusals.total(self.hourly.refusals)

    @property
    def hours_refused(self) -> list[tuple[int, Refusals]]:
        """The hours in which requests were refused, with their numbers, the latest first."""
        numbered = enumerate(self.hourly.refusals, start=self.hourly.first)
        return [(hour, each) for hour, each in numbered if each.refused][::-1]

    @property
    def n_kept(self) -> int:
        """Rows in the sample."""
        return int(self.hourly.kept.sum())

    @property
    def n_seen(self) -> int:
        """Rows that were answered in the same hours."""
        return max(self.n_kept, int(self.hourly.seen.sum()))

    @property
    def said(self) -> str:
        """The verdict in a sentence."""
        if self.hourly.n == 0:
            first = moment_of(self.until + 1)[:16].replace("T", " ")
            return f"No hour is over yet: the first look is just after {first} UTC."
        n = len(self.open_alarms)
        if n:
            return f"{counted(n, 'alarm')}: this is not what the model was trained for."
        if not any(each.is_watched for each in self.columns):
            return "There are too few rows yet to tell anything from chance."
        same = "Nothing differs from training by more than chance and a quarter deviation"
        if self.refusals.refused:
            return f"{same}, among the rows that were answered."
        return f"{same}."

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        performance = self.performance
        return {
            "model": self.version,
            "from": moment_of(self.hourly.first) if self.hourly.n else None,
            "until": moment_of(self.until),
            "rows": {"answered": self.n_seen, "sampled": self.n_kept},
            "requests": self._requests(),
            "alarms": [each.as_dict() for each in self.alarms],
            "false_alarms_a_month": FALSE_ALARMS_A_MONTH,
            "columns": [_column(each) for each in self.columns],
            "performance": {
                "metric": performance.metric,
                "training": performance.training.as_dict(),
                "rows": performance.rows,
                "served": performance.overall.as_dict() if performance.overall else None,
                "periods": [
                    {
                        "from": moment_of(each.first),
                        "until": moment_of(each.last + 1),
                        **each.estimate.as_dict(),
                    }
                    for each in performance.periods
                ],
                "unreadable_outcomes": performance.n_odd,
            },
        }

    def _requests(self) -> dict[str, Any]:
        """Those that were answered and those that were not, by problem and by hour."""
        total = self.refusals
        return {
            **_counted(total),
            "rows_refused": total.rows,
            "usual_share_refused": USUAL,
            "problems": [
                {"column": column or None, "kind": kind, "requests": n}
                for (column, kind), n in total.problems.most_common()
            ],
            "hours": [
                {"from": moment_of(hour), **_counted(each)}
                for hour, each in enumerate(self.hourly.refusals, start=self.hourly.first)
                if each.answered + each.refused
            ],
        }


def monitored(
    folder: Path,
    version: str,
    reference: Reference,
    schema: Schema,
    known: Mapping[Key, Known] | None,
    *,
    until: int,
) -> Monitored:
    """Hold the samples of a version against its training.

    Args:
        folder: With the samples of the model.
        version: NAME/VERSION.
        reference: How training was.
        schema: Of the model.
        known: Outcomes by row; None where none are kept.
        until: The number of the hour that is not over.

    Raises:
        NotFoundError: Nothing was sampled of it.
    """
    if not folder.is_dir() or version not in versions_sampled(folder):
        raise _unsampled(folder, version)
    outcomes = known or {}
    span = {"since": until - 24 * DAYS, "until": until}
    try:
        hourly, answered = hourly_of(folder, version, reference, schema, outcomes, **span)
    except FileNotFoundError:  # the server has just made one file of several
        hourly, answered = hourly_of(folder, version, reference, schema, outcomes, **span)
    performance, hourly = performance_of(answered, outcomes, reference, schema, hourly)
    return Monitored(
        version, until, hourly, watch(reference, hourly), performance, known is not None
    )


def _unsampled(folder: Path, version: str) -> NotFoundError:
    others = versions_sampled(folder) if folder.is_dir() else []
    if others:
        return NotFoundError(
            f"No prediction of {version} was sampled.",
            where=f"sampled: {', '.join(others)}",
            mend=f"assay monitor {others[-1]}",
        )
    return NotFoundError(
        f"No prediction of {version} was sampled yet.",
        where=str(folder),
        mend="serve it with a file of settings that keeps some of what is asked:\n"
        "serving: {sampling: {share: 1.0}}",
    )


def _counted(requests: Refusals) -> dict[str, Any]:
    n = requests.answered + requests.refused
    return {
        "answered": requests.answered,
        "refused": requests.refused,
        "share_refused": requests.share if n else None,
    }


def _column(watched: WatchedColumn) -> dict[str, Any]:
    column = watched.column
    return {
        "name": column.name,
        "role": column.role,
        "kind": column.kind,
        "rows": {"training": column.n + column.missing, "served": watched.n},
        "size": watched.size,
        "is_watched": watched.is_watched,
    }
