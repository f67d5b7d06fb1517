"""Records: a recorder's calls as lines of JSON, and lines as calls on another recorder.

A line is `[method, child, at, ...arguments]`; the child is the key of a run inside the run, '' for
the run itself; `at` is in milliseconds since 1970, UTC. Files are named by their path in the spool.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet

from assay.findings import Finding
from assay.tracking.recorder import Histogram, Point, Recorder, Status

_encode = json.JSONEncoder(separators=(",", ":"), default=lambda value: value.item()).encode
_METRICS = ("metrics", "series", "points")


@dataclass(frozen=True)
class Record:
    """One line.

    Attributes:
        method: The recorder's method.
        child: Key of the run inside the run; '' for the run itself.
        at: When, in milliseconds since 1970, UTC.
        arguments: What the method was given.
        start: Where the line begins.
        end: Where the next one does.
    """

    method: str
    child: str
    at: int
    arguments: Sequence[Any]
    start: int
    end: int

    @property
    def is_metric(self) -> bool:
        return self.method in _METRICS

    @property
    def n_points(self) -> int:
        """How many points a record of metrics has."""
        return len(self.arguments[0 if self.method == "points" else 1])

    @property
    def points(self) -> list[Point]:
        """The points of a record of metrics."""
        if self.method == "metrics":
            step, metrics = self.arguments
            return [Point(name, value, step, self.at) for name, value in metrics.items()]
        if self.method == "series":
            name, values = self.arguments
            return [Point(name, value, step, self.at) for step, value in enumerate(values, 1)]
        return [Point(*each) for each in self.arguments[0]]


def encoded(method: str, child: str, at: int, *arguments: Any) -> bytes:
    """A line, with its newline."""
    return _encode((method, child, at, *arguments)).encode() + b"\n"


def decoded(lines: bytes, start: int) -> Iterator[Record]:
    """The records in whole lines; one that is damaged is passed over.

    Args:
        lines: As `Log.read` gives them.
        start: Where the first begins.
    """
    end = start
    for line in lines.splitlines(keepends=True):
        start, end = end, end + len(line)
        try:
            method, child, at, *arguments = json.loads(line)
        except ValueError:  # of a disk that lost power: zeros, or half a line
            continue
        yield Record(method, child, at, arguments, start, end)


def batches(records: Sequence[Record], most_points: int) -> Iterator[list[Record]]:
    """Records that can be sent at once: metrics that follow each other in one run, else one each.

    Args:
        records: In order.
        most_points: Metrics in a batch at most, unless a single record has more.
    """
    for (_, is_metric), group in groupby(records, key=lambda each: (each.child, each.is_metric)):
        if not is_metric:
            yield from ([each] for each in group)
            continue
        batch: list[Record] = []
        n_points = 0
        for each in group:
            if batch and n_points + each.n_points > most_points:
                yield batch
                batch, n_points = [], 0
            batch.append(each)
            n_points += each.n_points
        yield batch


def replay(batch: Sequence[Record], onto: Recorder, folder: Path) -> None:
    """Do what a batch says; a child is begun by who holds the recorders.

    Args:
        batch: As `batches` makes them.
        onto: The recorder of that run.
        folder: Where the spool's files are.
    """
    first = batch[0]
    if first.is_metric:
        onto.points([point for each in batch for point in each.points])
        return
    given = first.arguments
    match first.method:
        case "finding":
            onto.finding(Finding.from_dict(given[0]), given[1])
        case "table":
            onto.table(given[0], pyarrow.parquet.read_table(folder / given[1], memory_map=False))
        case "histogram":
            name, step, counts, edges = given
            onto.histogram(name, Histogram(tuple(counts), tuple(edges)), step)
        case "artifact":
            onto.artifact(folder / given[0], given[1])
        case "model":
            onto.model(folder / given[0], *given[1:])
        case "finish":
            onto.finish(Status(given[0]), given[1], first.at)
        case "params" | "tags":
            getattr(onto, first.method)(given[0])
