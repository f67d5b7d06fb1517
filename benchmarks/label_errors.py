"""How many labels are suspected on tables as they are, and how many of those that were flipped.

Each table is predicted out of fold by boosting and by a linear model on columns as they are coded
(one of the right form and one of a wrong form), once with its own labels and once with 3 % of them
flipped to another class at random. Beside what Assay suspects stands confident learning alone, that
is every row off the diagonal of the confident joint.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from assay.data.schema import Task
from assay.evaluation import label_errors as ours
from assay.evaluation.outcome import Outcome

TABLES = {
    "titanic": "survived", "german_credit": "class", "telco_churn": "churn", "spambase": "type",
    "attrition": "Attrition", "lending_club": "Class", "credit_status": "Status",
    "satellite": "classes", "soybean": "Class", "adult": "income",
}  # fmt: skip
QUICK = ("titanic", "german_credit")
MOST_ROWS, FEWEST_OF_CLASS, NOISE = 12_000, 5, 0.03
LEARNERS: dict[str, Any] = {
    "boosting": HistGradientBoostingClassifier(max_iter=60),
    "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
}


def table(path: Path, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Columns as numbers, levels by their first appearance, and labels as codes."""
    frame = pd.read_parquet(path).dropna(subset=[target])
    frame = frame.sample(min(len(frame), MOST_ROWS), random_state=0)
    frame = frame[frame.groupby(target)[target].transform("size") >= FEWEST_OF_CLASS]
    labels = pd.factorize(frame.pop(target), sort=True)[0]
    coded = [
        each if pd.api.types.is_numeric_dtype(each) else pd.factorize(each.astype(str))[0]
        for _, each in frame.items()
    ]
    return np.nan_to_num(np.column_stack(coded).astype(float)), labels


def suspected(learner: Any, features: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Positions suspected by confident learning alone and by Assay."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    said = cross_val_predict(learner, features, labels, cv=folds, method="predict_proba")
    k = said.shape[1]
    task = Task.BINARY if k == 2 else Task.MULTICLASS
    outcome = Outcome(task, np.arange(len(labels)), labels, tuple(range(k)), said)
    found = ours.label_errors(outcome)
    alone = np.flatnonzero(ours._confident(outcome)[0] >= 0)
    rows = [each.row for each in found.rows] if found is not None else []
    return {"alone": alone, "assay": np.array(rows, dtype=int)}


def measured(path: Path, target: str) -> dict[str, Any]:
    """Of a table, by learner."""
    features, labels = table(path, target)
    random, k = np.random.default_rng(0), labels.max() + 1
    flipped = random.random(len(labels)) < NOISE
    noisy = np.where(flipped, (labels + random.integers(1, k, len(labels))) % k, labels)
    lines: dict[str, Any] = {}
    for name, learner in LEARNERS.items():
        clean, planted = (suspected(learner, features, each) for each in (labels, noisy))
        lines[name] = {"rows": len(labels), "flipped": int(flipped.sum())}
        for whose in ("alone", "assay"):
            lines[name][whose] = {
                "as it is": len(clean[whose]),
                "planted": len(planted[whose]),
                "of these flipped": int(flipped[planted[whose]].sum()),
            }
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the tables as Parquet, by their names")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = {
        name: measured(arguments.folder / f"{name}.parquet", TABLES[name])
        for name in (QUICK if arguments.quick else TABLES)
    }
    if arguments.json:
        print(json.dumps({"noise": NOISE, "tables": found}))
        return
    for name, by_learner in found.items():
        for learner, each in by_learner.items():
            print(f"{name:14} {learner:9} {each}")


if __name__ == "__main__":
    main()
