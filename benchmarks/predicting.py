"""Memory and time of `assay predict` on a file of many rows, made by repeating a table.

Two sizes in the same run: memory must not grow with the rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.csv
import pyarrow.parquet

TABLE = Path(__file__).parent.parent / "examples" / "adult.parquet"
MOST_GIB, MOST_GROWTH = 1.0, 1.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200,000 and 400,000 rows")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--form", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    form = arguments.form
    rows = 400_000 if arguments.quick else arguments.rows
    with tempfile.TemporaryDirectory() as folder:
        model = _model(Path(folder))
        results = [_measured(Path(folder), model, n, form) for n in (rows // 2, rows)]
    if arguments.json:
        print(json.dumps(results))
        return
    for each in results:
        print(f"{each['rows']:,} rows: {each['seconds']:.0f} s, {each['peak_gib']:.2f} GiB")
    peak = results[1]["peak_gib"]
    growth = peak / results[0]["peak_gib"]
    _bar("peak memory in GiB", f"{peak:.2f}", f"<= {MOST_GIB}", peak <= MOST_GIB)
    _bar("growth for twice the rows", f"{growth:.2f}", f"<= {MOST_GROWTH}", growth <= MOST_GROWTH)


def _model(folder: Path) -> Path:
    """A boosting model of the table, as a folder."""
    import assay
    from assay.tracking.memory import MemoryStore

    store = MemoryStore()
    experiment = folder / "income.yaml"
    data = {"source": str(TABLE), "target": "income", "roles": {"ignore": ["split"]}}
    experiment.write_text(json.dumps({"data": data, "model": {"learner": "boosting"}}))
    run = assay.train(experiment, overrides=["training.seeds=1"], store=store)
    kept = folder / "model"
    store.model(run.run_id, folder)[0].rename(kept)
    return kept


def _measured(folder: Path, model: Path, rows: int, form: str) -> dict[str, Any]:
    """Predict so many rows in a process of its own, and watch its memory."""
    source, out = folder / f"{rows}.{form}", folder / f"{rows}-out.parquet"
    table = pyarrow.parquet.read_table(TABLE)
    write = pyarrow.csv.CSVWriter if form == "csv" else pyarrow.parquet.ParquetWriter
    with write(source, table.schema) as writer:
        left = rows
        while left > 0:
            writer.write_table(table.slice(0, left))
            left -= table.num_rows
    code = "from assay.cli.main import main; main()"
    command = [sys.executable, "-c", code, "predict", str(model), str(source), "--out", str(out)]
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_full_info().uss)
        except psutil.Error:
            break
        time.sleep(0.1)
    process.wait()
    written = pyarrow.parquet.ParquetFile(out).metadata.num_rows
    assert written == rows, f"{written} of {rows} rows were predicted"
    seconds = time.perf_counter() - started
    source.unlink()
    out.unlink()
    return {"rows": rows, "seconds": seconds, "peak_gib": peak / 2**30}


def _bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
