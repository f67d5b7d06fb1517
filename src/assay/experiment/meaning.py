"""What only several settings together can get wrong: learners, options, metrics, roles, codes."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from assay.data.settings import DataSettings
from assay.evaluation.goals import Goal
from assay.experiment.problems import Problem
from assay.fitting.settings import TrainingSettings
from assay.learners.settings import ModelSettings
from assay.registry.settings import GatesSettings

_CALLED_OTHERWISE = {
    "auc": ("roc_auc", "roc_auc_ovr"),
    "auroc": ("roc_auc", "roc_auc_ovr"),
    "auprc": ("pr_auc",),
    "average_precision": ("pr_auc",),
    "cross_entropy": ("log_loss",),
    "nll": ("log_loss",),
    "mse": ("rmse",),
}


def problems_of_meaning(blocks: Mapping[str, Any]) -> list[Problem]:
    """Problems of the blocks that are valid each by itself."""
    problems: list[Problem] = []
    if "data" in blocks:
        problems += _of_data(blocks["data"])
    if "model" in blocks:
        problems += _of_model(blocks["model"])
    if "model" in blocks and "training" in blocks:
        problems += _of_training(blocks["training"], blocks["model"].learner)
    if "checks" in blocks:
        problems += _of_codes(blocks["checks"].accept)
    if "evaluation" in blocks and "data" in blocks:
        primary = blocks["evaluation"].primary
        if primary is not None:
            task = blocks["data"].task
            problems += of_metric("evaluation.primary", primary, task, "primary: {}")
    if "evaluation" in blocks:
        task = blocks["data"].task if "data" in blocks else None
        problems += _of_threshold(blocks["evaluation"].threshold, task)
    if "registry" in blocks:
        task = blocks["data"].task if "data" in blocks else None
        problems += of_gates("registry.gates", blocks["registry"].gates, task)
    return problems


def _of_data(data: DataSettings) -> list[Problem]:
    split, given = data.split, data.roles
    problems = _of_split(data) + _of_target(data)
    roles: dict[str, list[str | None]] = {
        "data.target": [data.target] if isinstance(data.target, str) else [*data.target],
        "data.roles.id": [given.id],
        "data.roles.group": list(given.groups),
        "data.roles.time": [given.time],
        "data.roles.weight": [given.weight],
        "data.roles.segments": list(given.segments),
        "data.roles.ignore": list(given.ignore),
        "data.split.column": [split.column],
    }
    seen: dict[str, str] = {}
    for key, names in roles.items():
        problems += [
            Problem(
                key,
                f"{key} names {name!r}, which {seen[name]} names too.",
                mend="give the column one role",
            )
            for name in names
            if name is not None and seen.setdefault(name, key) != key
        ]
    return problems


def _of_target(data: DataSettings) -> list[Problem]:
    """A list of columns that is no list of labels."""
    columns = () if isinstance(data.target, str) else tuple(dict.fromkeys(data.target))
    if isinstance(data.target, str) or len(columns) == len(data.target) > 1:
        return []
    if len(columns) > 1:
        mend = f"target: [{', '.join(columns)}]"
        return [Problem("data.target", "data.target names a column twice.", mend=mend)]
    said = "data.target is a list of one column." if columns else "data.target is an empty list."
    mend = f"target: {columns[0] if columns else 'COLUMN'}"
    return [Problem("data.target", said, mend=mend)]


def _of_split(data: DataSettings) -> list[Problem]:
    """What the split and the roles say against each other."""
    split, roles = data.split, data.roles
    by = split.by
    key = "data.split.by"
    problems = []
    if by == "column" and split.column is None:
        said = f"{key} is column, but data.split.column does not say which."
        problems.append(Problem("data.split.column", said, mend="column: NAME"))
    if by not in ("column", "auto") and split.column is not None:
        said = f"data.split.column is {split.column}, but {key} is {by}."
        problems.append(Problem("data.split.column", said, mend="by: column"))
    if by == "time" and roles.time is None:
        said = f"{key} is time, but data.roles.time does not say which column orders the rows."
        problems.append(Problem(key, said, mend="roles: {time: COLUMN}"))
    if by == "group" and not roles.groups:
        said = f"{key} is group, but data.roles.group does not say what belongs together."
        problems.append(Problem(key, said, mend="roles: {group: COLUMN}"))
    if by == "auto" and roles.time is not None and roles.groups:
        said = "data.roles has a group and a time, and the split can go by one of them only."
        problems.append(Problem(key, said, mend="by: group, or by: time"))
    if by == "random" and (roles.groups or roles.time):
        role = "group" if roles.groups else "time"
        said = f"{key} is random, but data.roles.{role} is given: what it ties would be torn apart."
        problems.append(Problem(key, said, mend=f"by: {role}"))
    if split.gap and roles.time is None:
        said = "data.split.gap needs a time, and data.roles.time is not given."
        problems.append(Problem("data.split.gap", said, mend="roles: {time: COLUMN}"))
    elif split.gap and by in ("group", "random"):
        said = f"data.split.gap lies between two times, but {key} is {by}."
        problems.append(Problem("data.split.gap", said, mend="by: time, or leave gap out"))
    if split.duplicates == "together" and (roles.groups or roles.time):
        said = "data.split.duplicates is together, but the split goes by a role."
        problems.append(Problem("data.split.duplicates", said, mend="duplicates: apart"))
    return problems + _of_kinds(data)


def _of_kinds(data: DataSettings) -> list[Problem]:
    known = ("numeric", "categorical", "text", "datetime", "image")
    return [
        Problem(
            f"data.kinds.{name}",
            f"data.kinds.{name} is {kind}, which is no kind.",
            mend=f"{name}: {(get_close_matches(kind, known, n=1) or known)[0]}",
            allowed=f"one of {', '.join(known)}, or how dates are written: '%d.%m.%Y'",
        )
        for name, kind in data.kinds.items()
        if kind not in known and "%" not in kind
    ]


def _of_model(model: ModelSettings) -> list[Problem]:
    from assay.learners.builtin import NAMES, check_options

    if model.learner in NAMES:
        return [
            Problem(f"model.options.{option}", f"model.options.{option} {problem}.", mend)
            for option, problem, mend in check_options(model.learner, model.options)
        ]
    if "." in model.learner or ":" in model.learner:
        return []
    close = get_close_matches(model.learner, NAMES, n=1)
    return [
        Problem(
            "model.learner",
            f"model.learner is {model.learner}, which is no learner.",
            mend=f"learner: {close[0] if close else NAMES[0]}",
            allowed=f"one of {', '.join(NAMES)}, or package.module:factory",
        )
    ]


def _of_training(training: TrainingSettings, learner: str) -> list[Problem]:
    from assay.learners.builtin import NAMES, in_place_of, trains_in_steps

    if learner not in NAMES or not training.of_the_loop or trains_in_steps(learner):
        return []
    return [
        Problem(f"training.{name}", *in_place_of(name, learner)) for name in training.of_the_loop
    ]


def _of_codes(accept: Mapping[str, str]) -> list[Problem]:
    if not accept:
        return []
    from assay.checks.builtin import CODES
    from assay.segments.telling import CODES as OF_SEGMENTS
    from assay.training.faults import CODES as OF_TRAINING

    known = CODES + OF_TRAINING + OF_SEGMENTS
    problems = []
    for code in accept:
        if code not in known:
            family = [each for each in known if each[:3] == code[:3]] or known
            close = get_close_matches(code, family, n=1)
            problems.append(
                Problem(
                    f"checks.accept.{code}",
                    f"checks.accept names {code}, which is no check.",
                    mend=close[0] if close else "leave it out",
                    allowed=f"codes: {', '.join(known)}",
                )
            )
    return problems


def of_gates(key: str, gates: GatesSettings, task: Any = None) -> list[Problem]:
    """Metrics of gates that are none.

    Args:
        key: Where the gates stand: 'registry.gates'.
        gates: Of all stages.
        task: The task of the experiment, where it is given.
    """
    problems: list[Problem] = []
    for stage in type(gates).model_fields:
        for metric, limit in getattr(gates, stage).metrics.items():
            at = f"{key}.{stage}.metrics.{metric}"
            problems += of_metric(at, metric, task, f"{{}}: {limit:g}")
    return problems


def of_metric(key: str, metric: str, task: Any, mend: str) -> list[Problem]:
    """A metric that is none.

    Args:
        key: The key that names it.
        metric: What it names.
        task: The task of the experiment, where it is given.
        mend: What to write instead, with {} for the name of a metric.
    """
    from assay.evaluation.metrics import METRICS

    tasks = [task] if task is not None else list(METRICS)
    known = list(dict.fromkeys(name for each in tasks for name in METRICS[each]))
    if metric in known:
        return []
    alike = [name for name in _CALLED_OTHERWISE.get(metric.lower(), ()) if name in known]
    close = alike or get_close_matches(metric, known, n=1)
    named = key.removesuffix(f".{metric}")
    return [
        Problem(
            key,
            f"{named} {'is' if named == key else 'names'} {metric}, which is no metric"
            + (f" of a {task} task." if task is not None else "."),
            mend=mend.format(close[0] if close else known[0]),
            allowed=f"metrics: {', '.join(known)}",
        )
    ]


def _of_threshold(goal: Goal, task: Any) -> list[Problem]:
    key = "evaluation.threshold"
    unfit = goal.unfit_for(task) if task is not None else None
    if unfit is not None:
        return [Problem(key, unfit, mend="leave threshold out")]
    return [
        Problem(f"{key}.{name}", f"{key}.{name} {said}.", mend)
        for name, said, mend in goal.problems()
    ]
