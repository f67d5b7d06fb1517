"""Every table of a folder with default settings: does it train, how long, how well, beside whom.

Each table is trained by Assay in a process of its own; then scikit-learn's histogram gradient
boosting with hand-written ordinal encoding, LightGBM if it is installed, and Assay's own boosting
where another learner is in question, are fitted without tuning on the same rows, and judged on the
same rows: out of fold, or held out for validation where the learner is a network.
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
from dataclasses import replace
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
WANTED = {
    "boosting": {("diamonds", "r2"): 0.98, ("letter", "accuracy"): 0.96},
    "tabular-net": {
        ("adult", "roc_auc"): 0.920, ("letter", "accuracy"): 0.965, ("diamonds", "r2"): 0.98,
    },
}  # fmt: skip


def trained(path: Path, target: str, learner: str) -> dict[str, Any]:
    """One table, in this process: what Assay says, and what others reach on the same rows."""
    import assay
    from assay.experiment.asking import ask
    from assay.steps import made_ready
    from assay.tracking.memory import MemoryStore

    store = MemoryStore()
    experiment = Path(tempfile.mkdtemp()) / f"{path.stem}.yaml"
    experiment.write_text(
        json.dumps({"data": {"source": str(path), "target": target}, "model": {"learner": learner}})
    )
    started, cpu = time.perf_counter(), _cpu()
    run = assay.train(experiment, store=store)
    seconds, cpu = time.perf_counter() - started, _cpu() - cpu
    peak = max(resource.getrusage(who).ru_maxrss for who in _WHO) / 1024
    asked = ask(experiment, target=None, learner=None, settings={}, overrides=())
    return {
        "seconds": seconds,
        "cpu_s": cpu,
        "peak_mib": peak,
        "rows": run.evaluation.rows,
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
        "reached": reached(run, store, made_ready(asked)),
    }


def reached(run: Any, store: Any, ready: Any) -> dict[str, float]:
    """The primary metric of the learner and of others, fitted and judged on the same rows.

    Others are untuned gradient boosting, and Assay's own where another learner is in question.
    """
    import numpy as np

    from assay.evaluation.metrics import METRICS
    from assay.evaluation.recorded import from_table

    schema, development = ready.data.schema, ready.data.development
    own = from_table(store.table(run.run_id, run.announced_table), schema)
    folding = ready.plan.folding
    folds = folding.divide(development, ready.plan.seed)
    place = {row: position for position, row in enumerate(development.rows.tolist())}
    judged = np.array([place[row] for row in own.rows.tolist()])
    assert (folds.number[judged] >= 0).all(), "the folds are those of the run"
    metric = METRICS[schema.task][run.evaluation.primary]
    found = {ready.asked.learner.name: metric.of(own)}

    def judge(name: str, said: Any) -> None:
        outputs = "probabilities" if schema.task.is_classification else "values"
        found[name] = metric.of(replace(own, **{outputs: said[judged]}))

    if ready.asked.learner.name != "boosting":
        judge("boosting", _boosting(development, folding, ready.plan.seed))
    target = development.known_target
    if schema.task.is_classification:
        codes = {name: code for code, name in enumerate(schema.classes)}
        target = np.array([codes[name] for name in target.tolist()])
    for name, pipeline in _peers(schema).items():
        said: Any = None
        for fold in np.unique(folds.number[judged]):
            learns, out = folds.learns(fold), folds.predicts(fold)
            pipeline.fit(development.features[learns], target[learns])
            if schema.task.is_classification:
                answer = np.zeros((out.sum(), len(schema.classes)))
                answer[:, pipeline.classes_] = pipeline.predict_proba(development.features[out])
            else:
                answer = pipeline.predict(development.features[out])
            said = np.zeros((len(development), *answer.shape[1:])) if said is None else said
            said[out] = answer
        judge(name, said)
    return found


def _boosting(development: Any, folding: Any, seed: int) -> Any:
    """What Assay's boosting says of the rows that are held out."""
    import numpy as np

    from assay.fitting.jobs import Job, fit
    from assay.learners.builtin import make_learner

    said = fit(Job(make_learner("boosting", {}), 0, 0, seed, folding), development).predictions
    answer = said.values if said.probabilities is None else said.probabilities
    full = np.zeros((len(development), *answer.shape[1:]))
    full[folding.divide(development, seed).predicts(0)] = answer
    return full


