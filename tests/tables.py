"""Small tables with honest signal, for all tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from assay.data.preparation import Prepared, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame

LABELS = ("y1", "y2", "y3")


def target_of(task: Task) -> str | tuple[str, ...]:
    """What is predicted: the column 'y', or those of three labels."""
    return LABELS if task is Task.MULTILABEL else "y"


def target_in(frame: pd.DataFrame) -> str | tuple[str, ...]:
    """What is predicted of a table that `table` began."""
    return "y" if "y" in frame else LABELS


def table(task: Task, n: int = 240, seed: int = 0) -> pd.DataFrame:
    """Numbers, a category, gaps and a target that they say something about."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 3))
    kind = random.choice(["red", "green", "blue"], n)
    score = x[:, 0] + 0.5 * x[:, 1] + (kind == "red") + random.normal(scale=0.8, size=n)
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "kind": kind})
    frame["whole"] = random.integers(0, 30, n)
    frame.loc[random.random(n) < 0.1, "b"] = np.nan
    if task is Task.REGRESSION:
        frame["y"] = score * 10
    elif task is Task.BINARY:
        frame["y"] = np.where(score > 0.8, "yes", "no")
    elif task is Task.MULTILABEL:
        blur = random.normal(scale=0.8, size=n)
        frame["y1"] = (score > 0.8).astype(int)
        frame["y2"] = (x[:, 2] - 0.5 * x[:, 1] + blur > -0.2).astype(int)
        frame["y3"] = (x[:, 1] + (kind == "blue") + blur > 1.4).astype(int)
    else:
        frame["y"] = np.select([score > 1, score > -0.2], ["high", "middle"], "low")
    return frame


def prepared(task: Task, n: int = 240, seed: int = 0, **settings: Any) -> Prepared:
    """The table, split and sealed."""
    data = DataSettings(source="table", target=target_of(task), task=task, **settings)
    return prepare(from_frame(table(task, n, seed)), data, "table")


def leaking(task: Task, n: int = 240, seed: int = 0) -> pd.DataFrame:
    """The table with a feature that is the target, a little blurred."""
    frame = table(task, n, seed)
    target = frame["y1" if task is Task.MULTILABEL else "y"]
    codes = pd.factorize(target)[0] if task is not Task.REGRESSION else target
    blur = np.random.default_rng(seed + 1).normal(scale=0.1, size=n)
    return frame.assign(leak=codes + blur)
