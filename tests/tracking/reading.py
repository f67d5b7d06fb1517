"""Reading back what the mirrors wrote, by the formats themselves."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.tracking.recorder import Histogram
from assay.tracking.wandb_run import STEP
from tests.contracts.mirrors import Seen

_BLOCK = 32768


def wandb_records(folder: Path) -> list[Any]:
    """The records of the one `.wandb` file below a folder: LevelDB's log, after a header of 7."""
    from wandb.proto.wandb_internal_pb2 import Record

    [path] = folder.rglob("*.wandb")
    records = []
    for content in _logged(path.read_bytes()):
        record = Record()
        record.ParseFromString(content)
        records.append(record)
    return records


def _logged(content: bytes) -> Iterator[bytes]:
    at, parts = 7, b""
    while at + 7 <= len(content):
        if _BLOCK - at % _BLOCK < 7:
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def history_of(record: Any) -> dict[str, Any]:
    """The items of a record of W&B's history; what has parts as a mapping of them."""
    items: dict[str, Any] = {}
    for item in record.history.item:
        name, *parts = item.nested_key or [item.key]
        value = json.loads(item.value_json)
        if parts:
            items.setdefault(name, {})["/".join(parts)] = value
        else:
            items[name] = value
    return items


def seen_in_wandb(folder: Path) -> Seen:
    seen, text = Seen(), []
    [files] = folder.glob("wandb/*/files")
    for record in wandb_records(folder):
        text.append(str(record))
        for item in record.config.update:
            if item.key != "_wandb":
                value = json.loads(item.value_json)
                seen.params[item.key] = value if isinstance(value, str) else json.dumps(value)
        if record.WhichOneof("record_type") == "history":
            _take_history(seen, history_of(record), files, text)
        for item in record.summary.update:
            if item.key == "status":
                seen.status = json.loads(item.value_json)
    seen.text = "\n".join(text)
    return seen


def _take_history(seen: Seen, items: dict[str, Any], files: Path, text: list[str]) -> None:
    step, at = items.pop(STEP), round(items.pop("_timestamp") * 1000)
    for name, value in items.items():
        if name.startswith("_"):
            continue
        if not isinstance(value, dict):
            seen.points.append((name, step, float(value), at))
        elif value["_type"] == "histogram":
            made = Histogram(tuple(value["values"]), tuple(value["bins"]))
            seen.histograms[name, step] = made
        elif value["_type"] == "table-file":
            content = (files / value["path"]).read_text()
            table = json.loads(content)
            text.append(content)
            rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
            seen.rows[name.removeprefix("tables/")] = rows


def seen_in_tensorboard(folder: Path) -> Seen:
    """By TensorBoard's own loader."""
    seen, text = Seen(), []
    for path in sorted(folder.rglob("*tfevents*")):
        prefix = f"{path.parent.relative_to(folder)}/".removeprefix("./")
        _take_events(seen, path, prefix, text)
    seen.text = "\n".join(text)
    return seen


def _take_events(seen: Seen, path: Path, prefix: str, text: list[str]) -> None:
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    for event in LegacyEventFileLoader(str(path)).Load():
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            if kind == "simple_value":
                at = round(event.wall_time * 1000)
                seen.points.append((f"{prefix}{value.tag}", event.step, value.simple_value, at))
            elif kind == "histo":
                counts = tuple(round(each) for each in value.histo.bucket[1:])
                made = Histogram(counts, tuple(value.histo.bucket_limit))
                seen.histograms[f"{prefix}{value.tag}", event.step] = made
            elif kind == "tensor" and value.tensor.string_val:
                _take_text(seen, value.tag, value.tensor.string_val[0].decode(), prefix, text)


def _take_text(seen: Seen, tag: str, written: str, prefix: str, text: list[str]) -> None:
    text.append(written)
    lines = [_cells(line) for line in written.splitlines() if line.startswith("|")]
    if tag == "params":
        seen.params |= {f"{prefix}{name}": value for name, value in lines[2:]}
    elif tag.startswith("tables/"):
        rows = [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]
        seen.rows[tag.removeprefix("tables/")] = rows
    elif tag == "status" and not prefix:
        seen.status = written.partition(":")[0]


def _cells(line: str) -> list[str]:
    return [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]]
