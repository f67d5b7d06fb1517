"""The evidence of a run: its answers and its history, as somebody else would hand them over.

So the checks of procedure look at a recorded run as they look at a record from elsewhere. What
Assay makes impossible is not looked for (docs/checks/index.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assay.checks.as601_test_used_for_tuning import TuningByTest
from assay.checks.as602_stale_test_set import StaleTestSet
from assay.checks.as603_single_seed_claim import SingleSeedClaim
from assay.checks.as607_miscalibrated import Miscalibrated
from assay.checks.as609_no_baseline import NoBaseline
from assay.checks.base import Check, Given, View
from assay.checks.run import CheckResults, run_checks
from assay.data.dataset import Part
from assay.data.schema import Task
from assay.errors import VaultError
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import from_table
from assay.place import Place
from assay.run import Run
from assay.tracking.recorder import Status
from assay.tracking.runs import FINGERPRINT, PRIMARY
from assay.tracking.store import RunRecord

OF_RUNS: tuple[Check, ...] = (
    TuningByTest(),
    StaleTestSet(),
    SingleSeedClaim(),
    Miscalibrated(),
    NoBaseline(),
)
_ACCEPTED, _SPLIT = "checks.accept.", "data.split."
_FOLDS = "data.split.folds"
_NOT_SETTINGS = ("name", "tracking.tags")


def looked_at_since(run: Run, place: Place) -> CheckResults:
    """What was found of a run in training, with what its answers and its history show now.

    Args:
        run: As it was recorded.
        place: Where it is recorded, with the ledger of looks.
    """
    accept = {
        key.removeprefix(_ACCEPTED): str(why)
        for key, why in run.options.items()
        if key.startswith(_ACCEPTED)
    }
    now, again = run_checks(_view(run, place), OF_RUNS, accept=accept), {*map(_code, OF_RUNS)}
    then = {code: why for code, why in run.checks.not_applicable.items() if code not in again}
    found = run.checks.joined_by(now.findings, accept)
    return CheckResults(
        findings=found.findings,
        not_applicable={**then, **now.not_applicable},
        passed=(*(code for code in run.checks.passed if code not in again), *now.passed),
    )


def _view(run: Run, place: Place) -> View:
    """The evidence alone: the rows themselves are not needed, and not at hand."""
    no_rows = Part(np.zeros(0, np.int64), pd.DataFrame(), None, run.schema)
    answers = None
    if run.schema.task is not Task.MULTILABEL:
        recorded = place.store.table(run.run_id, run.announced_table)
        answers = _answers(from_table(recorded, run.schema))
    given = Given(train=pa.schema([]), predictions=answers, log=_log(run, place))
    return View(run.schema, no_rows, None, pa.table({}), None, given=given)


def _answers(outcome: Outcome) -> pa.Table:
    """Answers with their truth, in the form of docs/checks/evidence.md."""
    columns: dict[str, Any] = {}
    if outcome.weights is not None:
        columns["sample_weight"] = outcome.weights
    if outcome.clusters is not None:
        columns["cluster"] = outcome.clusters
    if outcome.probabilities is None:
        return pa.table({"y_true": outcome.truth, "pred": outcome.values, **columns})
    labels = np.array([str(each) for each in outcome.classes])
    columns |= {f"proba_{each}": outcome.probabilities[:, n] for n, each in enumerate(labels)}
    return pa.table({"y_true": labels[outcome.truth], "pred": labels[outcome.decided], **columns})


def _log(run: Run, place: Place) -> Mapping[str, Any]:
    """The history of a run: those of its experiment on the same rows, and the looks at its test."""
    primary = run.evaluation.primary
    more = METRICS[run.schema.task][primary].greater_is_better
    own = place.store.get(run.run_id)
    records = [each for each in place.store.runs(run.experiment) if _is_beside(each, own)]
    log: dict[str, Any] = {
        "metric": primary,
        "direction": "maximize" if more else "minimize",
        "runs": [_run(each, primary) for each in records],
        "seeds": len(run.seeds),
        "baselines": _baselines(run, more=more),
        "looks": _looks(run, place),
    }
    if run.test is not None:
        value = run.test.evaluation.headline.value
        reported = {"split": "test", primary: value}
        log |= {"selected_run": run.name, "reported": reported}
    return log


def _is_beside(record: RunRecord, own: RunRecord) -> bool:
    """Whether a run finished with the same rows for its test, judged by the same metric."""
    alike = all(record.tags.get(tag) == own.tags.get(tag) for tag in (PRIMARY, FINGERPRINT))
    return alike and record.status is Status.FINISHED and _sealed(record) == _sealed(own)


def _sealed(record: RunRecord) -> dict[str, str]:
    """The settings that say which rows are sealed; other folds seal the same ones."""
    return {k: v for k, v in record.params.items() if k.startswith(_SPLIT) and k != _FOLDS}


def _code(check: Check) -> str:
    return check.code


def _run(record: RunRecord, primary: str) -> dict[str, Any]:
    # Before its test rows are opened a run's metric is that of training; it keeps this name.
    scores = {"val": record.metrics.get(primary), "test": record.metrics.get(f"test_{primary}")}
    return {
        "run": record.name,
        "time": record.created,
        "params": {k: v for k, v in record.params.items() if k not in _NOT_SETTINGS},
        "metrics": {f"{split}_{primary}": each for split, each in scores.items()},
    }


def _baselines(run: Run, *, more: bool) -> list[dict[str, Any]]:
    gains = []
    for each in run.baselines:
        gain = each.gain.estimate
        low, high = (gain.low, gain.high) if more else (_minus(gain.high), _minus(gain.low))
        value = gain.value if more else -gain.value
        gains.append({"name": each.name, "gain": value, "low": low, "high": high})
    return gains


def _minus(end: float | None) -> float | None:
    return None if end is None else -end


def _looks(run: Run, place: Place) -> int | None:
    """Looks at the sealed rows, by any run; None if nobody knows."""
    try:
        return place.vault.looks(run.test_digest)
    except VaultError:
        return None
