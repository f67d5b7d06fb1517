"""Contents of reports for all three tasks, from small real computations on generated data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import beta
from sklearn import metrics
from sklearn.datasets import make_classification, make_regression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_predict

from assay.data.profile import Profile
from assay.data.profiling import profile
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.estimates import Estimate
from assay.evaluation.curves import (
    Curves,
    PrecisionRecallCurve,
    Reliability,
    Residuals,
    RocCurve,
)
from assay.evaluation.design import Design
from assay.evaluation.evaluate import judge_together
from assay.evaluation.goals import Goal
from assay.evaluation.miscalibration import miscalibration
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Difference, Evaluation, Importance, Threshold
from assay.evaluation.stability import with_choice
from assay.evaluation.threshold import choose, cross_decided
from assay.findings import Finding, Picture, Severity
from assay.reports.content import BaselineContent, ReportContent, SeedSpread, TestLook
from assay.reports.mistakes import Mistakes, Seen
from assay.reports.worst import worst_mistakes

Scores = dict[str, Callable[[Any, Any], float]]

_RESAMPLES = 20
_THRESHOLD = 0.4
_EXPERIMENT = """\
name: income            # <- the "income" experiment & its file
data:
  source: income.parquet
  target: income
model:
  learner: linear
"""


def bootstrap(score: Callable[[Any, Any], float], truth: Any, said: Any) -> Estimate:
    """A metric with a percentile interval: good enough to be drawn."""
    random = np.random.default_rng(0)
    picks = (random.integers(0, len(truth), len(truth)) for _ in range(_RESAMPLES))
    values = [score(truth[pick], said[pick]) for pick in picks]
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(score(truth, said), float(low), float(high), n=len(truth))


def evaluation(
    task: Task,
    scores: Scores,
    truth: Any,
    said: Any,
    *,
    labels: Sequence[str] = (),
    decided: Any = None,
) -> Evaluation:
    """An evaluation on real predictions; the first score is the primary metric."""
    confusion: tuple[tuple[int, ...], ...] = ()
    support: dict[str, int] = {}
    if decided is not None:
        matrix = metrics.confusion_matrix(truth, decided, labels=range(len(labels)))
        confusion = tuple(tuple(int(n) for n in row) for row in matrix)
        support = {label: sum(row) for label, row in zip(labels, confusion, strict=True)}
    estimates = {name: bootstrap(score, truth, said) for name, score in scores.items()}
    primary = next(iter(scores))
    measured = Evaluation(task, "out-of-fold", len(truth), primary, estimates, support, confusion)
    if decided is None:
        return measured
    probabilities = np.column_stack([1 - said, said]) if said.ndim == 1 else said
    made = outcome(task, truth, probabilities, classes=tuple(labels), decided=decided)
    return replace(measured, miscalibration=miscalibration(made, 0.95))


def difference(name: str, score: Any, truth: Any, first: Any, second: Any) -> Difference:
    """Second minus first on the same resamples; higher is taken for better."""

    def gap(true: Any, pair: Any) -> float:
        return float(score(true, pair[:, 1]) - score(true, pair[:, 0]))

    pair = np.stack([first, second], axis=1)
    estimate = bootstrap(gap, truth, pair)
    firm = "second" if estimate.value > 0 else "first"
    better = firm if estimate.excludes_zero else None
    return Difference(
        name, score(truth, first), score(truth, second), estimate, better, f"better: {better}"
    )


def reliability(said: Any, right: Any, bins: int = 10) -> Reliability:
    """Bins of equal count with exact intervals."""
    parts = np.array_split(np.argsort(said, kind="stable"), bins)
    n = np.array([len(part) for part in parts])
    hits = np.array([right[part].sum() for part in parts])
    low = np.where(hits == 0, 0.0, beta.ppf(0.025, np.maximum(hits, 1), n - hits + 1))
    high = np.where(hits == n, 1.0, beta.ppf(0.975, hits + 1, np.maximum(n - hits, 1)))
    predicted = np.array([said[part].mean() for part in parts])
    return Reliability(predicted, hits / n, low, high, n.astype(float))


def schema(task: Task, n_features: int, classes: Sequence[Any] = ()) -> Schema:
    """Features of all kinds beside an id, an ignored column and the target."""
    kinds = [Kind.NUMERIC, Kind.CATEGORICAL, Kind.DATETIME]
    features = [
        Column(
            f"feature_{n}", kinds[n % 3], Role.FEATURE, "double", f"reads as {kinds[n % 3].value}",
            2 + 31 * n, 0.013 * (n % 4),
        )
        for n in range(n_features)
    ]  # fmt: skip
    kind = Kind.NUMERIC if task is Task.REGRESSION else Kind.CATEGORICAL
    others = [
        Column("row_id", Kind.NUMERIC, Role.ID, "int64", "the experiment says so", 1500, 0.0),
        Column("notes", Kind.TEXT, Role.IGNORED, "string", "long and nearly unique", 1382, 0.4),
        Column("y", kind, Role.TARGET, "string", "the target", max(2, len(classes)), 0.0),
    ]
    return Schema((*features, *others), "y", task, tuple(classes))


def table(described: Schema, features: Any, target: Any) -> pa.Table:
    """The columns that a schema describes: numbers, levels and days, each third with gaps."""
    random = np.random.default_rng(0)
    n = len(features)
    columns = {
        "row_id": pa.array(np.arange(n)),
        "notes": pa.array([f"this is a note of some length, number {i}" for i in range(n)]),
        "y": pa.array(target),
    }
    for at, column in enumerate(described.features):
        values: Any = features[:, at]
        if column.kind is Kind.CATEGORICAL:
            values = np.char.mod("level %d", np.abs(values).astype(int))
        elif column.kind is Kind.DATETIME:
            values = np.datetime64("2011-01-26", "us") + (1e13 * values).astype("timedelta64[us]")
        columns[column.name] = pa.array(values, mask=random.random(n) < column.missing)
    return pa.table({column.name: columns[column.name] for column in described.columns})


def outcome(task: Task, truth: Any, said: Any, **more: Any) -> Outcome:
    """Predictions of all rows beside the truth; `said` as probabilities or as values."""
    rows = np.arange(len(truth))
    if task is Task.REGRESSION:
        return Outcome(task, rows, truth, values=said)
    decided = more.pop("decided", np.argmax(said, axis=1))
    return Outcome(task, rows, truth, probabilities=said, decided=decided, **more)


def mistakes(made: Outcome, held: pa.Table, described: Schema, **more: Any) -> Mistakes:
    """The worst of them in a table without sealed rows."""
    return worst_mistakes(made, held, made.rows, described, **more)


def findings() -> list[Finding]:
    """One of each severity, mildest first, and one that was accepted."""
    return [
        Finding(
            "AS310", Severity.NOTE, "Rows occur twice in the training data.",
            {"rows": 52, "share": 0.034}, "data: {duplicates: keep_first}",
            rows={"train": tuple(range(10, 62))},
        ),
        Finding(
            "AS101", Severity.ASK, "Does feature_2 exist when the prediction is made?",
            {"skill": 0.8231, "next_best": {"feature_0": 0.31, "feature_1": 0.12}, "tested": True},
            "data:\n  roles:\n    ignore: [feature_2]", columns=("feature_2",),
            effect="Without it ROC AUC falls from 0.991 to 0.874.",
        ),
        Finding(
            "AS202", Severity.WARN, "The test rows have a level that training never saw.",
            {"levels": ["violet", "ochre"], "rows": 1203, "ratio": None},
            "give rows with these levels, or data.roles.ignore: [feature_1]",
            columns=("feature_1", "feature_4"), rows={"test": (3, 19, 1204)},
            places=("fit.py:12:1",),
            picture=Picture(
                "feature_4 in both parts", "Test rows lie higher.", "feature_4", "share of rows",
                (0.0, 1.0, 2.5, 4.0),
                {"train": (0.4, 0.3, 0.2, 0.1), "test": (0.1, 0.2, float("nan"), 0.4)},
            ),
        ),
        Finding(
            "AS102", Severity.BLOCK, "A feature is the target under another name.",
            {"agreement": 1.0}, "data.roles.ignore: [feature_0]", columns=("feature_0",),
            accepted="it is known at the time of the prediction",
        ),
    ]  # fmt: skip


def _content(model: Evaluation, **more: Any) -> ReportContent:
    """A content with everything that does not depend on the predictions."""
    given: dict[str, Any] = {
        "experiment": "income",
        "run_name": "calm-heron-12",
        "run_id": "0f3b6c1e9a7d4d0db1c2",
        "created": "2026-11-23T14:05:09.123456+00:00",
        "duration_s": 42.3,
        "learner": "linear",
        "options": {"learning_rate": 0.1, "balanced": True},
        "n_rows": {"train": model.n, "test": model.n // 4, "unlabelled": 3},
        "folds": 5,
        "evaluation": model,
        "findings": findings(),
        "not_applicable": {"AS205": "no column holds times"},
        "passed": ["AS103", "AS201", "AS301"],
        "importance_rows": model.n,
        "threshold": None,
        "calibration": "none, because it would not lower the log loss by more than noise.",
        "provenance": {
            "commit": "4be1a0f",
            "seed": 0,
            "uncommitted changes": "diff --git a/x b/x\n-old\n+new",
            "packages": {"numpy": "2.4.6", "scikit-learn": "1.9.1"},
            "fingerprints": {"data": "sha256:77aa", "test": None},
        },
        "experiment_text": _EXPERIMENT,
        "next_steps": {
            "assay evaluate calm-heron-12 --on test": "Open the sealed rows, once.",
            "assay compare calm-heron-12 last": "Compare with the last run.",
        },
    }
    return ReportContent(**{**given, **more})


def aimed(goal: Goal, design: Design = Design.CHANCE) -> ReportContent:
    """The binary run with this goal of its threshold, each row decided by what others chose."""
    content, (_, y, said, classes) = binary(), _of_two_classes()
    probabilities, folds = np.column_stack([1 - said, said]), np.arange(len(y)) % 5
    decided = cross_decided(said, y, folds, goal)
    known = {"classes": classes, "decided": decided, "design": design}
    made = outcome(Task.BINARY, y, probabilities, **known)
    return replace(content, threshold=_threshold(goal, made))


def _threshold(goal: Goal, made: Outcome) -> Threshold:
    """What these rows choose, with how sure that is and what it is worth."""
    [judged] = judge_together(
        {"": made}, rows="out-of-fold", primary="roc_auc", level=0.95, resamples=200
    ).values()
    chosen = choose(made.known_probabilities[:, 1], made.truth, goal)
    return with_choice(chosen, judged, level=0.95, resamples=200)


@cache
def _of_two_classes(n: int = 1500) -> tuple[Any, Any, Any, tuple[str, str]]:
    """Features, truth, probabilities that a model said of them, and the classes."""
    x, y = make_classification(n, 12, n_informative=5, weights=[0.7], flip_y=0.08, random_state=0)
    model = LogisticRegression(max_iter=500)
    said = cross_val_predict(model, x, y, method="predict_proba")[:, 1]
    return x, y, said, ("<=50K", ">50K")


def _seeds(headline: Estimate) -> SeedSpread:
    return SeedSpread([headline.value, headline.value - 0.004, headline.value + 0.0015])


def _importances(features: Any, coefficients: Any, n: int) -> list[Importance]:
    """Spread of each feature's part in the prediction: real numbers in falling order."""
    spread = np.abs(coefficients) * features.std(axis=0)
    drops = spread / spread.sum()
    order = np.argsort(-drops)
    ends = 1.6 / np.sqrt(n)
    return [
        Importance(f"feature_{i}", Estimate(float(drops[i]), drops[i] - ends, drops[i] + ends, n=n))
        for i in order.tolist()
    ]


