"""A mirror as somebody else might write one: a line of JSON for everything it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay.tracking.mirror import Opening
from assay.tracking.recorder import Histogram, Point, Silence, Status
from tests.contracts.mirrors import Seen

FILE = "telegrams.jsonl"


@dataclass(frozen=True)
class Telegraph:
    """Sends telegrams into a file."""

    office: Path = Path()
    name: str = "telegraph"
    resumes: bool = False

    def open(self, opening: Opening) -> Telegrapher:
        opening.folder.mkdir(parents=True, exist_ok=True)
        path = opening.folder / FILE
        path.unlink(missing_ok=True)
        teller = Telegrapher(path, "")
        teller.tags(opening.tags)
        return teller


class Telegrapher(Silence):
    def __init__(self, path: Path, prefix: str) -> None:
        self._path, self._prefix = path, prefix

    def _send(self, kind: str, **content: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({"kind": kind, "of": self._prefix, **content}) + "\n")

    def params(self, params: Mapping[str, Any]) -> None:
        self._send("params", params={name: str(value) for name, value in params.items()})

    def points(self, points: Sequence[Point]) -> None:
        for each in points:
            self._send("point", **each._asdict())

    def tags(self, tags: Mapping[str, str]) -> None:
        self._send("tags", tags=dict(tags))

    def finding(self, finding: Any, key: str = "") -> None:
        self._send("finding", finding=finding.as_dict(), key=key)

    def table(self, name: str, table: Any) -> None:
        self._send("table", name=name, rows=table.to_pylist())

    def histogram(self, name: str, values: Any, step: int = 0) -> None:
        self._send("histogram", name=name, step=step, **asdict(Histogram.of(values)))

    def model(self, folder: Path, name: str, digest: str) -> None:
        self._send("model", name=name, digest=digest)

    def child(self, name: str, key: str = "") -> Telegrapher:
        return Telegrapher(self._path, f"{self._prefix}{name}/")

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        self._send("finish", status=str(status), reason=reason, at=at)


def seen_in_telegraph(folder: Path) -> Seen:
    seen = Seen(text=(folder / FILE).read_text())
    for line in map(json.loads, seen.text.splitlines()):
        kind, prefix = line["kind"], line["of"]
        if kind == "params":
            seen.params |= {f"{prefix}{name}": value for name, value in line["params"].items()}
        elif kind == "point":
            name = f"{prefix}{line['name']}"
            seen.points.append((name, line["step"], line["value"], line["at"]))
        elif kind == "table":
            seen.rows[line["name"]] = line["rows"]
        elif kind == "histogram":
            made = Histogram(tuple(line["counts"]), tuple(line["edges"]))
            seen.histograms[f"{prefix}{line['name']}", line["step"]] = made
        elif kind == "finish" and not prefix:
            seen.status = line["status"]
    return seen
