"""`assay tune` with the learner `auto` beside AutoML systems and untuned LightGBM, at equal time.

Every table is divided into two thirds to learn from and a third to judge on, as often as there are
splits; groups stay whole, and columns that give the target away are left out, for all systems. What
was measured is appended to a file, one line of JSON each, and not measured again: the benchmark
goes on where it was. What was measured under load is measured again with `--again-above`.

    python benchmarks/automl.py TABLES --out results.jsonl --seconds 60 \\
        --peer flaml=FLAML/bin/python --peer autogluon=AUTOGLUON/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

try:
    from benchmarks.tables import TARGETS
except ImportError:  # as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks.tables import TARGETS

IGNORED = {
    "bird_strikes": ["height", "remarks"], "covid_testing": ["ct_result"],
    "cran_check_time": ["status"], "mpls_stops": ["citationIssued", "personSearch",
    "vehicleSearch"], "nass_crash": ["injSeverity"], "storms": ["category", "wind"],
    "flights": ["dep_time", "dep_delay", "arr_time", "air_time"],
    "movies": [f"r{number}" for number in range(1, 11)], "penguins": ["Individual ID",
    "Sample Number"], "ames": ["Order", "PID"],
}  # fmt: skip
"""Columns that give the target away, or number the rows."""
GROUPS = {"storms": "storm_id", "nls_wages": "idcode"}
PART, OURS = "part", "assay"
SPLITS = 2
_GRACE_S = 240


def divided(folder: Path, name: str, split: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from, and a third to judge on."""
    frame = pd.read_parquet(folder / f"{name}.parquet")
    frame = frame.drop(columns=[each for each in IGNORED.get(name, []) if each in frame])
    frame = frame[frame[TARGETS[name]].notna()].reset_index(drop=True)
    frame = _plain(frame)
    random = np.random.default_rng(split)
    if name in GROUPS:
        groups = frame[GROUPS[name]].unique()
        held = set(random.permutation(groups)[: len(groups) // 3])
        out = frame[GROUPS[name]].isin(held).to_numpy()
    else:
        out = np.zeros(len(frame), dtype=bool)
        classes = frame[TARGETS[name]] if not _is_regression(frame[TARGETS[name]]) else None
        strata = [np.arange(len(frame))] if classes is None else [
            np.flatnonzero(classes == label) for label in sorted(classes.unique(), key=str)
        ]  # fmt: skip
        for rows in strata:
            out[random.permutation(rows)[: len(rows) // 3]] = True
    return frame[~out].reset_index(drop=True), frame[out].reset_index(drop=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns as every system reads them: numbers, or texts; dates as days since 1970."""
    for name in frame.columns:
        if pd.api.types.is_datetime64_any_dtype(frame[name]) or _is_date(frame[name]):
            days = pd.to_datetime(frame[name], utc=True) - pd.Timestamp(0, tz="UTC")
            frame[name] = days.dt.total_seconds() / 86400
        elif not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame


def _is_date(column: pd.Series) -> bool:
    known = column.dropna()
    return len(known) > 0 and hasattr(known.iloc[0], "isoformat")


def _is_regression(target: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(target) and target.nunique() > 30)


def ours(train: Path, test: Path, about: dict[str, Any]) -> dict[str, Any]:
    """`assay tune` on one table, in this process; the third to judge on is what it seals."""
    import time

    from benchmarks.automl_peers import Peak, score, timed

    import assay
    from assay.inference.loading import load_folder
    from assay.searching.tune import tune
    from assay.tracking.memory import MemoryStore

    learnt, held = pd.read_parquet(train), pd.read_parquet(test)
    whole = pd.concat([learnt.assign(**{PART: "train"}), held.assign(**{PART: "test"})],
                      ignore_index=True)  # fmt: skip
    folder = Path(tempfile.mkdtemp())
    whole.to_parquet(folder / "table.parquet")
    roles = {"group": about["group"]} if about["group"] else {}
    data = {"source": "table.parquet", "target": about["target"], "roles": roles,
            "split": {"column": PART, "by": "column", "seed": about["split"]}}  # fmt: skip
    if about["regression"]:
        data["task"] = "regression"
    limit = {"trials": about["trials"]} if about.get("trials") else {"seconds": about["seconds"]}
    written = {"data": data, "model": {"learner": "auto"}, "tuning": limit}
    (folder / "table.yaml").write_text(json.dumps(written))
    store = MemoryStore()
    load = os.getloadavg()[0]
    with Peak() as peak:
        begun, cpu = time.perf_counter(), time.process_time()
        found = tune(folder / "table.yaml", store=store)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        kept, digest = store.model(found.run.run_id, folder)
        model = load_folder(kept, name="auto", expected=digest, trust=None)
        rows = held.drop(columns=[about["target"]])

        def predict(frame: pd.DataFrame) -> tuple[Any, list[Any]]:
            if about["regression"]:
                return model.predict(frame), []
            return model.predict_proba(frame), list(model.classes)

        said, labels = predict(rows)
        speed = timed(predict, rows)
    tested = assay.evaluate(found.run, on="test", store=store).test
    primary = found.run.evaluation.primary
    metric = "r2" if about["regression"] else "log_loss"
    board = found.leaderboard
    return {
        "fit_s": seconds, "main_cpu_s": cpu, **score(held[about["target"]], said, labels), **speed,
        "peak_mib": peak.mib, "load": [load, os.getloadavg()[0]],
        "announced": found.run.evaluation.metrics[metric].as_dict(),
        "primary": primary,
        "sealed": tested.difference.estimate.as_dict() if tested and tested.difference else None,
        "tried": len(board.rows), "scored": board.n_scored,
        "members": [[round(each.weight, 3), each.candidate.told] for each in board.rows
                    if each.weight],
    }  # fmt: skip


def measured(folder: Path, name: str, split: int, system: str, python: str,
             asked: argparse.Namespace) -> dict[str, Any]:  # fmt: skip
    """One line of the results."""
    train, test = divided(folder, name, split)
    about = {"target": TARGETS[name], "regression": _is_regression(train[TARGETS[name]]),
             "seconds": asked.seconds, "split": split, "group": GROUPS.get(name),
             "trials": asked.trials}  # fmt: skip
    if system == "autogluon-best":
        about["presets"] = "best_quality"
    line = {"set": name, "split": split, "system": system, "seconds": asked.seconds,
            "n_train": len(train), "n_test": len(test)}  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        paths = [f"{place}/{each}" for each in ("train.parquet", "test.parquet", "about.json")]
        train.to_parquet(paths[0])
        test.to_parquet(paths[1])
        Path(paths[2]).write_text(json.dumps(about))
        command = [python, str(Path(__file__).with_name("automl_peers.py")), system, *paths]
        if system == OURS:
            command = [python, __file__, place, "--one"]
        places = {"ASSAY_WORKSPACE": f"{place}/workspace", "ASSAY_LEDGER": f"{place}/ledger.db"}
        threads = {} if system == OURS else {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
        try:
            done = subprocess.run(
                command, env={**os.environ, **places, **threads, "PYTHONWARNINGS": "ignore"},
                capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                timeout=asked.seconds * 4 + _GRACE_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {**line, "failed": "far beyond its time"}
    if done.returncode != 0 or not done.stdout.strip():
        return {**line, "failed": (done.stderr.strip().splitlines() or ["no word"])[-1][:300]}
    return {**line, **json.loads(done.stdout.strip().splitlines()[-1])}


def known(out: Path, seconds: float, again_above: float) -> dict[tuple[str, int, str], Any]:
    """What was measured, the last of each, but for what is to be measured again."""
    found = {}
    for text in out.read_text().splitlines() if out.exists() else []:
        each = json.loads(text)
        if (
            "failed" not in each
            and each["seconds"] == seconds
            and max(each.get("load", [0])) <= again_above
        ):
            found[each["set"], each["split"], each["system"]] = each
    return found


def summary(lines: list[dict[str, Any]]) -> str:
    """Mean rank of each system over the cases that all of them have, and the table."""
    systems = list(dict.fromkeys(each["system"] for each in lines))
    cases: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for each in lines:
        cases.setdefault((each["set"], each["split"]), {})[each["system"]] = each
    whole = {case: by for case, by in cases.items() if len(by) == len(systems)}
    losses = pd.DataFrame(
        {case: {name: _loss(by[name]) for name in systems} for case, by in whole.items()}
    ).T
    if losses.empty:
        return "no case that all systems have"
    ranks = losses.rank(axis=1)
    shown = [
        f"{'set':22}{'split':>6}  " + "".join(f"{name:>22}" for name in systems),
        *(
            f"{case[0]:22}{case[1]:>6}  " + "".join(f"{_told(by[name]):>22}" for name in systems)
            for case, by in sorted(whole.items())
        ),
    ]
    for name in systems:
        own = [by[name] for by in whole.values() if "failed" not in by[name]]

        def mean(key: str, own: list[dict[str, Any]] = own) -> float:
            return float(np.mean([each[key] for each in own])) if own else float("nan")

        shown.append(
            f"{name}: mean rank {ranks[name].mean():.2f} of {len(systems)} on {len(whole)} cases; "
            f"{mean('fit_s'):.1f} s, {mean('predict_ms_per_row'):.3f} ms a row, "
            f"{mean('predict_one_ms'):.1f} ms for one, {mean('peak_mib'):.0f} MiB"
        )
    own = [by[OURS] for by in whole.values() if OURS in by and by[OURS].get("sealed")]
    held = [each for each in own if each["sealed"]["low"] is not None]
    covers = sum(each["sealed"]["low"] <= 0 <= each["sealed"]["high"] for each in held)
    shown.append(f"announced score within noise of the sealed rows: {covers} of {len(held)}")
    return "\n".join(shown)


def _loss(line: dict[str, Any]) -> float:
    return float("inf") if "failed" in line else line.get("log_loss", -line.get("r2", 0))


def _told(line: dict[str, Any]) -> str:
    if "failed" in line:
        return "failed"
    return f"{line.get('log_loss', line.get('r2')):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--trials", type=int, help="Of ours, instead of seconds")
    parser.add_argument("--sets", nargs="*", default=list(TARGETS))
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--again-above", type=float, default=float("inf"), metavar="LOAD")
    parser.add_argument("--show", action="store_true", help="Measure nothing")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        place = asked.folder
        about = json.loads((place / "about.json").read_text())
        print(json.dumps(ours(place / "train.parquet", place / "test.parquet", about)))
        return
    systems = {OURS: sys.executable, "lightgbm": sys.executable}
    systems |= dict(each.split("=", 1) for each in asked.peer)
    done = known(asked.out, asked.seconds, asked.again_above)
    for name in asked.sets if not asked.show else []:
        for split in range(asked.splits):
            for system, python in systems.items():
                if (name, split, system) in done:
                    continue
                line = measured(asked.folder, name, split, system, python, asked)
                with asked.out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(
                    f"{name} {split} {system}: {_told(line)} {line.get('failed', '')}", flush=True
                )
    print(summary(list(known(asked.out, asked.seconds, float("inf")).values())))


if __name__ == "__main__":
    main()
