"""What Assay costs beside the same fits written by hand with scikit-learn.

A table of mixed columns is made; Assay trains `boosting` with its baselines, and a script by hand
fits the same estimators on the same folds and on all rows. Both have the same cores. CPU seconds
and peak memory of each, in processes of their own, in turn. A tenth of the rows says how that grows
which is not fitting: CPU seconds of the process that hands the fits to its workers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

MOST_TIMES_CPU, MOST_GIB, MOST_GROWTH = 1.15, 4.0, 11.0


def write_table(path: Path, n: int) -> None:
    """Ten numbers, eight categories, two dates, a binary target with a tenth of positives."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    numbers = random.normal(size=(n, 10))
    numbers[random.random((n, 10)) < 0.05] = np.nan
    frame = pd.DataFrame(numbers, columns=[f"number_{i}" for i in range(10)])
    sizes = (2, 3, 5, 8, 12, 20, 40, 80)
    for i, size in enumerate(sizes):
        frame[f"category_{i}"] = random.choice([f"level {k}" for k in range(size)], n)
    for i in range(2):
        days = pd.to_timedelta(random.integers(0, 2000, n), unit="D")
        frame[f"date_{i}"] = pd.Timestamp("2020-01-01") + days
    score = np.nan_to_num(numbers[:, :4]).sum(axis=1) + (frame["category_2"] == "level 1")
    frame["target"] = np.where(score + random.normal(size=n) > 3.2, "yes", "no")
    frame.to_parquet(path)


def by_assay(path: Path) -> dict[str, Any]:
    """All that `assay train` does, and the CPU seconds of each step in this process."""
    import assay
    from assay.monitor import Step
    from assay.tracking.memory import MemoryStore

    store = MemoryStore()
    steps: dict[str, float] = {}
    current, since = "Beginning", 0.0

    def follow(step: Step) -> None:
        nonlocal current, since
        now = time.process_time()
        steps[current] = steps.get(current, 0.0) + now - since
        current, since = step.text.split()[0], now

    experiment = path.with_suffix(".yaml")
    data = {"source": path.name, "target": "target"}
    experiment.write_text(json.dumps({"data": data, "model": {"learner": "boosting"}}))
    run = assay.train(experiment, overrides=["training.seeds=1"], store=store, announce=follow)
    follow(Step("End"))
    return {"roc_auc": run.metrics["roc_auc"].value, "duration_s": run.duration_s, "ours": steps}


def by_hand(path: Path) -> dict[str, Any]:
    """The same fits: the model and both baselines on five folds, the model on all rows."""
    import numpy as np
    import pandas as pd
    from joblib import Parallel, delayed
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, train_test_split

    frame = pd.read_parquet(path)
    target = (frame.pop("target") == "yes").to_numpy().astype(int)
    for name in list(frame.columns):
        if name.startswith("date"):
            date = frame.pop(name)
            frame[f"{name} day"] = (date - pd.Timestamp("1970-01-01")) / pd.Timedelta("1D")
            frame[f"{name} weekday"] = date.dt.dayofweek.astype(float)
            frame[f"{name} yearday"] = date.dt.dayofyear.astype(float)
        if name.startswith("category"):
            frame[name] = frame[name].astype(object)
    frame, _, target, _ = train_test_split(
        frame, target, test_size=0.2, stratify=target, random_state=0
    )
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(frame, target))
    tasks = [(kind, fold) for kind in ("boosting", "linear", "prior") for fold in folds]
    parallel = Parallel(n_jobs=os.cpu_count(), max_nbytes="1M")
    done = parallel(delayed(fit_by_hand)(frame, target, kind, *fold) for kind, fold in tasks)
    rounds = int(np.median([each[1] for each in done[:5]]))
    fit_by_hand(frame, target, "boosting", np.arange(len(frame)), None, rounds)
    said = np.empty(len(frame))
    for (_, inside), (predicted, _) in zip(folds, done[:5], strict=True):
        said[inside] = predicted
    return {"roc_auc": roc_auc_score(target, said)}