@cache
def binary(n: int = 1500) -> ReportContent:
    """A logistic regression against the class shares."""
    x, y, said, classes = _of_two_classes(n)
    model = LogisticRegression(max_iter=500)
    weak = cross_val_predict(LogisticRegression(), x[:, :2], y, method="predict_proba")[:, 1]
    prior = cross_val_predict(DummyClassifier(), x, y, method="predict_proba")[:, 1]
    scores: Scores = {
        "roc_auc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "log_loss": metrics.log_loss,
        "brier": metrics.brier_score_loss,
        "f1": lambda true, p: float(metrics.f1_score(true, p >= _THRESHOLD, zero_division=0.0)),
        "balanced_accuracy": lambda true, p: metrics.balanced_accuracy_score(true, p >= _THRESHOLD),
    }

    def measured(p: Any) -> Evaluation:
        return evaluation(Task.BINARY, scores, y, p, labels=classes, decided=p >= _THRESHOLD)

    false_alarms, found, _ = metrics.roc_curve(y, said)
    precision, recall, _ = metrics.precision_recall_curve(y, said)
    curves = Curves(
        roc=RocCurve(false_alarms, found),
        precision_recall=PrecisionRecallCurve(recall[::-1], precision[::-1], float(y.mean())),
        reliability=reliability(said, y),
    )
    evaluated = measured(said)
    described = schema(Task.BINARY, x.shape[1], classes)
    held = table(described, x, np.array(classes)[y])
    importance = _importances(x, model.fit(x, y).coef_[0], n)
    made = outcome(
        Task.BINARY, y, np.column_stack([1 - said, said]), classes=classes,
        decided=(said >= _THRESHOLD).astype(np.int64),
    )  # fmt: skip
    baselines = [
        BaselineContent(name, measured(p), difference("roc_auc", scores["roc_auc"], y, p, said))
        for name, p in (("constant", prior), ("two features", weak))
    ]
    return _content(
        evaluated,
        schema=described,
        profile=profile(held, described),
        mistakes=mistakes(made, held, described, importance=importance),
        seeds=_seeds(evaluated.headline),
        baselines=baselines,
        curves=curves,
        importance=importance,
        threshold=_threshold(Goal(goal="f1"), made),
    )