def _peers(schema: Any) -> dict[str, Any]:
    """Untuned gradient boosting behind hand-written ordinal encoding; free text left out."""
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    kinds = {column.name: column.kind.value for column in schema.features}
    names = {name for name, kind in kinds.items() if kind != "text"}
    texts = [name for name in kinds if kinds[name] == "categorical"]
    encoder = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), texts),
        ("passthrough", sorted(names - set(texts), key=list(kinds).index)),
    )
    is_class = schema.task.is_classification
    kind = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
    models: dict[str, Any] = {"HGB": kind(random_state=0)}
    try:
        import lightgbm
    except ImportError:
        print("LightGBM is not installed: pip install lightgbm", file=sys.stderr)
    else:
        kind = lightgbm.LGBMClassifier if is_class else lightgbm.LGBMRegressor
        models["LightGBM"] = kind(verbose=-1, n_jobs=os.cpu_count(), random_state=0)
    return {name: make_pipeline(encoder, model) for name, model in models.items()}


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
    parser.add_argument("--learner", default="boosting", help="as 'tabular-net'")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        path = arguments.folder / f"{arguments.one}.parquet"
        print(json.dumps(trained(path, TARGETS[arguments.one], arguments.learner)))
        return
    wanted = arguments.only or (QUICK if arguments.quick else list(TARGETS))
    results = {}
    for name in wanted:
        if (arguments.folder / f"{name}.parquet").exists():
            results[name] = _apart(arguments.folder, name, arguments.learner)
            if not arguments.json:
                _show(name, results[name])
    if arguments.json:
        print(json.dumps(results))
    else:
        _bars(results, arguments.learner)


def _apart(folder: Path, name: str, learner: str) -> dict[str, Any]:
    """Train one table in a process of its own, in a workspace that is gone afterwards."""
    with tempfile.TemporaryDirectory() as place:
        places = {"ASSAY_WORKSPACE": f"{place}/workspace", "ASSAY_LEDGER": f"{place}/ledger.db"}
        done = subprocess.run(
            [sys.executable, __file__, str(folder), "--one", name, "--learner", learner],
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
    beside = ", ".join(f"{peer} {value:.4f}" for peer, value in result["reached"].items())
    print(
        f"{name}: {result['seconds']:.0f} s, {result['cpu_s']:.0f} CPU s, "
        f"{result['peak_mib']:.0f} MiB, {result['primary']} {each['value']:.4f} ({interval})\n"
        f"    {beside}\n    {'; '.join(result['baselines'].values())}\n"
        f"    {'; '.join(result['findings']) or 'no findings'}",
        flush=True,
    )


def _bars(results: dict[str, Any], learner: str) -> None:
    done = {name: each for name, each in results.items() if "failed" not in each}
    n_whole = sum(each["report"] for each in done.values())
    _bar("tables that train to a report", n_whole, f"{len(results)}", n_whole == len(results))
    ranks: dict[str, list[float]] = {}
    for each in done.values():
        less_is_better = each["primary"] in ("log_loss", "brier", "rmse", "mae")
        for peer, rank in _ranks(each["reached"], less_is_better).items():
            ranks.setdefault(peer, []).append(rank)
    means = {peer: sum(values) / len(values) for peer, values in ranks.items()}
    for peer, mean in sorted(means.items(), key=lambda pair: pair[1]):
        print(f"mean rank of {peer}: {mean:.2f} of {len(means)} on {len(done)} tables")
    if learner == "boosting" and len(means) > 1:
        least_of_others = min(mean for peer, mean in means.items() if peer != learner)
        mean = means[learner]
        wanted = f"at most {least_of_others:.2f}, the best of the others"
        _bar("mean rank of boosting", f"{mean:.2f}", wanted, mean <= least_of_others)
    for (name, metric), least in WANTED.get(learner, {}).items():
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