def fit_by_hand(
    frame: Any, target: Any, kind: str, train: Any, out: Any, rounds: int | None = None
) -> tuple[Any, int]:
    """One fit as a practitioner would write it, and its predictions of the fold left out."""
    import numpy as np
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
    from threadpoolctl import threadpool_limits

    texts = make_column_selector(dtype_include=object)
    features, known = frame.iloc[train], target[train]
    with threadpool_limits(1):
        if kind == "boosting":
            encoder = make_column_transformer((OrdinalEncoder(), texts), remainder="passthrough")
            options = {"learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 5.0}
            model = HistGradientBoostingClassifier(
                **options,
                max_features=0.5,
                max_iter=rounds or 1000,
                early_stopping=rounds is None,
                n_iter_no_change=20,
                categorical_features=list(range(8)),
                random_state=0,
            )
            if rounds is None:
                inside, stop, y_inside, y_stop = train_test_split(
                    features, known, test_size=0.1, stratify=known, random_state=0
                )
                encoded = encoder.fit_transform(inside)
                model.fit(encoded, y_inside, X_val=encoder.transform(stop), y_val=y_stop)
            else:
                model.fit(encoder.fit_transform(features), known)
        else:
            one_hot = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
            filled = SimpleImputer(strategy="median", add_indicator=True)
            periods = [
                (make_pipeline(splines(period, knots), StandardScaler(with_mean=False)), names)
                for period, knots, names in (
                    (7.0, 7, ["date_0 weekday", "date_1 weekday"]),
                    (365.2425, 12, ["date_0 yearday", "date_1 yearday"]),
                )
            ]
            others = [name for name in features if "number" in name or name.endswith(" day")]
            encoder = make_column_transformer(
                (one_hot, texts), (make_pipeline(filled, StandardScaler()), others), *periods
            )
            linear = LogisticRegression(max_iter=2000)
            model = linear if kind == "linear" else DummyClassifier(strategy="prior")
            model.fit(encoder.fit_transform(features), known)
        said = None
        if out is not None:
            said = model.predict_proba(encoder.transform(frame.iloc[out]))[:, 1]
    return np.asarray(said), int(getattr(model, "n_iter_", 0) if kind == "boosting" else 0)


def splines(period: float, n_knots: int) -> Any:
    """A column for each part of a period, as Assay makes for linear models."""
    import numpy as np
    from sklearn.preprocessing import SplineTransformer

    knots = np.tile(np.linspace(0, period, n_knots + 1)[:, None], 2)
    return SplineTransformer(degree=1, knots=knots, extrapolation="periodic")


WAYS = {"assay": by_assay, "by hand": by_hand}


def measured(way: str, path: Path) -> dict[str, Any]:
    """CPU seconds and peak memory of one way, in a process of its own, its workers included.

    Memory is what the processes do not share, watched from here: to look takes CPU time.
    """
    with tempfile.TemporaryDirectory() as place:
        places = {"ASSAY_WORKSPACE": f"{place}/workspace", "ASSAY_LEDGER": f"{place}/ledger.db"}
        process = psutil.Popen(
            [sys.executable, __file__, "--way", way, "--table", str(path)],
            env={**os.environ, **places, "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            text=True,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process))
            time.sleep(0.3)
        said, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{way} failed")
    return {**json.loads(said.splitlines()[-1]), "peak_gib": peak / 2**30}


def _memory(process: psutil.Process) -> int:
    total = 0
    with suppress(psutil.Error):
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += each.memory_full_info().uss
    return total


def done(way: str, path: Path) -> dict[str, Any]:
    """Do it in this process and its workers: wall and CPU seconds, and what it found."""
    started = time.perf_counter()
    found = WAYS[way](path)
    seconds = time.perf_counter() - started
    if way == "by hand":
        # Only workers that have ended are counted.
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in times)
    return {"cpu_s": cpu, "seconds": seconds, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30,000 rows")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(done(arguments.way, arguments.table)))
        return
    rows = 30_000 if arguments.quick else arguments.rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write_table(path, rows // 10)
        tenth = measured("assay", path)
        write_table(path, rows)
        results = {way: measured(way, path) for way in WAYS}
    ours = {step: (tenth["ours"][step], each) for step, each in results["assay"]["ours"].items()}
    if arguments.json:
        print(json.dumps({"rows": rows, **results, "a tenth of the rows": tenth}))
        return
    for way, each in results.items():
        print(
            f"{way}: {each['cpu_s']:.1f} CPU s, {each['seconds']:.1f} s, "
            f"{each['peak_gib']:.2f} GiB, ROC AUC {each['roc_auc']:.4f}"
        )
    for step, (few, many) in ours.items():
        print(f"    {step}: {few:.1f} CPU s of {rows // 10:,} rows, {many:.1f} of {rows:,}")
    times = results["assay"]["cpu_s"] / results["by hand"]["cpu_s"]
    peak = results["assay"]["peak_gib"]
    _bar("CPU time beside by hand", f"{times:.2f}", f"<= {MOST_TIMES_CPU}", times <= MOST_TIMES_CPU)
    _bar("peak memory in GiB", f"{peak:.2f}", f"<= {MOST_GIB}", peak <= MOST_GIB)
    few, many = (sum(each) for each in zip(*ours.values(), strict=True))
    is_met = many / few <= MOST_GROWTH
    _bar("growth of ours for ten times the rows", f"{many / few:.1f}", f"<= {MOST_GROWTH}", is_met)


def _bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