@cache
def multiclass(n_classes: int = 4, n: int = 1200) -> ReportContent:
    """A linear discriminant whose baseline it cannot be told from."""
    x, y = make_classification(
        n, 24, n_informative=12, n_classes=n_classes, n_clusters_per_class=1, random_state=1
    )
    said = cross_val_predict(LinearDiscriminantAnalysis(), x, y, method="predict_proba")
    less = cross_val_predict(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1), x, y, method="predict_proba"
    )
    codes = range(n_classes)
    classes = [f"class-{chr(97 + n % 26)}{n // 26 or ''}" for n in codes]
    scores: Scores = {
        "log_loss": lambda true, p: metrics.log_loss(true, p, labels=codes),
        "accuracy": lambda true, p: metrics.accuracy_score(true, p.argmax(axis=1)),
    }

    def measured(p: Any) -> Evaluation:
        return evaluation(Task.MULTICLASS, scores, y, p, labels=classes, decided=p.argmax(axis=1))

    within_noise = Estimate(-0.0021, -0.0054, 0.0013, n=n)
    gain = Difference("log_loss", 0.5, 0.4979, within_noise, None, "within noise")
    evaluated = measured(said)
    described = schema(Task.MULTICLASS, x.shape[1], classes)
    held = table(described, x, np.array(classes)[y])
    made = outcome(Task.MULTICLASS, y, said, classes=tuple(classes))
    return _content(
        evaluated,
        schema=described,
        profile=profile(held, described),
        mistakes=mistakes(made, held, described),
        seeds=SeedSpread([evaluated.headline.value]),
        baselines=[BaselineContent("shrunk", measured(less), gain)],
        curves=Curves(reliability=reliability(said.max(axis=1), said.argmax(axis=1) == y)),
        importance=_importances(x, LinearDiscriminantAnalysis().fit(x, y).coef_[0], n),
    )


