"""Lists of runs in the terminal: a line each, a ranking, and the settings that set them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay.entry import brief
from assay.estimates import significant
from assay.evaluation.result import OUT_OF_FOLD, VALIDATION
from assay.logbook import Board
from assay.reports.wording import counted, duration, estimate, metric, metric_within, number
from assay.tracking.notes import Notes
from assay.tracking.ranking import apart
from assay.tracking.recorder import Status
from assay.tracking.runs import PRIMARY, ROWS
from assay.tracking.store import RunRecord

_WIDEST_VALUE = 24
_COLOURS = {
    Status.FINISHED: "green",
    Status.FAILED: "bold red",
    Status.INTERRUPTED: "yellow",
    Status.RUNNING: "cyan",
}


def status(record: RunRecord) -> Text:
    """How a run stands, in colour, with the reason."""
    text = Text(str(record.status), style=_COLOURS[record.status])
    if record.reason:
        text.append(f": {record.reason}", style="not bold default")
    return text


def started(record: RunRecord) -> str:
    """When a run began, to the minute, as the clock stood here."""
    return f"{datetime.fromisoformat(record.created).astimezone():%Y-%m-%d %H:%M}"


def took(record: RunRecord) -> str:
    """How long a run took; empty while that is not known."""
    return duration(record.duration_s) if record.duration_s is not None else ""


def document(records: Sequence[RunRecord], diff: bool) -> dict[str, Any]:
    """The list as `--json` gives it."""
    listed: dict[str, Any] = {"runs": [brief(each) for each in records]}
    if diff:
        listed["differences"] = {
            key: dict(zip([each.run_id for each in records], values, strict=True))
            for key, values in apart(records).items()
        }
    return listed


def table(records: Sequence[RunRecord], diff: bool) -> RenderableType:
    """A line for each run."""
    columns: dict[str, list[Text | str]] = {"run": [each.name for each in records]}
    if len({each.experiment for each in records}) > 1:
        columns["experiment"] = [each.experiment for each in records]
    columns["status"] = [status(each) for each in records]
    columns["primary metric"] = [_primary(each) for each in records]
    tags = [" ".join(Notes.of(each.tags).tags) for each in records]
    if any(tags):
        columns["tags"] = [*tags]
    if diff:
        columns |= _differing(records)
    else:
        columns["started"] = [started(each) for each in records]
        columns["took"] = [took(each) for each in records]
    columns["id"] = [Text(each.run_id[:8], style="dim") for each in records]
    return _drawn(columns)


def _judged_on(records: Sequence[RunRecord]) -> str:
    """On which rows these runs were judged."""
    said = {OUT_OF_FOLD: "out of fold", VALIDATION: "on validation rows"}
    found = dict.fromkeys(each.tags.get(ROWS, OUT_OF_FOLD) for each in records)
    return " or ".join(said.get(each, each) for each in found)


def board(ranking: Board, diff: bool) -> RenderableType:
    """A ranking, with what may be concluded from it."""
    if not ranking.ranks:
        return Text("None of these runs has finished, so that there is nothing to rank.")
    records = [each.record for each in ranking.ranks]
    columns: dict[str, list[Text | str]] = {
        "": [str(place) for place in range(1, len(records) + 1)],
        "run": [each.reference if ranking.is_mixed else each.name for each in records],
        metric(ranking.primary): [
            estimate(each.estimate) if each.estimate is not None else number(each.value)
            for each in ranking.ranks
        ],
        "from the best": ["", *(number(each.from_best) for each in ranking.ranks[1:])],
    }
    tags = [" ".join(Notes.of(each.tags).tags) for each in records]
    if any(tags):
        columns["tags"] = [*tags]
    columns |= _differing(records) if diff else {"took": [took(each) for each in records]}
    columns["id"] = [Text(each.run_id[:8], style="dim") for each in records]
    lines: list[RenderableType] = [_drawn(columns, metric(ranking.primary)), Text()]
    if len(records) > 1:
        first, second = (each.reference for each in records[:2])
        lines.append(
            Text(
                f"By {metric_within(ranking.primary)}, {_judged_on(records)}, each with its own "
                "interval: "
                f"the best of {counted(ranking.n, 'run')} looks better than it is. Whether two "
                f"differ by more than noise:\nassay compare {second} {first}",
                style="dim",
            )
        )
    if ranking.left_out:
        out = counted(ranking.left_out, "run")
        text = f"Left out: {out} on other data, by another metric, or without a result."
        lines.append(Text(text, style="dim"))
    return Group(*lines)


def _primary(record: RunRecord) -> str:
    name = record.tags.get(PRIMARY, "")
    return f"{name} {significant(record.metrics[name])}" if name in record.metrics else ""


def _differing(records: Sequence[RunRecord]) -> dict[str, list[Text | str]]:
    """A column for each setting in which they differ, called by the end of its key if that will do.

    What most runs have is dim.
    """
    differing = apart(records)
    ends = [key.rpartition(".")[2] for key in differing]
    columns: dict[str, list[Text | str]] = {}
    for key, values in differing.items():
        end = key.rpartition(".")[2]
        usual = max(values, key=values.count)
        columns[end if ends.count(end) == 1 else key] = [
            Text(_short(value), style="dim" if value == usual else "bold") for value in values
        ]
    return columns


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    return value if len(value) <= _WIDEST_VALUE else f"{value[: _WIDEST_VALUE - 3]}..."


def _drawn(columns: Mapping[str, Sequence[Text | str]], whole: str = "") -> Table:
    """The columns as a table; of those that tell a number or a moment no line is broken."""
    kept = ("", "id", "took", "started", "from the best", whole)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        drawn.add_column(name, overflow="fold", no_wrap=name in kept)
    for row in zip(*columns.values(), strict=True):
        drawn.add_row(*row)
    return drawn
