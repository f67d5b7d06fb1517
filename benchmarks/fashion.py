"""How long `resnet` takes to learn Fashion-MNIST on this machine, and how well, with one seed.

The table has images, a label and a column that marks the official test rows, as `assay init` finds
them; `flip` is set, for clothes may be mirrored, and all else is the learner's own default. The
sealed rows are opened once, at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

LEVELS = (0.90, 0.92)
MOST_MINUTES, LEAST_ACCURACY = 30, 0.93
QUICK = {"epochs": 1}


def learnt(source: Path, label: str, marks: str, training: dict[str, Any]) -> dict[str, Any]:
    """Train on the table, and judge on its sealed rows."""
    import assay
    from assay.tracking.memory import MemoryStore

    store = MemoryStore()
    split = {"column": marks, "validation": 0.1}
    asked = {
        "data": {"source": str(source.absolute()), "target": label, "split": split},
        "model": {"learner": "resnet", "options": {"flip": True}},
        "training": {"seeds": 1, **training},
    }
    path = Path(tempfile.mkdtemp()) / "fashion.yaml"
    path.write_text(json.dumps(asked))
    began, started = time.time(), time.perf_counter()
    run = assay.train(path, store=store)
    minutes = (time.perf_counter() - started) / 60
    points = [
        point
        for each in store._kept.values()
        for name, kept in each.points.items()
        if name == "validation/accuracy"
        for point in kept
    ]
    curve = sorted(((point.at / 1000 - began) / 60, point.value) for point in points)
    test = assay.evaluate(run, on="test", store=store)
    assert test.test is not None
    accuracy = test.test.evaluation.metrics["accuracy"]
    return {
        "minutes": minutes,
        "curve": curve,
        "minutes_to": {str(level): _when(curve, level) for level in LEVELS},
        "validation": run.evaluation.metrics["accuracy"].as_dict(),
        "test": accuracy.as_dict(),
        "chosen": dict(run.chosen),
        "cores": len(os.sched_getaffinity(0)),
    }


def _when(curve: list[tuple[float, float]], level: float) -> float | None:
    """Minutes until the accuracy on validation rows was so high for the first time."""
    return next((minutes for minutes, accuracy in curve if accuracy >= level), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="the images, with the official test rows")
    parser.add_argument("--label", default="label", help="the column to predict")
    parser.add_argument("--marks", default="split", help="the column that says 'test'")
    parser.add_argument("--quick", action="store_true", help="one epoch: only whether it runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    training = QUICK if arguments.quick else {}
    with tempfile.TemporaryDirectory() as place:
        os.environ["ASSAY_WORKSPACE"] = f"{place}/workspace"
        os.environ["ASSAY_LEDGER"] = f"{place}/ledger.db"
        found = learnt(arguments.table, arguments.label, arguments.marks, training)
    if arguments.json:
        print(json.dumps(found))
        return
    for minutes, accuracy in found["curve"]:
        print(f"{minutes:6.1f} min  {accuracy:.4f} on validation rows")
    for level, minutes in found["minutes_to"].items():
        print(f"to {level}: {'never' if minutes is None else f'{minutes:.1f} min'}")
    test, minutes = found["test"], found["minutes"]
    said = f"{test['value']:.4f} ({test['low']:.4f} to {test['high']:.4f})"
    for name, value, wanted, is_met in (
        ("accuracy on sealed rows", said, f">= {LEAST_ACCURACY}", test["value"] >= LEAST_ACCURACY),
        ("training", f"{minutes:.1f} min", f"<= {MOST_MINUTES}", minutes <= MOST_MINUTES),
    ):
        print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
