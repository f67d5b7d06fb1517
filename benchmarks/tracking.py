"""What recording costs: 10,000 steps of five metrics, written by each way in turn.

Each way has a process of its own. CPU time is that of the thread which trains (what a step waits
for) and of the whole process with its children, from the first step until everything is where it
can be read; imports and the beginning of the run are not counted. Afterwards what is there is
counted. Assay and MLflow in batches are measured in five rounds, in turn.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STEPS, QUICK_STEPS = 10_000, 400
NAMES = ("loss", "accuracy", "gradient_norm", "learning_rate", "seconds")
WANTED_US, WANTED_TIMES = 20, 1.1
Write = Callable[[int, dict[str, float]], None]
Counted = Callable[[], int]


def values(step: int) -> dict[str, float]:
    return {name: math.exp(-step / 3000) + i for i, name in enumerate(NAMES)}


@contextmanager
def by_jsonl(folder: Path) -> Iterator[tuple[Write, Counted]]:
    path = folder / "log.jsonl"
    with path.open("a") as file:

        def write(step: int, metrics: dict[str, float]) -> None:
            file.write(f"{json.dumps([step, time.time(), metrics])}\n")
            file.flush()

        yield write, lambda: len(NAMES) * len(path.read_text().splitlines())


@contextmanager
def by_assay(folder: Path) -> Iterator[tuple[Write, Counted]]:
    from assay.place import Place
    from assay.tracking.recorder import Status

    os.environ["ASSAY_WORKSPACE"] = str(folder / "workspace")
    place = Place.to_begin(None, None)
    recorder = place.begin("benchmark", "ours", {})

    def count() -> int:
        return sum(len(place.store.history(recorder.run_id, name)) for name in NAMES)

    yield lambda step, metrics: recorder.metrics(metrics, step), count
    recorder.finish(Status.FINISHED)


def mlflow_run(folder: Path) -> tuple[Any, str]:
    import mlflow

    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("benchmark", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("benchmark")
    return mlflow, mlflow.start_run().info.run_id


def counted_in_mlflow(mlflow: Any, run_id: str) -> int:
    client = mlflow.MlflowClient()
    return sum(len(client.get_metric_history(run_id, name)) for name in NAMES)


@contextmanager
def by_mlflow(folder: Path) -> Iterator[tuple[Write, Counted]]:
    mlflow, run_id = mlflow_run(folder)
    yield (
        lambda step, metrics: mlflow.log_metrics(metrics, step=step),
        lambda: counted_in_mlflow(mlflow, run_id),
    )
    mlflow.end_run()


@contextmanager
def by_mlflow_in_batches(folder: Path) -> Iterator[tuple[Write, Counted]]:
    mlflow, run_id = mlflow_run(folder)
    client, waiting = mlflow.MlflowClient(), []

    def write(step: int, metrics: dict[str, float]) -> None:
        now = int(time.time() * 1000)
        waiting.extend(mlflow.entities.Metric(*each, now, step) for each in metrics.items())
        if len(waiting) + len(metrics) > 1000:
            flush()

    def flush() -> None:
        client.log_batch(run_id, metrics=waiting)
        waiting.clear()

    yield write, lambda: counted_in_mlflow(mlflow, run_id)
    flush()
    mlflow.end_run()


@contextmanager
def by_mlflow_async(folder: Path) -> Iterator[tuple[Write, Counted]]:
    mlflow, run_id = mlflow_run(folder)
    yield (
        lambda step, metrics: mlflow.log_metrics(metrics, step=step, synchronous=False),
        lambda: counted_in_mlflow(mlflow, run_id),
    )
    mlflow.flush_async_logging()
    mlflow.end_run()


@contextmanager
def by_wandb(folder: Path) -> Iterator[tuple[Write, Counted]]:
    import wandb

    quiet = wandb.Settings(console="off", silent=True)
    run = wandb.init(project="benchmark", dir=str(folder), mode="offline", settings=quiet)
    yield lambda step, metrics: run.log(metrics, step=step), lambda: -1
    run.finish()


@contextmanager
def by_tensorboard(folder: Path) -> Iterator[tuple[Write, Counted]]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder / "events"))

    def write(step: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            writer.add_scalar(name, value, step)

    yield write, lambda: -1
    writer.close()


WAYS = {
    "plain JSONL": by_jsonl,
    "assay": by_assay,
    "MLflow in batches": by_mlflow_in_batches,
    "MLflow, each step": by_mlflow,
    "MLflow, asynchronous": by_mlflow_async,
    "W&B offline": by_wandb,
    "TensorBoard": by_tensorboard,
}


def cpu_s() -> float:
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def measured(way: str, steps: int) -> dict[str, Any]:
    """In this process: what it took, and how many metrics are there afterwards."""
    with tempfile.TemporaryDirectory(prefix="tracking-") as folder:
        with WAYS[way](Path(folder)) as (write, count):
            write(0, values(0))  # whatever a first record sets up is not a step's
            before, started = cpu_s(), time.perf_counter()
            on_thread = time.thread_time()
            for step in range(1, steps + 1):
                write(step, values(step))
            on_thread = time.thread_time() - on_thread
            stepped = time.perf_counter() - started
        total, wall = cpu_s() - before, time.perf_counter() - started
        overhead = time.thread_time()
        for step in range(1, steps + 1):
            values(step)
        overhead = time.thread_time() - overhead
        return {
            "us_per_step": (on_thread - overhead) / steps * 1e6,
            "total_cpu_us_per_step": total / steps * 1e6,
            "wall_us_per_step": stepped / steps * 1e6,
            "seconds_until_readable": wall,
            "metrics": count(),
        }


def run(way: str, steps: int) -> dict[str, Any]:
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--way", way, "--steps", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(measured(arguments.way, arguments.steps)))
        return
    steps = QUICK_STEPS if arguments.quick else arguments.steps
    rivals = ("assay", "MLflow in batches")
    rounds = [{way: run(way, steps) for way in rivals} for _ in range(1 if arguments.quick else 5)]
    found = {way: run(way, steps) for way in WAYS if way not in rivals}
    found |= {way: middle([each[way] for each in rounds]) for way in rivals}
    found = {way: found[way] for way in WAYS}
    if arguments.json:
        print(json.dumps({"steps": steps, "metrics_per_step": len(NAMES), "ways": found}))
        return
    print(f"{'':22} training thread   in all      wall per step   readable after   metrics")
    for way, each in found.items():
        if "failed" in each:
            print(f"{way:22} {each['failed']}")
            continue
        there = f"{each['metrics']:,}" if each["metrics"] >= 0 else "not counted"
        print(
            f"{way:22} {each['us_per_step']:9.1f} us {each['total_cpu_us_per_step']:9.1f} us"
            f" {each['wall_us_per_step']:13.1f} us {each['seconds_until_readable']:12.1f} s"
            f"   {there}"
        )
    ours, batches = found["assay"], found["MLflow in batches"]
    times = ours["total_cpu_us_per_step"] / batches["total_cpu_us_per_step"]
    print(f"assay and MLflow in batches: the middle of {len(rounds)} rounds, in turn")
    expected = (steps + 1) * len(NAMES)
    bar("training thread", f"{ours['us_per_step']:.1f} us", f"<= {WANTED_US} us",
        ours["us_per_step"] <= WANTED_US)  # fmt: skip
    bar("in all", f"{times:.2f} x MLflow in batches", f"<= {WANTED_TIMES}", times <= WANTED_TIMES)
    bar("readable in MLflow", f"{ours['metrics']:,}", f"{expected:,}", ours["metrics"] == expected)


def middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run with the median of CPU time in all."""
    return sorted(runs, key=lambda each: each["total_cpu_us_per_step"])[len(runs) // 2]


def bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
