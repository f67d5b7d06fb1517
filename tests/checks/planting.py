"""Tables with groups, with time and with texts in them, and their clean twins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.data.schema import Task
from tests.tables import table


def aimed(frame: pd.DataFrame, score: np.ndarray, task: Task) -> pd.DataFrame:
    """The table with the score as its target; of labels, as the first of them."""
    if task is Task.MULTILABEL:
        return frame.assign(y1=(score > 0).astype(int))
    if task is Task.REGRESSION:
        return frame.assign(y=score)
    if task is Task.BINARY:
        return frame.assign(y=np.where(score > 0, "yes", "no"))
    classes = np.select([score > 0.7, score > -0.7], ["high", "middle"], "low")
    return frame.assign(y=classes)


def grouped(
    task: Task, n: int = 1200, per_group: int = 8, seed: int = 0, *, is_real: bool = True
) -> pd.DataFrame:
    """Patients with several visits, shuffled; not real: the same names on unrelated rows.

    A patient has a level of its own and two features by which it can be recognised.
    """
    random = np.random.default_rng(seed)
    patient = random.permutation(np.arange(n) % (n // per_group))
    own = random.normal(size=(n // per_group, 3))
    frame = table(task, n, seed)
    frame["height"] = own[patient, 0] + random.normal(scale=0.05, size=n)
    frame["iron"] = own[patient, 1] + random.normal(scale=0.05, size=n)
    score = 1.5 * own[patient, 2] + 0.5 * frame["a"] + random.normal(scale=0.5, size=n)
    frame = aimed(frame, np.asarray(score), task)
    names = np.array([f"p{i:04}" for i in random.permutation(9000)[: n // per_group]])
    return frame.assign(patient=names[patient if is_real else random.permutation(patient)])


def recorded(task: Task, n: int = 2500, seed: int = 0, *, is_real: bool = True) -> pd.DataFrame:
    """Rows whose level wanders in time, shuffled; not real: the same dates on unrelated rows."""
    random = np.random.default_rng(seed)
    at = np.sort(random.random(n))
    walk = np.interp(at * 30, np.arange(31), np.cumsum(random.normal(size=31)))
    level = 2 * (walk - walk.mean()) / walk.std()
    frame = table(task, n, seed)
    score = np.asarray(level + frame["a"] + random.normal(scale=0.5, size=n))
    frame = aimed(frame, score, task)
    date = pd.Timestamp("2024-01-01") + pd.to_timedelta((at * 500 * 86400).astype(int), "s")
    frame["taken"] = date if is_real else date[random.permutation(n)]
    return frame.sample(frac=1, random_state=seed, ignore_index=True)


VOCABULARY = [a + b + c for a in "bcdfglmnprstv" for b in ("a", "ee", "io", "u") for c in "dlnrst"]


def sayings(n: int, seed: int = 0, words: int = 30) -> list[str]:
    """Texts of some words each, the frequent ones far more often than the rare ones."""
    random = np.random.default_rng(seed)
    drawn = np.minimum(random.zipf(1.2, size=(n, 2 * words)) - 1, len(VOCABULARY) - 1)
    lengths = random.integers(words // 2, 2 * words, n)
    return [" ".join(VOCABULARY[k] for k in row[:m]) for row, m in zip(drawn, lengths, strict=True)]


def opinions(n: int = 1200, seed: int = 0) -> pd.DataFrame:
    """Honest texts of two classes: some words say a lot of the class, nothing but words does."""
    random = np.random.default_rng(seed)
    y = random.choice(["no", "yes"], n)
    strong = {"no": ["awful", "terrible", "stale"], "yes": ["delicious", "lovely", "fresh"]}
    texts = [
        f"{text} {random.choice(strong[label])}" if random.random() < 0.6 else text
        for text, label in zip(sayings(n, seed), y, strict=True)
    ]
    return pd.DataFrame({"said": texts, "y": y})