@cache
def regression(n: int = 900) -> ReportContent:
    """A linear regression against the mean; one metric has no interval."""
    x, y = make_regression(n, 8, n_informative=5, noise=40.0, random_state=2)
    y = 30_000 + 90 * y
    said = cross_val_predict(LinearRegression(), x, y)
    mean = cross_val_predict(DummyRegressor(), x, y)
    scores: Scores = {
        "r2": metrics.r2_score,
        "rmse": metrics.root_mean_squared_error,
        "mae": metrics.mean_absolute_error,
    }
    evaluated = evaluation(Task.REGRESSION, scores, y, said)
    few = Estimate.without_interval(0.094, n=n, reason="targets near zero make it unstable")
    evaluated = replace(evaluated, metrics={**evaluated.metrics, "mape": few})
    gain = difference("r2", metrics.r2_score, y, mean, said)
    described = schema(Task.REGRESSION, x.shape[1])
    held = table(described, x, y)
    return _content(
        evaluated,
        schema=described,
        profile=profile(held, described),
        mistakes=mistakes(outcome(Task.REGRESSION, y, said), held, described),
        seeds=_seeds(evaluated.headline),
        baselines=[BaselineContent("constant", evaluation(Task.REGRESSION, scores, y, mean), gain)],
        curves=Curves(residuals=Residuals(said, y - said)),
        importance=_importances(x, LinearRegression().fit(x, y).coef_, n),
    )


