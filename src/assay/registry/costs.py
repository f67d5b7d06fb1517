"""Costs of a model in use: latency, memory and size, measured in a process of its own.

A process that has trained or judged holds much that one that only predicts does not; so a fresh
interpreter loads the model and predicts its input example, one row and a thousand rows at a time.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.errors import InputError
from assay.provenance import hardware
from assay.provenance.environment import thread_variables

BATCH = 1000
SIZES = (1, BATCH)
"""Rows at a time that are timed."""

_MIB = 1 << 20
_TIMEOUT_S = 300
_SHOWN_ERROR = 300


@dataclass(frozen=True)
class Latency:
    """How long predictions of so many rows took.

    Attributes:
        n: How many predictions were timed.
        p50_ms: Milliseconds within which half of them were done.
        p99_ms: Milliseconds within which 99 of 100 were done; of fewer than 100 the longest.
        cpu_ms: Milliseconds of processor time on average, which no other process adds to.
    """

    n: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Costs:
    """What a model costs in use, on the machine where that was measured.

    Attributes:
        latencies: By rows at a time.
        memory_mib: Most memory that the process had.
        model_mib: How much of it came with loading the model and predicting.
        size_mib: Of the model's files.
        digest: Of the model that was measured.
        measured: When, ISO 8601, UTC.
        hardware: Of the machine.
        load: Processes that wanted a core, on average over the minute; NaN where nobody knows.
        threads: What the environment says of threads.
    """

    latencies: Mapping[int, Latency]
    memory_mib: float
    model_mib: float
    size_mib: float
    digest: str
    measured: str
    hardware: Mapping[str, Any]
    load: float
    threads: Mapping[str, str]

    @property
    def machine(self) -> str:
        """The machine in a few words, and how busy it was."""
        cores = self.hardware.get("logical cores", "?")
        named = f"{self.hardware.get('processor', 'an unknown processor')}, {cores} cores"
        return named if math.isnan(self.load) else f"{named}, load {self.load:.1f}"

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "latencies": {str(n): dict(vars(each)) for n, each in self.latencies.items()},
            "hardware": dict(self.hardware),
            "load": None if math.isnan(self.load) else self.load,
            "threads": dict(self.threads),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Costs:
        """Read back what `as_dict` wrote."""
        latencies = {int(n): Latency(**each) for n, each in record["latencies"].items()}
        load = math.nan if record["load"] is None else record["load"]
        return cls(**{**record, "latencies": latencies, "load": load})


def measure(folder: Path, digest: str) -> Costs:
    """Load a model in a process of its own, and time it there.

    Args:
        folder: The MLflow model folder.
        digest: The digest that its files must have.

    Raises:
        InputError: It cannot be loaded here, or cannot predict its input example.
    """
    code = "from assay.registry.timing import main; main()"
    try:
        done = subprocess.run(
            # the same path, by which a learner of one's own is found
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            input=json.dumps({"folder": str(folder), "digest": digest, "sizes": SIZES}),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
    except subprocess.TimeoutExpired:
        raise _not_measured(folder, f"it took longer than {_TIMEOUT_S} s") from None
    if done.returncode != 0:  # killed, most likely for its memory
        raise _not_measured(folder, f"its process ended with status {done.returncode}")
    found = json.loads(done.stdout)
    if "broken" in found:
        raise _not_measured(folder, found["broken"])
    return Costs(
        latencies={int(n): Latency(**each) for n, each in found["latencies"].items()},
        memory_mib=found["memory_mib"],
        model_mib=found["model_mib"],
        size_mib=size_mib(folder),
        digest=digest,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        hardware=hardware(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan,
        threads=thread_variables(),
    )


def size_mib(folder: Path) -> float:
    """What all files below a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _MIB


def _not_measured(folder: Path, why: str) -> InputError:
    return InputError(
        f"The model could not be timed: {why[:_SHOWN_ERROR]}",
        where=str(folder),
        mend="see that it predicts here: assay predict MODEL DATA",
    )
