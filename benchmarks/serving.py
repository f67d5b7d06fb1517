"""What an answer costs: a pipeline of 20 mixed columns, served by Assay and by others in turn.

All serve the same fitted scikit-learn pipeline (14 numbers, 6 categories, imputed, scaled, one-hot,
then boosted trees) on loopback, one process each; Assay's with calibration, threshold and the
validation of every cell besides. CPU time is that of the server and its children. So many requests
a second one core answers as its CPU time allows. Those who ask are in another process.

Peers: `--peers PYTHON` names an environment with fastapi, uvicorn and bentoml; mlflow is that of
this one.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from load import Load, Served, free_port, loaded, memory_mib, request_of

N_ROWS, BATCH = 5000, 1000
WANTED_CPU_MS, TIMES_MLFLOW, TIMES_OTHERS = 0.5, 15, 8
MOST_GROWTH_MIB = 8

FASTAPI = """
from typing import Any
import joblib, pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel
model = joblib.load("model.joblib")
app = FastAPI()
class Rows(BaseModel):
    rows: list[dict[str, Any]]
@app.post("/predict")
def predict(asked: Rows):
    return {"probabilities": model.predict_proba(pd.DataFrame(asked.rows)).tolist()}
"""
BENTO = """
from typing import Any
import bentoml, joblib, pandas as pd
@bentoml.service(workers=1)
class Served:
    def __init__(self):
        self.model = joblib.load("model.joblib")
    @bentoml.api(route="/predict")
    def predict(self, rows: list[dict[str, Any]]) -> dict:
        return {"probabilities": self.model.predict_proba(pd.DataFrame(rows)).tolist()}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer requests, no peers but named")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON", help="with fastapi, uvicorn and bentoml")
    parser.add_argument("--no-mlflow", action="store_true")
    parser.add_argument("--requests", type=int, default=200_000, help="for the look at memory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = _measured(Path(folder), arguments)
    if arguments.json:
        print(json.dumps(results))
    else:
        _show(results)


def _measured(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true",
                   "BENTOML_DO_NOT_TRACK": "True", "ASSAY_WORKSPACE": str(folder / "workspace"),
                   "ASSAY_LEDGER": str(folder / "ledger.db")}  # fmt: skip
    os.environ |= environment
    rows = prepared(folder)
    quick = arguments.quick
    results: dict[str, Any] = {"servers": {}}
    for name, (command, port, key, env) in _servers(folder, arguments).items():
        one = request_of(_path(name), orjson.dumps({key: rows[:1]}))
        many = request_of(_path(name), orjson.dumps({key: rows}))
        n = 2000 if name == "assay" else 100
        n = n // 4 if quick else n
        with Served(command, port, folder / f"{name}.log", {**environment, **env}) as server:
            server.await_answer(one)
            loaded(port, one, max(20, n // 10), 1, server.process)
            results["servers"][name] = {
                "one row": _told(loaded(port, one, n, 1, server.process)),
                "one row, 16 at once": _told(loaded(port, one, n, 16, server.process)),
                "1000 rows": _told(loaded(port, many, 8 if quick else 40, 1, server.process)),
            }
            if name == "assay":
                results["1000 rows in turn"] = _in_turn(server, many, folder, rows, quick)
                results |= _more_of_ours(server, rows, arguments)
    return results


def _more_of_ours(
    server: Served, rows: list[dict[str, Any]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Arrow bodies, and memory over many requests."""
    stream = io.BytesIO()
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    media_type = "application/vnd.apache.arrow.stream"
    arrow = request_of("/predict/batch", stream.getvalue(), media_type)
    found: dict[str, Any] = {"arrow": _told(loaded(server.port, arrow, 20, 1, server.process))}
    one = request_of("/predict", orjson.dumps(rows[0]))
    n = 4000 if arguments.quick else arguments.requests
    loaded(server.port, one, n // 10, 16, server.process)
    before = memory_mib(server.process)
    under_load = loaded(server.port, one, n, 16, server.process)
    after = memory_mib(server.process)
    told = {"requests": n, "before_mib": before, "after_mib": after}
    return found | {"memory": told | {"load": _told(under_load)}}


def prepared(folder: Path) -> list[dict[str, Any]]:
    """Train, save for everybody, and give the rows that are asked about."""
    import mlflow.sklearn
    from sklearn.base import clone

    import assay
    from assay.tracking.memory import MemoryStore

    table = _table()
    pipeline = _pipeline()
    store = MemoryStore()
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    run = assay.train(table, target="y", learner=clone(pipeline), settings=settings,
                      store=store, workers=1, checks=[])  # fmt: skip
    store.model(run.run_id, folder)[0].rename(folder / "assay-model")
    features = table.drop(columns="y")
    pipeline.fit(features, table["y"])
    joblib.dump(pipeline, folder / "model.joblib")
    mlflow.sklearn.save_model(
        pipeline, str(folder / "mlflow-model"), serialization_format="cloudpickle",
        pip_requirements=["scikit-learn"],
    )  # fmt: skip
    (folder / "served_by_fastapi.py").write_text(FASTAPI)
    (folder / "served_by_bento.py").write_text(BENTO)
    return json.loads(features.head(BATCH).to_json(orient="records"))


def _table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{i}": random.normal(size=N_ROWS) for i in range(14)})
    for i in range(6):
        frame[f"c{i}"] = random.choice(list("abcde"), N_ROWS)
    noise = random.normal(size=N_ROWS) * 0.3
    score = frame["n1"] + frame["n2"] * frame["n3"] + (frame["c0"] == "a") + noise
    frame.loc[random.random(N_ROWS) < 0.05, "n0"] = np.nan
    return frame.assign(y=np.where(score > 0.3, "yes", "no"))


def _pipeline() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    levels = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    columns = ColumnTransformer([
        ("numbers", numbers, [f"n{i}" for i in range(14)]),
        ("levels", levels, [f"c{i}" for i in range(6)]),
    ])  # fmt: skip
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=100, random_state=0))


def _servers(
    folder: Path, arguments: argparse.Namespace
) -> dict[str, tuple[list[str], int, str, dict[str, str]]]:
    """By name: command, port, the key that rows are sent under, and more environment."""
    ports = [str(free_port()) for _ in range(4)]
    here = [sys.executable, "-m"]
    quiet = folder / "serving.yaml"
    quiet.write_text("serving: {log_requests: true}\n")
    served = {
        "assay": ([*here, "assay", "serve", str(folder / "assay-model"), "--port", ports[0],
                   "--settings", str(quiet)], int(ports[0]), "rows", {}),
    }  # fmt: skip
    if not arguments.no_mlflow:
        path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        command = [*here, "mlflow", "models", "serve", "-m", str(folder / "mlflow-model")]
        command += ["--env-manager", "local", "-h", "127.0.0.1", "-p", ports[1], "-w", "1"]
        served["mlflow"] = (command, int(ports[1]), "dataframe_records", path)
    if arguments.peers:
        there = [arguments.peers, "-m"]
        bare = {"PYTHONPATH": str(folder)}
        command = [*there, "uvicorn", "served_by_fastapi:app", "--port", ports[2]]
        served["fastapi"] = ([*command, "--log-level", "warning"], int(ports[2]), "rows", bare)
        command = [*there, "bentoml", "serve", "served_by_bento:Served", "--port", ports[3]]
        served["bentoml"] = ([*command, "--host", "127.0.0.1"], int(ports[3]), "rows", bare)
    return served


def _path(name: str) -> str:
    return "/invocations" if name == "mlflow" else "/predict"


def _in_turn(
    server: Served, many: bytes, folder: Path, rows: list[dict[str, Any]], quick: bool
) -> dict[str, list[float]]:
    """CPU time of 1,000 rows in ms: of the server, and of scikit-learn without one, in turn."""
    answer = _floor(folder, rows)
    times: dict[str, list[float]] = {"assay": [], "scikit-learn and parsing": []}
    gc.collect()
    gc.freeze()  # as the server does
    gc.set_threshold(50_000)
    with threadpool_limits(1):
        answer()
        for _ in range(3 if quick else 9):
            load = loaded(server.port, many, 20, 1, server.process)
            times["assay"].append(load.cpu_ms)
            began = time.process_time()
            for _ in range(20):
                answer()
            times["scikit-learn and parsing"].append((time.process_time() - began) * 1000 / 20)
    return times


def _floor(folder: Path, rows: list[dict[str, Any]]) -> Callable[[], bytes]:
    """scikit-learn's own prediction with parsing and writing, as quick as that goes."""
    pipeline = joblib.load(folder / "model.joblib")
    body = orjson.dumps({"rows": rows})

    def answer() -> bytes:
        frame = pd.DataFrame(orjson.loads(body)["rows"])
        return orjson.dumps({"probabilities": pipeline.predict_proba(frame).tolist()})

    return answer


def _told(load: Load) -> dict[str, float]:
    return {**asdict(load), "per_s": load.per_s}


def _show(results: dict[str, Any]) -> None:
    servers = results["servers"]
    for name, loads in servers.items():
        for what, load in loads.items():
            print(
                f"{name:8} {what:20} CPU {load['cpu_ms']:7.2f} ms, p50 {load['p50_ms']:7.2f}, "
                f"p99 {load['p99_ms']:7.2f}, {load['per_s']:7.0f}/s, {load['failed']:.0f} failed"
            )
    turns = {name: median(times) for name, times in results["1000 rows in turn"].items()}
    for name, ms in turns.items():
        print(f"1000 rows in turn, {name}: CPU {ms:.2f} ms")
    print(f"Arrow, 1000 rows: CPU {results['arrow']['cpu_ms']:.2f} ms")
    ours = servers["assay"]
    one = ours["one row"]["cpu_ms"]
    bar("one row, server CPU in ms", one, f"<= {WANTED_CPU_MS}", one <= WANTED_CPU_MS)
    busy = ours["one row, 16 at once"]["cpu_ms"]
    for name, wanted in (
        ("mlflow", TIMES_MLFLOW), ("bentoml", TIMES_OTHERS), ("fastapi", TIMES_OTHERS)
    ):  # fmt: skip
        if name in servers:
            times = servers[name]["one row, 16 at once"]["cpu_ms"] / busy
            bar(f"requests on one core, times {name}", times, f">= {wanted}", times >= wanted)
    share = turns["assay"] / turns["scikit-learn and parsing"]
    bar("1000 rows, share of scikit-learn and parsing", share, "<= 1", share <= 1)
    memory = results["memory"]
    growth = memory["after_mib"] - memory["before_mib"]
    under = memory["load"]
    print(f"{memory['requests']:,} requests, 16 at once: p99 {under['p99_ms']:.2f} ms")
    failed = sum(load["failed"] for load in [*ours.values(), under])
    bar("failed requests", failed, "0", failed == 0)
    bar("growth in MiB", growth, f"<= {MOST_GROWTH_MIB}", growth <= MOST_GROWTH_MIB)


def bar(name: str, value: float, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value:.2f} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
