"""Timing: what runs in a process of its own, loads one model and predicts its input example."""

from __future__ import annotations

import base64
import json
import sys
import time
import warnings
from contextlib import redirect_stdout
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.schema import Kind
from assay.errors import AssayError
from assay.inference.compiled import RowPredictor, fast_or_ordinary
from assay.inference.loading import LoadedModel, load_folder

_WARM_UP = 3
_TIMES = 100
_FEWEST_TIMES = 20
_PATIENCE_S = 2.0
"""For each size; only the fewest times may take longer."""


def main() -> None:
    """Read what to measure from standard input, and write what was found, or what broke, as JSON.

    Whatever a model of others prints stays out of that.
    """
    asked = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        try:
            found = measured(Path(asked["folder"]), asked["digest"], asked["sizes"])
        except AssayError as error:
            found = {"broken": error.what}
        except Exception as error:
            found = {"broken": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(found))


def measured(folder: Path, digest: str, sizes: list[int]) -> dict[str, Any]:
    """Latencies by rows at a time, the peak of memory, and what of it came with the model."""
    before = peak_mib()
    model = load_folder(folder, name="the model", expected=digest, trust=None)
    latencies = timed(fast_or_ordinary(model), input_example(folder, model), sizes)
    peak = peak_mib()
    return {"latencies": latencies, "memory_mib": peak, "model_mib": peak - before}


def input_example(folder: Path, model: LoadedModel) -> list[dict[str, Any]]:
    """The input rows that were saved with a model; MLflow has written images as base64."""
    with (folder / "input_example.json").open(encoding="utf-8") as file:
        saved = json.load(file)
    images = {*model.schema.named(Kind.IMAGE)}
    return [
        {
            name: _image(cell) if name in images else cell
            for name, cell in zip(saved["columns"], row, strict=True)
        }
        for row in saved["data"]
    ]


def _image(cell: Any) -> Any:
    """An image as it was given: the bytes of a file, where these are written as text."""
    if not isinstance(cell, str):
        return cell
    try:
        return base64.b64decode("".join(cell.split()), validate=True)
    except ValueError:  # it is the path of a file
        return cell


def timed(
    predictor: RowPredictor, rows: list[dict[str, Any]], sizes: list[int]
) -> dict[int, dict[str, float]]:
    """Quantiles of how long it takes to predict so many rows, by their number: as a server does."""
    predict = predictor.predict_rows
    latencies = {}
    for size in sizes:
        batch = list(islice(cycle(rows), size))
        for _ in range(_WARM_UP):
            predict(batch)
        took: list[float] = []
        until, used = time.perf_counter() + _PATIENCE_S, time.process_time()
        for number in range(_TIMES):
            began = time.perf_counter()
            if number >= _FEWEST_TIMES and began > until:
                break
            predict(batch)
            took.append((time.perf_counter() - began) * 1000)
        cpu_ms = (time.process_time() - used) * 1000 / len(took)
        p50, p99 = np.quantile(took, [0.5, 0.99], method="higher").tolist()
        latencies[size] = {"n": len(took), "p50_ms": p50, "p99_ms": p99, "cpu_ms": cpu_ms}
    return latencies


def peak_mib() -> float:
    """The most memory that this process has had so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # what `getrusage` says on Linux still counts the process that forked us
        kib = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kib.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
