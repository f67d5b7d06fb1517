"""One table in every form that can be read, and what to tell `read_table` of each."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Written:
    """Where a table was written, and the settings that go with it."""

    source: str | Path
    settings: dict[str, Any]


def mixed(n: int = 40, seed: int = 0) -> pd.DataFrame:
    """Numbers, whole and not, with gaps; words; codes; dates."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "number": random.normal(size=n).round(6) + 0.5,
            "whole": random.integers(-1000, 1000, n),
            "word": random.choice(["red", "Größe", "a; b, c", 'say "no"'], n),
            "code": [f"{each:05d}" for each in random.integers(0, 99999, n)],
            "day": pd.date_range("2026-01-01", periods=n, freq="31h").astype("datetime64[us]"),
        }
    )
    frame.loc[random.random(n) < 0.2, "number"] = np.nan
    frame.loc[random.random(n) < 0.2, "word"] = None
    return frame


def arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def csv(name: str = "table.csv", **options: Any) -> Callable[[pd.DataFrame, Path], Written]:
    def write(frame: pd.DataFrame, folder: Path) -> Written:
        compression = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}.get(Path(name).suffix)
        data = frame.to_csv(index=False, **options).encode(options.get("encoding", "utf-8"))
        if compression:
            with pa.output_stream(str(folder / name), compression=compression) as stream:
                stream.write(data)
        else:
            (folder / name).write_bytes(data)
        return Written(folder / name, {})

    return write


def parquet(frame: pd.DataFrame, folder: Path) -> Written:
    pq.write_table(arrow(frame), folder / "table.parquet", row_group_size=11)
    return Written(folder / "table.parquet", {})


def parquet_folder(frame: pd.DataFrame, folder: Path) -> Written:
    (folder / "parts").mkdir()
    for number, start in enumerate(range(0, len(frame), 15)):
        part = arrow(frame.iloc[start : start + 15])
        pq.write_table(part, folder / "parts" / f"part-{number:03}.parquet")
    (folder / "parts" / "_SUCCESS").write_text("")
    return Written(folder / "parts", {})


def csv_folder(frame: pd.DataFrame, folder: Path) -> Written:
    (folder / "parts").mkdir()
    for number, start in enumerate(range(0, len(frame), 15)):
        part = frame.iloc[start : start + 15]
        part.to_csv(folder / "parts" / f"{number:03}.csv", index=False, sep=";", decimal=",")
    return Written(folder / "parts", {})


def arrow_file(frame: pd.DataFrame, folder: Path) -> Written:
    table = arrow(frame)
    with pa.ipc.new_file(folder / "table.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=13)
    return Written(folder / "table.arrow", {})


def arrow_stream(frame: pd.DataFrame, folder: Path) -> Written:
    table = arrow(frame)
    with pa.ipc.new_stream(folder / "table.ipc", table.schema) as writer:
        writer.write_table(table, max_chunksize=13)
    return Written(folder / "table.ipc", {})


def feather(frame: pd.DataFrame, folder: Path) -> Written:
    pyarrow.feather.write_feather(arrow(frame), folder / "table.feather", compression="zstd")
    return Written(folder / "table.feather", {})


def jsonl(frame: pd.DataFrame, folder: Path) -> Written:
    records = frame.assign(day=frame["day"].astype(str)).astype(object).where(frame.notna(), None)
    lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in records.to_dict("records")]
    (folder / "table.jsonl").write_text("".join(lines), encoding="utf-8")
    return Written(folder / "table.jsonl", {})


def zipped_jsonl(frame: pd.DataFrame, folder: Path) -> Written:
    plain = jsonl(frame, folder).source
    assert isinstance(plain, Path)
    (folder / "table.ndjson.gz").write_bytes(gzip.compress(plain.read_bytes()))
    return Written(folder / "table.ndjson.gz", {})


def sqlite_table(frame: pd.DataFrame, folder: Path) -> Written:
    connection = sqlite3.connect(folder / "shop.db")
    frame.to_sql("sales", connection, index=False)
    connection.close()
    return Written(f"sqlite:///{folder / 'shop.db'}", {"query": "sales"})


def sqlite_query(frame: pd.DataFrame, folder: Path) -> Written:
    written = sqlite_table(frame, folder)
    return Written(written.source, {"query": "select * from sales order by rowid"})


def delta(frame: pd.DataFrame, folder: Path) -> Written:
    import deltalake

    deltalake.write_deltalake(str(folder / "table"), arrow(frame))
    return Written(f"delta://{folder / 'table'}", {})


def saved_dataset(frame: pd.DataFrame, folder: Path) -> Written:
    import datasets

    datasets.disable_progress_bars()
    made = datasets.Dataset.from_pandas(frame, preserve_index=False)
    made.save_to_disk(folder / "saved", num_shards=3)
    return Written(folder / "saved", {})


def excel(frame: pd.DataFrame, folder: Path) -> Written:
    path = folder / "table.xlsx"
    rows = frame.assign(day=frame["day"].astype(str)).astype(object)
    write_workbook(path, {"Sheet1": [list(frame.columns), *rows.itertuples(index=False)]})
    return Written(path, {})


FORMS: dict[str, Callable[[pd.DataFrame, Path], Written]] = {
    "csv": csv(),
    "csv with a mark": csv(encoding="utf-8-sig"),
    "csv in utf-16": csv(encoding="utf-16"),
    "csv in cp1252": csv(encoding="cp1252"),
    "semicolons and decimal commas": csv(sep=";", decimal=","),
    "tsv": csv("table.tsv", sep="\t"),
    "csv with bars": csv(sep="|"),
    "csv.gz": csv("table.csv.gz"),
    "csv.zst": csv("table.csv.zst"),
    "csv.bz2": csv("table.csv.bz2"),
    "all quoted": csv(quoting=1, lineterminator="\r\n"),
    "parquet": parquet,
    "parquet folder": parquet_folder,
    "csv folder": csv_folder,
    "arrow": arrow_file,
    "arrow stream": arrow_stream,
    "feather": feather,
    "jsonl": jsonl,
    "ndjson.gz": zipped_jsonl,
    "table of a database": sqlite_table,
    "query of a database": sqlite_query,
    "delta": delta,
    "saved dataset": saved_dataset,
    "excel": excel,
}

_NAMESPACE = "http://schemas.openxmlformats.org"
_MAIN = f"{_NAMESPACE}/spreadsheetml/2006/main"
_RELATIONS = f"{_NAMESPACE}/officeDocument/2006/relationships"
_PACKAGE = f"{_NAMESPACE}/package/2006"


def write_workbook(path: Path, sheets: dict[str, list[Any]]) -> None:
    """A workbook as Office writes it, as far as it needs to be; a gap is an empty cell."""
    types = links = listed = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
            types += f'<Override PartName="/xl/worksheets/s{number}.xml" ContentType="{kind}"/>'
            links += (
                f'<Relationship Id="r{number}" Type="{_RELATIONS}/worksheet" '
                f'Target="worksheets/s{number}.xml"/>'
            )
            listed += f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"/>'
            body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            file.writestr(
                f"xl/worksheets/s{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>',
            )
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
        file.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
            f'"/xl/workbook.xml" ContentType="{kind}"/>{types}</Types>',
        )
        relationships = f'<Relationships xmlns="{_PACKAGE}/relationships">'
        file.writestr(
            "_rels/.rels",
            f'{relationships}<Relationship Id="r1" Type="{_RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">'
            f"<sheets>{listed}</sheets></workbook>",
        )
        file.writestr("xl/_rels/workbook.xml.rels", f"{relationships}{links}</Relationships>")


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | np.number):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'