def seen(kind: str, content: ReportContent) -> ReportContent:
    """The same run on a table of 'texts' in pairs, long ones too, or of 'pictures'."""
    truth = np.arange(12) % 3
    said = np.eye(3)[(truth + 1) % 3] * 0.9 + 0.1 / 3
    made = outcome(Task.MULTICLASS, truth, said, classes=("bag", "boot", "coat"))
    name = Column("id", Kind.CATEGORICAL, Role.ID, "string", "", 12, 0.0)
    columns = {"id": [f"no. {n}" for n in range(12)]}
    images: dict[str, Any] = {}
    if kind == "texts":
        words = " ".join(f"word{n}" for n in range(300))
        columns |= {
            "question": [f"What is no. {n}, and what is it for?" for n in range(12)],
            "answer": [words[: 1 + 150 * n] for n in range(12)],
        }
        found = [
            replace(name, name=each, kind=Kind.TEXT, role=Role.FEATURE)
            for each in ("question", "answer")
        ]
    else:
        shades = np.random.default_rng(0).integers(0, 255, (12, 28, 28), dtype=np.uint8)
        images["photo"] = list(shades)
        columns["photo"] = shades.tolist()
        found = [replace(name, name="photo", kind=Kind.IMAGE, role=Role.FEATURE)]
    described = replace(content.schema, columns=(name, *found), task=Task.MULTICLASS)
    return replace(content, mistakes=mistakes(made, pa.table(columns), described, images=images))


def opened(content: ReportContent, looks: int = 1, drop: float = 0.004) -> ReportContent:
    """The same run after its sealed rows were opened; `drop` is how much worse they are."""
    announced = content.evaluation.headline
    n = announced.n // 4
    number = Estimate(announced.value - drop, announced.value - 0.03, announced.value + 0.02, n=n)
    apart = Estimate(-drop, -drop - 0.02, -drop + 0.02, n=n)
    better = ("first" if drop > 0 else "second") if apart.excludes_zero else None
    primary = content.evaluation.primary
    on_test = replace(
        content.evaluation,
        rows="test",
        n=n,
        metrics={**content.evaluation.metrics, primary: number},
    )
    compared = Difference(primary, announced.value, number.value, apart, better, "compared")
    return replace(content, test=TestLook(on_test, compared, looks))


def _hostile(profile: Profile | None, evil: str, long: str) -> Profile:
    """A profile with markup in its names and levels."""
    assert profile is not None
    first, second, *rest = profile.columns
    gap = replace(profile.gaps[0], columns=(evil, long), label=evil)
    return replace(
        profile,
        columns=(
            replace(first, name=evil, numbers=None, levels=((evil, 3), (long, 2))),
            replace(second, name=long),
            *rest,
        ),
        gaps=(gap, *profile.gaps),
    )


def _hostile_mistakes(mistakes: Mistakes | None, evil: str, long: str) -> Mistakes:
    """Mistakes with markup in their texts, names and labels."""
    assert mistakes is not None
    first, second, *rest = mistakes.rows
    texts = tuple(evil * (1 + 40 * (n % 2)) for n in range(len(mistakes.rows)))
    return replace(
        mistakes,
        rows=(replace(first, truth=evil, said=long), replace(second, said=evil), *rest),
        columns=(
            Seen(evil, texts, is_text=True),
            Seen(long, tuple(long for _ in texts), is_text=True),
            Seen(evil, texts),
            *mistakes.columns,
        ),
    )


def hostile(content: ReportContent) -> ReportContent:
    """The same run with markup in every text of the user's, and with very long names."""
    evil = "<script>alert('x')</script>\"'&{{ 7 * 7 }}"
    long = "a_column_whose_name_never_seems_to_end_" * 3
    columns = [replace(column, why=evil) for column in content.schema.columns]
    columns[0] = replace(columns[0], name=evil, kind=Kind.CATEGORICAL)
    columns[1] = replace(columns[1], name=long)
    importance = [
        replace(content.importance[0], feature=evil),
        replace(content.importance[1], feature=long),
        *content.importance[2:],
    ]
    labels = [evil, long, *content.evaluation.support][: len(content.evaluation.support)]
    support = dict(zip(labels, content.evaluation.support.values(), strict=True))
    finding = replace(
        content.findings[0],
        title=evil,
        columns=(evil, long),
        evidence={evil: evil, long: {evil: [long]}},
        mend=evil + long,
        effect=evil,
        accepted=evil,
    )
    return replace(
        content,
        experiment=evil + long,
        run_name=long,
        learner=evil,
        options={evil: evil, "hidden": long},
        schema=replace(content.schema, columns=tuple(columns), target=evil),
        profile=_hostile(content.profile, evil, long),
        mistakes=_hostile_mistakes(content.mistakes, evil, long),
        evaluation=replace(content.evaluation, support=support),
        baselines=[replace(each, name=evil) for each in content.baselines],
        findings=[finding, *content.findings],
        not_applicable={evil: evil},
        passed=[evil],
        importance=importance,
        calibration=evil,
        provenance={evil: evil, long: {evil: long}, "diff": evil + "\n" + long},
        experiment_text=f"name: {evil}\n# {long}",
        next_steps={f"assay evaluate '{evil}' --on test": evil, long: long},
    )
