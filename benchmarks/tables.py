"""Every table of a folder with default settings: does it train, how long, how well, beside whom.

Each table is trained by Assay in a process of its own; then scikit-learn's histogram gradient
boosting with hand-written ordinal encoding, and LightGBM if it is installed, are fitted without
tuning on the same folds and judged on the same out-of-fold rows.
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
from pathlib import Path
from typing import Any

TARGETS = {
    "adult": "income", "ames": "price", "attrition": "Attrition", "bird_strikes": "phase_of_flt",
    "breast_cancer_ids": "Class", "chicago_ridership": "ridership", "covid_testing": "result",
    "cran_check_time": "check_time", "credit_status": "Status", "diamonds": "price",
    "flights": "arr_delay", "german_credit": "class", "lending_club": "Class", "letter": "lettr",
    "movies": "rating", "mpls_stops": "problem", "nass_crash": "dead", "nls_wages": "ln_wage",
    "penguins": "Species", "saratoga_houses": "price", "satellite": "classes", "soybean": "Class",
    "spambase": "type", "stackoverflow_remote": "Remote", "storms": "status", "taxi_tip": "tip",
    "telco_churn": "churn", "titanic": "survived",
}  # fmt: skip
QUICK = ("german_credit", "titanic", "ames", "soybean")
WANTED = {("diamonds", "r2"): 0.98, ("letter", "accuracy"): 0.96}


def trained(path: Path, target: str) -> dict[str, Any]:
    """One table, in this process: what Assay says, and what others reach on the same folds."""
    import assay
    from assay.tracking.memory import MemoryStore

    store = MemoryStore()
    experiment = Path(tempfile.mkdtemp()) / f"{path.stem}.yaml"
    experiment.write_text(
        json.dumps(
            {"data": {"source": str(path), "target": target}, "model": {"learner": "boosting"}}
        )
    )
    started, cpu = time.perf_counter(), _cpu()
    run = assay.train(experiment, store=store)
    seconds, cpu = time.perf_counter() - started, _cpu() - cpu
    peak = max(resource.getrusage(who).ru_maxrss for who in _WHO) / 1024
    return {
        "seconds": seconds,
        "cpu_s": cpu,
        "peak_mib": peak,
        "primary": run.evaluation.primary,
        "metrics": {name: vars_of(each) for name, each in run.evaluation.metrics.items()},
        "baselines": {each.name: each.gain.verdict for each in run.baselines},
        "worse_than_linear": any(
            each.name == "linear" and each.gain.better == "first" for each in run.baselines
        ),
        "findings": [
            f"{each.severity.value} {each.code} {' '.join(each.columns)}" for each in run.findings
        ],
        "report": run.report is not None and run.report.stat().st_size > 10_000,
        "peers": peers(run, store, path),
    }


def peers(run: Any, store: Any, path: Path) -> dict[str, float]:
    """The primary metric of untuned gradient boosting on the same folds and rows."""
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    from assay.data.preparation import part_of
    from assay.data.sources import read_table
    from assay.evaluation.metrics import METRICS
    from assay.evaluation.recorded import from_table

    rows = store.table(run.run_id, "out_of_fold")
    number, folds = rows["row"].to_numpy(), rows["fold"].to_numpy()
    own = from_table(rows, run.schema)
    part = part_of(read_table(path).take(number), number, run.schema)
    kinds = {column.name: column.kind.value for column in run.schema.features}
    names = [name for name in kinds if kinds[name] != "text"]
    features = part.features[names]
    texts = [name for name in names if kinds[name] == "categorical"]
    encoder = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), texts),
        remainder="passthrough",
    )
    is_class = run.schema.task.is_classification
    models = {
        "HGB": HistGradientBoostingClassifier() if is_class else HistGradientBoostingRegressor()
    }
    try:
        import lightgbm

        kind = lightgbm.LGBMClassifier if is_class else lightgbm.LGBMRegressor
        models["LightGBM"] = kind(verbose=-1, n_jobs=os.cpu_count())
    except ImportError:
        print("LightGBM is not installed: pip install lightgbm", file=sys.stderr)
    target = own.truth if is_class else part.known_target
    metric = METRICS[run.schema.task][run.evaluation.primary]
    reached = {"boosting": metric.of(own)}
    from dataclasses import replace

    for name, model in models.items():
        model.set_params(random_state=0)
        predicted = None
        for fold in np.unique(folds):
            out = folds == fold
            pipeline = make_pipeline(encoder, model).fit(features[~out], target[~out])
            if not is_class:
                said = pipeline.predict(features[out])
            else:
                said = np.zeros((out.sum(), len(run.schema.classes)))
                said[:, pipeline.classes_] = pipeline.predict_proba(features[out])
            predicted = np.zeros((len(out), *said.shape[1:])) if predicted is None else predicted
            predicted[out] = said
        outcome = replace(own, **{"probabilities" if is_class else "values": predicted})
        reached[name] = metric.of(outcome)
    return reached


def vars_of(estimate: Any) -> dict[str, Any]:
    """An estimate as JSON has it."""
    return {name: estimate.as_dict()[name] for name in ("value", "low", "high", "n", "reason")}


_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _cpu() -> float:
    times = [resource.getrusage(who) for who in _WHO]
    return sum(each.ru_utime + each.ru_stime for each in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Parquet tables, named as above")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("--only", nargs="*", help="only these tables")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(
            json.dumps(
                trained(arguments.folder / f"{arguments.one}.parquet", TARGETS[arguments.one])
            )
        )
        return
    wanted = arguments.only or (QUICK if arguments.quick else list(TARGETS))
    results = {}
    for name in wanted:
        if (arguments.folder / f"{name}.parquet").exists():
            results[name] = _apart(arguments.folder, name)
            if not arguments.json:
                _show(name, results[name])
    if arguments.json:
        print(json.dumps(results))
    else:
        _bars(results)


def _apart(folder: Path, name: str) -> dict[str, Any]:
    """Train one table in a process of its own, in a workspace that is gone afterwards."""
    with tempfile.TemporaryDirectory() as place:
        places = {"ASSAY_WORKSPACE": f"{place}/workspace", "ASSAY_LEDGER": f"{place}/ledger.db"}
        done = subprocess.run(
            [sys.executable, __file__, str(folder), "--one", name],
            env={**os.environ, **places, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    return json.loads(done.stdout.splitlines()[-1])


def _show(name: str, result: dict[str, Any]) -> None:
    if "failed" in result:
        print(f"{name}: FAILED {result['failed']}", flush=True)
        return
    each = result["metrics"][result["primary"]]
    interval = f"{each['low']:.4g} to {each['high']:.4g}" if each["low"] is not None else "none"
    beside = ", ".join(f"{peer} {value:.4f}" for peer, value in result["peers"].items())
    print(
        f"{name}: {result['seconds']:.0f} s, {result['cpu_s']:.0f} CPU s, "
        f"{result['peak_mib']:.0f} MiB, {result['primary']} {each['value']:.4f} ({interval})\n"
        f"    {beside}\n    {'; '.join(result['baselines'].values())}\n"
        f"    {'; '.join(result['findings']) or 'no findings'}",
        flush=True,
    )


def _bars(results: dict[str, Any]) -> None:
    done = {name: each for name, each in results.items() if "failed" not in each}
    n_whole = sum(each["report"] for each in done.values())
    _bar("tables that train to a report", n_whole, f"{len(results)}", n_whole == len(results))
    ranks: dict[str, list[float]] = {}
    for each in done.values():
        less_is_better = each["primary"] in ("log_loss", "brier", "rmse", "mae")
        for peer, rank in _ranks(each["peers"], less_is_better).items():
            ranks.setdefault(peer, []).append(rank)
    means = {peer: sum(values) / len(values) for peer, values in ranks.items()}
    others = {peer: mean for peer, mean in means.items() if peer != "boosting"}
    if others:
        said = ", ".join(f"{peer} {mean:.2f}" for peer, mean in others.items())
        is_best = means["boosting"] <= min(others.values())
        _bar(
            "mean rank of boosting", f"{means['boosting']:.2f}", f"at most that of {said}", is_best
        )
    for (name, metric), least in WANTED.items():
        if name in done:
            value = done[name]["metrics"][metric]["value"]
            _bar(f"{name} {metric}", f"{value:.4f}", f">= {least}", value >= least)


def _ranks(values: dict[str, float], less_is_better: bool) -> dict[str, float]:
    """Rank of each, 1 for the best; ties share the mean."""
    sign = 1 if less_is_better else -1
    keys = {name: sign * value for name, value in values.items()}
    return {
        name: 1
        + sum(other < key for other in keys.values())
        + (sum(other == key for other in keys.values()) - 1) / 2
        for name, key in keys.items()
    }


def _bar(name: str, value: object, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
