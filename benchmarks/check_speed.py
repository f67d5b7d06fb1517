"""What looking for mistakes costs, beside the tools that look for some of them.

A mixed table (numbers with gaps, categories, whole numbers, dates, a text code) is made and divided
into training and test rows; each tool looks at it with its default settings, in a process of its
own. CPU seconds of the look itself (importing and reading the files apart) and the peak of resident
memory. Tools with packages that do not go with ours are run by an interpreter of their own:
`--peer skore=/path/to/python`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bars import bar

SIZES = {"100k x 30": (100_000, 30), "1M x 50": (1_000_000, 50)}
MOST_CPU_S = {"100k x 30": 5.0, "1M x 50": 60.0}
MOST_GIB = 4.0
PEER_ROWS = (10_000, 30)
"""A size that the slowest of the others comes to the end of."""

BEFORE = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
train_path, test_path = sys.argv[1:3]
"""
AFTER = """
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print("RESULT " + json.dumps({"cpu_s": time.process_time() - began, "peak_gib": peak}))
"""
PANDAS = """
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
def numbers(frame):
    return pd.DataFrame({
        name: frame[name].astype(float) if frame[name].dtype.kind in "fiub"
        else pd.Series(pd.factorize(frame[name])[0], index=frame.index).astype(float)
        for name in frame
    })
train, test = pd.read_parquet(train_path), pd.read_parquet(test_path)
X, y = train.drop(columns="y"), train["y"]
"""
LOOKS = {
    "assay": """
from assay import checking
from assay.checks.base import View
from assay.checks.known import known_checks
from assay.checks.run import run_checks
from assay.data.settings import DataSettings
settings = DataSettings(source="t", target="y")
evidence = checking.Evidence(test=test_path)
view = checking.view_of(train_path, settings, evidence)
began = time.process_time()
run_checks(view, known_checks())
""",
    "skore": PANDAS + """
from skore import EstimatorReport
X, X_test = numbers(X), numbers(test.drop(columns="y"))
began = time.process_time()
model = HistGradientBoostingClassifier()
report = EstimatorReport(model, X_train=X, y_train=y, X_test=X_test, y_test=test["y"])
report.checks.summarize()
""",
    "cleanlab": PANDAS + """
from sklearn.model_selection import cross_val_predict
from cleanlab import Datalab
features = numbers(X)
features = features.fillna(features.median())
features = ((features - features.mean()) / features.std()).to_numpy()
began = time.process_time()
model = HistGradientBoostingClassifier()
probabilities = cross_val_predict(model, features, y, method="predict_proba")
lab = Datalab({"y": y.to_numpy()}, label_name="y", verbosity=0)
lab.find_issues(pred_probs=probabilities, features=features)
""",
    "deepchecks": PANDAS + """
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import data_integrity, train_test_validation
categories = [name for name in X if X[name].dtype == object]
def dataset(frame):
    return Dataset(frame.drop(columns=["day"]), label="y", cat_features=categories)
began = time.process_time()
ours, theirs = dataset(train), dataset(test)
data_integrity().run(ours)
train_test_validation().run(ours, theirs)
""",
    "leaklens": PANDAS + """
import leaklens
began = time.process_time()
leaklens.LeakLens(train, test, target="y").run()
""",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smaller table only")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sizes = dict(list(SIZES.items())[: 1 if arguments.quick else None])
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (n, k) in sizes.items():
            paths = made_apart(Path(folder), n, k)
            results[name] = {"assay": look("assay", sys.executable, paths)}
        peers = [each.partition("=") for each in arguments.peer]
        if peers:
            n, k = PEER_ROWS
            paths = made_apart(Path(folder), n, k)
            beside = {name: look(name, python, paths) for name, _, python in peers}
            results[f"beside, {n:,} x {k}"] = {
                "assay": look("assay", sys.executable, paths),
                **beside,
            }
    if arguments.json:
        print(json.dumps(results))
        return
    for size, by_tool in results.items():
        for tool, result in by_tool.items():
            print(f"{size}, {tool}: {result}")
    for size, most in MOST_CPU_S.items():
        if size in results:
            ours = results[size]["assay"]
            bar(f"{size}, CPU s", ours["cpu_s"], f"<= {most}", ours["cpu_s"] <= most)
            bar(f"{size}, GiB", ours["peak_gib"], f"<= {MOST_GIB}", ours["peak_gib"] <= MOST_GIB)


def made_apart(folder: Path, n: int, columns: int) -> tuple[Path, Path]:
    """The tables, made in a process of their own: a child's peak begins at its parent's memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(tables, folder, n, columns).result()


def tables(folder: Path, n: int, columns: int) -> tuple[Path, Path]:
    """Paths of a table of so many rows and columns in two parts, the target 'y' included."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    n_numbers, n_levels = columns // 2, columns // 4
    numbers = random.normal(size=(n, n_numbers)).round(4)
    numbers[random.random(numbers.shape) < 0.03] = np.nan
    frame = pd.DataFrame(numbers, columns=[f"number_{i}" for i in range(n_numbers)])
    for i in range(n_levels):
        levels = np.array([f"level {k}" for k in range(3 + 7 * i)], dtype=object)
        frame[f"category_{i}"] = levels[random.integers(0, len(levels), n)]
    for i in range(columns - n_numbers - n_levels - 2):
        frame[f"count_{i}"] = random.poisson(3 + i, n)
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, n), "D")
    score = np.nan_to_num(numbers[:, :4]).sum(axis=1) + (frame["category_1"] == "level 1")
    frame["y"] = (score + random.normal(size=n) > 1.5).astype(int)
    cut = int(n * 0.7)
    paths = folder / f"train{n}.parquet", folder / f"test{n}.parquet"
    frame.iloc[:cut].to_parquet(paths[0], index=False)
    frame.iloc[cut:].to_parquet(paths[1], index=False)
    return paths


def look(tool: str, python: str, paths: tuple[Path, Path]) -> dict[str, Any]:
    """CPU seconds and peak memory of a look, or how it failed."""
    program = BEFORE + LOOKS[tool] + AFTER
    done = subprocess.run(
        [python, "-c", program, *map(str, paths)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    told = [each for each in done.stdout.splitlines() if each.startswith("RESULT ")]
    if not told:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(told[-1].removeprefix("RESULT "))
    return result


if __name__ == "__main__":
    main()
