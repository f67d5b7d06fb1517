"""One system on one table, in whatever environment it is installed in: benchmarks/automl.py.

    python automl_peers.py SYSTEM TRAIN.parquet TEST.parquet ABOUT.json

Prints one line of JSON. It needs numpy, pandas, pyarrow and psutil besides the system itself.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil


class Peak:
    """Most memory of this process and its children at the same time, sampled each 50 ms, in MiB."""

    def __enter__(self) -> Peak:
        self.mib, self._over = 0.0, False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over = True
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._over:
            total = 0
            for each in [own, *own.children(recursive=True)]:
                try:
                    total += each.memory_full_info().pss if sys.platform == "linux" else 0
                except psutil.Error:
                    continue
            self.mib = max(self.mib, total / 2**20)
            time.sleep(0.05)


def lightgbm(train: pd.DataFrame, target: str, about: dict[str, Any]) -> Any:
    """Untuned, with categories as pandas has them."""
    import lightgbm

    kind = lightgbm.LGBMRegressor if about["regression"] else lightgbm.LGBMClassifier
    features = train.drop(columns=[target])
    levels = {
        name: pd.CategoricalDtype(sorted(features[name].dropna().unique()))
        for name in features
        if not pd.api.types.is_numeric_dtype(features[name])
    }
    model = kind(n_jobs=2, verbose=-1, random_state=about["split"])
    model.fit(features.astype(levels), train[target])

    def predict(rows: pd.DataFrame) -> tuple[Any, list[Any]]:
        coded = rows.astype(levels)
        if about["regression"]:
            return model.predict(coded), []
        return model.predict_proba(coded), list(model.classes_)

    return predict


def flaml(train: pd.DataFrame, target: str, about: dict[str, Any]) -> Any:
    from flaml import AutoML

    model = AutoML()
    model.fit(
        train.drop(columns=[target]), train[target],
        task="regression" if about["regression"] else "classification",
        metric="r2" if about["regression"] else "log_loss",
        time_budget=about["seconds"], seed=about["split"] + 1, n_jobs=2, verbose=0,
    )  # fmt: skip

    def predict(rows: pd.DataFrame) -> tuple[Any, list[Any]]:
        if about["regression"]:
            return model.predict(rows), []
        return model.predict_proba(rows), list(model.classes_)

    return predict


def autogluon(train: pd.DataFrame, target: str, about: dict[str, Any]) -> Any:
    from autogluon.tabular import TabularPredictor

    task = "regression" if about["regression"] else None
    metric = "r2" if about["regression"] else "log_loss"
    path = tempfile.mkdtemp(prefix="autogluon-")
    model = TabularPredictor(label=target, eval_metric=metric, problem_type=task, path=path,
                             verbosity=0)  # fmt: skip
    model.fit(train, time_limit=about["seconds"], presets=about.get("presets", "medium_quality"),
              num_cpus=2, num_gpus=0)  # fmt: skip

    def predict(rows: pd.DataFrame) -> tuple[Any, list[Any]]:
        if about["regression"]:
            return model.predict(rows).to_numpy(), []
        said = model.predict_proba(rows)
        return said.to_numpy(), list(said.columns)

    return predict


SYSTEMS = {"lightgbm": lightgbm, "flaml": flaml, "autogluon": autogluon,
           "autogluon-best": autogluon}  # fmt: skip


def score(truth: pd.Series, said: Any, labels: list[Any]) -> dict[str, float]:
    """R2, or log loss; of a class that the model never saw the probability is 1e-15."""
    if not labels:
        errors = truth.to_numpy(dtype=float) - np.asarray(said, dtype=float)
        spread = truth.to_numpy(dtype=float) - truth.mean()
        return {"r2": float(1 - (errors**2).sum() / (spread**2).sum())}
    names = [str(each) for each in labels]
    place = {name: number for number, name in enumerate(names)}
    held = np.clip(np.asarray(said, dtype=float), 1e-15, 1)
    held = held / held.sum(axis=1, keepdims=True)
    of_truth = [
        held[row, place[name]] if name in place else 1e-15
        for row, name in enumerate(truth.astype(str))
    ]
    return {"log_loss": float(-np.log(of_truth).mean())}


def timed(predict: Any, rows: pd.DataFrame) -> dict[str, float]:
    """Milliseconds a row among many, and for one by itself; the least of several times."""
    many = rows.sample(5000, replace=True, random_state=0).reset_index(drop=True)

    def least(frame: pd.DataFrame, times: int) -> float:
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            predict(frame)
            took.append(time.perf_counter() - begun)
        return min(took) * 1000

    return {
        "predict_ms_per_row": least(many, 3) / len(many),
        "predict_one_ms": least(rows[:1], 10),
    }


def main() -> None:
    name, train_path, test_path, about_path = sys.argv[1:5]
    warnings.simplefilter("ignore")
    about = json.loads(Path(about_path).read_text())
    train, test = pd.read_parquet(train_path), pd.read_parquet(test_path)
    target = about["target"]
    load = os.getloadavg()[0]
    with Peak() as peak:
        begun, cpu = time.perf_counter(), time.process_time()
        predict = SYSTEMS[name](train, target, about)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        rows = test.drop(columns=[target])
        said, labels = predict(rows)
        speed = timed(predict, rows)
    result = {"fit_s": seconds, "main_cpu_s": cpu, **score(test[target], said, labels), **speed,
              "peak_mib": peak.mib, "load": [load, os.getloadavg()[0]]}  # fmt: skip
    print(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
