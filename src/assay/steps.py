"""The steps of training, each a function of what the earlier ones gave."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.checks.base import Check, View
from assay.checks.run import CheckResults, run_checks
from assay.data import snapshot
from assay.data.dataset import Part
from assay.data.preparation import Prepared, prepare
from assay.data.profiling import profile
from assay.data.schema import Kind
from assay.evaluation.assessment import Assessment, assess, importance_of
from assay.evaluation.design import Design
from assay.evaluation.evaluate import check_settings, design_of
from assay.evaluation.metrics import METRICS
from assay.evaluation.result import OUT_OF_FOLD, VALIDATION
from assay.evaluation.time_blocks import clusters_of
from assay.experiment import recipe
from assay.experiment.asking import Asked
from assay.experiment.experiment import Experiment
from assay.findings import Finding
from assay.fitting.cross_fit import CrossFit, Plan, cross_fit, n_repeats
from assay.fitting.hold_out import Surroundings, hold_out
from assay.fitting.jobs import Fitted, alone
from assay.fitting.printing import write_printed
from assay.fitting.relatives import related_features
from assay.inference.finishing import finish
from assay.inference.packing import pack
from assay.learners.adapt import check_fit_for, check_sees
from assay.learners.auto import AutoLearner
from assay.learners.builtin import baselines, is_builtin
from assay.learners.protocol import Learner, holds_out
from assay.monitor import Announce, Step
from assay.place import Place
from assay.predictions import Predictions
from assay.provenance import back_ends
from assay.reports.content import BaselineContent
from assay.run import CHOSEN, Run
from assay.seeding import about as about_seeds
from assay.threads import one_numerical_thread
from assay.tracking.autolog import taken_over
from assay.tracking.mirrors import mirrors_of
from assay.tracking.notes import opening
from assay.tracking.recorder import Recorder, flattened
from assay.tracking.runs import FINGERPRINT, GREATER_IS_BETTER, PRIMARY, ROWS, SPLIT, run_name
from assay.tracking.spooled import SpooledRecorder
from assay.tuning.auto import ensembled

MODEL = "model"
"""What the model of a run is called in it."""
PROVENANCE_FILE = "provenance.json"
_MIRRORS = ("wandb", "tensorboard", "mirrors")
_NAMING = ("model.options.", "training.", "data.split.")


@dataclass(frozen=True)
class Ready:
    """Everything that can be known before the first fit.

    Attributes:
        asked: What is asked for; of its table the columns only.
        data: Sealed and described.
        primary: The metric to decide by.
        design: How the rows came about.
        plan: The fits to make.
        split: Fingerprint of the parts and folds.
        whole: The table as it was read, if it is small enough to be kept; else None.
    """

    asked: Asked
    data: Prepared
    primary: str
    design: Design
    plan: Plan
    split: str
    whole: pa.Table | None

    @property
    def name(self) -> str:
        """What to call the run: the learner, and what is set otherwise than by default."""
        changed = self.asked.loaded.changed
        telling = {key: value for key, value in changed.items() if key.startswith(_NAMING)}
        return self.asked.called or run_name(self.asked.learner.name, telling)

    @property
    def rows(self) -> str:
        """Which rows the run is judged on."""
        return VALIDATION if self.plan.holds_out else OUT_OF_FOLD

    @property
    def mirrors(self) -> dict[str, Any]:
        """The settings that say who is told of the run besides its store, as they may be kept."""
        asked = self.asked.loaded.recorded.get("tracking", {})
        return {name: asked[name] for name in _MIRRORS if asked.get(name)}

    @property
    def tags(self) -> dict[str, str]:
        """What the run is found by."""
        metric = METRICS[self.data.schema.task][self.primary]
        return {
            PRIMARY: self.primary,
            GREATER_IS_BETTER: str(metric.greater_is_better).lower(),
            FINGERPRINT: self.data.fingerprint,
            "assay.learner": self.asked.learner.name,
            ROWS: self.rows,
            "assay.test": self.data.sealed.digest,
            SPLIT: self.split,
            **opening("", self.asked.loaded.experiment.tracking.tags),
            **self.asked.tags,
        }


def made_ready(asked: Asked) -> Ready:
    """Split, seal and describe the data, and refuse what cannot be done.

    Raises:
        InputError: What is asked for does not fit the data.
    """
    experiment = asked.loaded.experiment
    mirrors_of(experiment.tracking)  # refused now, rather than when the run begins
    apart = holds_out(asked.learner)
    data = prepare(asked.table, experiment.data, asked.where, holds_out=apart)
    primary = check_settings(experiment.evaluation, data.schema.task, len(data.schema.classes))
    design = design_of(experiment.evaluation, data.development, data.folding)
    check_fit_for(asked.learner, data.schema.task)
    check_sees(asked.learner, data.schema)
    once = apart or isinstance(asked.learner, AutoLearner)
    plan = Plan(
        learner=asked.learner,
        baselines=baselines(
            data.schema.task, asked.learner, of_images=bool(data.schema.named(Kind.IMAGE))
        ),
        folding=data.folding,
        seed=experiment.data.split.seed,
        repeats=n_repeats(
            experiment.training.seeds, data.schema, len(data.development), holds_out=once
        ),
        together=related_features(data.development),
        deterministic=experiment.training.deterministic,
        around=taken_over if _logs(experiment, asked.learner) else alone,
        fixed=asked.fixed if apart else {},
    )
    split = data.split_fingerprint(plan.seeds)
    whole = asked.table if snapshot.fits(asked.table, experiment.tracking.snapshot_mib) else None
    # Its rows are in the data now, and large tables need the room.
    asked = replace(asked, table=asked.table.schema.empty_table())
    return Ready(asked, data, primary, design, plan, split, whole)


def record_settings(ready: Ready, recorder: Recorder, scratch: Path) -> None:
    """Take down what must be known to do it again: provenance, the file, every setting."""
    loaded = ready.asked.loaded
    about = scratch / PROVENANCE_FILE
    about.write_text(json.dumps(provenance_of(ready), indent=1, default=str), encoding="utf-8")
    recorder.artifact(about)
    name = loaded.path.name if loaded.path is not None else "experiment.yaml"
    path = scratch / name
    path.write_text(loaded.recorded_text, encoding="utf-8")
    recorder.artifact(path)
    n_rows = ready.data.n_rows["train"]
    for each in recipe.write(ready.asked, n_rows, scratch):
        recorder.artifact(each)
        if each.name == recipe.LEARNER_FILE:
            recorder.tags({recipe.LEARNER_DIGEST: sha256(each.read_bytes()).hexdigest()})
    training = {**loaded.recorded["training"], **ready.asked.trained_on(n_rows)}
    recorder.params(flattened({**loaded.recorded, "training": training}))


def keep_snapshot(ready: Ready, place: Place) -> None:
    """Keep a small table as it was read: its source may change."""
    if ready.whole is not None:
        snapshot.keep(ready.whole, ready.data.fingerprint, place.workspace)


def provenance_of(ready: Ready) -> dict[str, Any]:
    """What the run depends on, as it was when the run began; in an order to be shown."""
    unreadable = ready.data.unreadable
    odd = {"sealed cells that count as missing": unreadable} if unreadable else {}
    plan, version = ready.plan, ready.asked.version
    return {
        "seed": plan.seed,
        "seeds": about_seeds(plan.seeds, deterministic=plan.deterministic),
        **ready.asked.about,
        "back ends": back_ends(),
        "split": ready.data.how,
        "split fingerprint": ready.split,
        **({"data version": dict(version)} if version else {}),
        "data fingerprint": ready.data.fingerprint,
        "sealed test": ready.data.sealed.digest,
        **odd,
    }


def view_of(data: Prepared) -> View:
    """What checks may see of data whose test rows are sealed."""
    return View(data.schema, data.development, data.test, data.raw_development, data.raw_test)


def look_for_mistakes(ready: Ready, checks: Sequence[Check], recorder: Recorder) -> CheckResults:
    """Run the checks on what they may see."""
    accept = ready.asked.loaded.experiment.checks.accept
    found = run_checks(view_of(ready.data), checks, accept=accept)
    for number, finding in enumerate(found.findings):
        recorder.finding(finding, f"{number:04d}")  # so that a run that resumes has it once
    return found


def fit(
    ready: Ready,
    recorder: Recorder,
    scratch: Path,
    workers: int | None,
    announce: Announce,
    surroundings: Surroundings = Surroundings(),  # noqa: B008 - it is frozen
) -> CrossFit:
    """Cross-fit the learner and the baselines, then fit the learner on all rows.

    Or hold out validation rows, and fit them on the others, where the learner is for that.
    """
    plan, development = ready.plan, ready.data.development
    common: dict[str, Any] = {"recorder": recorder, "scratch": scratch, "workers": workers}
    if isinstance(plan.learner, AutoLearner):
        built = ready.asked.built
        return ensembled(built, development, plan, ready.primary, announce=announce, **common)
    done = 0
    printed: list[tuple[str, str]] = []
    text = f"Fitting {plan.n_fits} models"
    announce(Step(text, done, plan.n_fits, detail=plan.learner.name))

    def count(fitted: Fitted) -> None:
        nonlocal done
        done += 1
        printed.append((f"{fitted.job.learner.name} {fitted.job.called}", fitted.printed))
        announce(Step(text, done, plan.n_fits, detail=fitted.job.learner.name))

    if plan.holds_out:
        fitted = hold_out(
            development,
            plan,
            n_crossings=ready.asked.loaded.experiment.data.split.folds,
            surroundings=surroundings,
            announce=count,
            **common,
        )
    else:
        fitted = cross_fit(development, plan, announce=count, **common)
    path = write_printed(sorted(printed), scratch)
    if path is not None:
        recorder.artifact(path)
    return fitted


def heard(
    ready: Ready, found: CheckResults, new: Sequence[Finding], recorder: Recorder
) -> CheckResults:
    """What the checks found, and what training or segments did after them, which is recorded."""
    every = found.joined_by(new, ready.asked.loaded.experiment.checks.accept)
    for finding in every.findings:
        if finding.code in {each.code for each in new}:
            recorder.finding(finding, finding.code)
    return every


def judge(ready: Ready, fitted: CrossFit) -> Assessment:
    """Calibrate, decide, evaluate, and compare with the baselines."""
    predicted = _rows_of(ready, fitted.repetitions[0][0])
    with one_numerical_thread():
        return assess(
            fitted.repetitions,
            fitted.baselines,
            predicted.known_target,
            ready.data.schema,
            settings=ready.asked.loaded.experiment.evaluation,
            primary=ready.primary,
            learner=ready.asked.learner.name,
            weights=predicted.weights,
            clusters=clusters_of(predicted, ready.design),
            times=predicted.times,
            design=ready.design,
            ordered=ready.data.folding.is_forward,
            rows=ready.rows,
        )


def save_model(
    ready: Ready,
    fitted: CrossFit,
    judged: Assessment,
    recorder: Recorder,
    scratch: Path,
) -> str:
    """Finish the model and keep it with the run; returns its URI."""
    finished = finish(
        fitted.model,
        _learnt_from(ready),
        calibrated=judged.calibrated,
        threshold=judged.threshold,
        policies=ready.asked.loaded.experiment.prediction.model_dump(),
        about={"run_id": recorder.run_id, "chosen": dict(fitted.chosen)},
        held_out=judged.judged,
    )
    folder = scratch / "model"
    example = ready.data.raw_development.slice(0, 5).to_pandas()
    digest = pack(finished, example, folder)
    recorder.model(folder, MODEL, digest)
    return f"runs:/{recorder.run_id}/{MODEL}"


def summed_up(
    ready: Ready,
    found: CheckResults,
    fitted: CrossFit,
    judged: Assessment,
    model: str,
    recorder: SpooledRecorder,
) -> Run:
    """The run as one value."""
    asked, data, plan = ready.asked, ready.data, ready.plan
    settings = asked.loaded.experiment.evaluation
    shuffled = _rows_of(ready, fitted.shuffled[()])
    importance = importance_of(
        fitted.shuffled,
        shuffled.known_target,
        data.schema,
        metric=ready.primary,
        level=settings.confidence,
        calibrated=judged.calibrated,
        threshold=judged.threshold,
        weights=shuffled.weights,
        clusters=clusters_of(shuffled, ready.design),
        design=ready.design,
    )
    about = provenance_of(ready)
    return Run(
        run_id=recorder.run_id,
        name=recorder.name,
        experiment=asked.loaded.name,
        created=about.pop("created"),
        duration_s=time.perf_counter() - asked.started,
        learner=asked.learner.name,
        options=asked.loaded.changed,
        schema=data.schema,
        n_rows=data.n_rows,
        folds=plan.folds,
        level=settings.confidence,
        resamples=settings.resamples,
        evaluation=judged.judged.evaluation,
        seeds=tuple(judged.seeds),
        by_fold=tuple(map(tuple, judged.by_fold)),
        baselines=tuple(
            BaselineContent(baseline, judged.baselines[baseline].evaluation, gain)
            for baseline, gain in judged.gains.items()
        ),
        checks=found,
        importance=tuple(importance),
        importance_rows=len(shuffled),
        threshold=judged.threshold,
        calibration=judged.calibrated.why if judged.calibrated is not None else "",
        warned=dict(fitted.warned),
        provenance={
            **about,
            CHOSEN[ready.rows]: dict(fitted.chosen),
            **getattr(fitted.model, "about", {}),
        },
        experiment_text=asked.loaded.recorded_text,
        fingerprint=data.fingerprint,
        test_digest=data.sealed.digest,
        model=model,
        profile=profile(data.raw_development, data.schema),
        corrected=asked.corrected,
    )


def _logs(experiment: Experiment, learner: Learner) -> bool:
    """Whether what the learner logs with MLflow is taken over; ours log nothing there."""
    return experiment.tracking.autolog and not is_builtin(learner)


def _learnt_from(ready: Ready) -> Part:
    """The rows that the logged model was fitted on."""
    development, plan = ready.data.development, ready.plan
    if not plan.holds_out:
        return development
    return development.take(plan.folding.divide(development, plan.seed).learns(0))


def _rows_of(ready: Ready, predictions: Predictions) -> Part:
    """The development rows that were predicted, in the order of the predictions."""
    development = ready.data.development
    return development.take(development.rows.searchsorted(predictions.rows))
