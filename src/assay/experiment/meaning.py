"""What only several settings together can get wrong: learners, options, metrics, roles, codes."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from assay.data.settings import DataSettings
from assay.experiment.problems import Problem
from assay.learners.settings import ModelSettings


def problems_of_meaning(blocks: Mapping[str, Any]) -> list[Problem]:
    """Problems of the blocks that are valid each by itself."""
    problems: list[Problem] = []
    if "data" in blocks:
        problems += _of_data(blocks["data"])
    if "model" in blocks:
        problems += _of_model(blocks["model"])
    if "checks" in blocks:
        problems += _of_codes(blocks["checks"].accept)
    if "evaluation" in blocks and "data" in blocks:
        problems += _of_metric(blocks["evaluation"].primary, blocks["data"].task)
    return problems


def _of_data(data: DataSettings) -> list[Problem]:
    problems = []
    split = data.split
    if split.by == "column" and split.column is None:
        problems.append(
            Problem(
                "data.split.column",
                "data.split.by is column, but data.split.column does not say which.",
                mend="column: NAME",
            )
        )
    if split.by != "column" and split.column is not None:
        problems.append(
            Problem(
                "data.split.column",
                f"data.split.column is {split.column}, but data.split.by is {split.by}.",
                mend="by: column",
            )
        )
    roles: dict[str, list[str | None]] = {
        "data.target": [data.target],
        "data.roles.id": [data.roles.id],
        "data.roles.ignore": list(data.roles.ignore),
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


def _of_codes(accept: Mapping[str, str]) -> list[Problem]:
    if not accept:
        return []
    from assay.checks.builtin import CODES

    problems = []
    for code in accept:
        if code not in CODES:
            close = get_close_matches(code, CODES, n=1)
            problems.append(
                Problem(
                    f"checks.accept.{code}",
                    f"checks.accept names {code}, which is no check.",
                    mend=close[0] if close else "leave it out",
                    allowed=f"codes: {', '.join(CODES)}",
                )
            )
    return problems


def _of_metric(primary: str | None, task: Any) -> list[Problem]:
    if primary is None:
        return []
    from assay.evaluation.metrics import METRICS

    tasks = [task] if task is not None else list(METRICS)
    known = list(dict.fromkeys(name for each in tasks for name in METRICS[each]))
    if primary in known:
        return []
    close = get_close_matches(primary, known, n=1)
    return [
        Problem(
            "evaluation.primary",
            f"evaluation.primary is {primary}, which is no metric"
            + (f" of a {task} task." if task is not None else "."),
            mend=f"primary: {close[0] if close else known[0]}",
            allowed=f"metrics: {', '.join(known)}",
        )
    ]
