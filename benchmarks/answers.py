"""What the checks say of answers to public tables: of honest models, and of spoiled answers.

Models learn six tenths of at most 12,000 rows and answer the others, as people do without Assay:
categories as numbers, nothing calibrated. Then the answers of boosting are spoiled: turned round on
half of the rows of one level or range, or made too sure of themselves.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from assay.checks.as607_miscalibrated import Miscalibrated
from assay.checks.as608_weak_segment_of_predictions import WeakSegmentOfPredictions
from assay.checks.as609_no_baseline import NoBaseline
from assay.checks.base import Given, View
from assay.data.handed_over import HandedOver, hand_over
from assay.data.settings import DataSettings
from assay.data.sources import from_frame, read_table
from assay.findings import Finding, NotApplicable
from checks import TARGETS

CHECKS = (Miscalibrated(), WeakSegmentOfPredictions(), NoBaseline())
MOST_ROWS, MOST_CLASSES, FEWEST_ANSWERS = 12_000, 10, 400
SHARES = 0.06, 0.25


def models() -> dict[str, Any]:
    def plain(model: Any) -> Any:
        return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), model)

    early = {"max_iter": 80, "learning_rate": 0.06, "max_leaf_nodes": 8, "l2_regularization": 5}
    return {
        "boosting": HistGradientBoostingClassifier(random_state=0),
        "boosting, stopped early": HistGradientBoostingClassifier(random_state=0, **early),
        "forest": plain(RandomForestClassifier(100, random_state=0)),
        "logistic": plain(LogisticRegression(max_iter=300)),
        "naive Bayes": plain(GaussianNB()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Parquet tables, named as in checks.py")
    parser.add_argument("--json", type=Path, help="where to write what was said")
    arguments = parser.parse_args()
    said: list[dict[str, Any]] = []
    for name, target in TARGETS.items():
        path = arguments.folder / f"{name}.parquet"
        if path.exists():
            said += look(path, target)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(said, indent=1))
    show(said)


def look(path: Path, target: str) -> list[dict[str, Any]]:
    table, random = read_table(path), np.random.default_rng(0)
    table = table.filter(table[target].is_valid())
    rows = random.permutation(table.num_rows)[:MOST_ROWS]
    first = int(0.6 * len(rows))
    settings = DataSettings(source=path.name, target=target)
    both = hand_over(table.take(rows[:first]), table.take(rows[first:]), settings, path.name)
    few = 2 <= len(both.schema.classes) <= MOST_CLASSES and len(both.test) >= FEWEST_ANSWERS
    if not few or both.test.target is None:
        return []
    learnt, answered = numbered(both)
    found = []
    for model_name, model in models().items():
        said = model.fit(learnt, both.train.target).predict_proba(answered)
        about = {"table": path.stem, "model": model_name}
        found.append(about | {"spoiled": None, "found": judged(both, model.classes_, said)})
        if model_name != "boosting":
            continue
        for column, rows in segments(both, random):
            turned = np.where(rows[:, None] & half(rows, random), np.roll(said, 1, axis=1), said)
            answer = judged(both, model.classes_, turned)
            found.append(about | {"spoiled": column, "found": answer})
        sharp = said**2.2 / (said**2.2).sum(axis=1, keepdims=True)
        answer = judged(both, model.classes_, sharp)
        found.append(about | {"spoiled": "too sure", "found": answer})
    return found


def numbered(both: HandedOver) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features with categories as numbers, of training and test rows."""
    every = pd.concat([both.train.features, both.test.features], ignore_index=True)
    for name in every:
        if every[name].dtype.kind not in "fiub":
            every[name] = pd.factorize(every[name].astype(str))[0].astype(float)
    return every[: len(both.train)].to_numpy(), every[len(both.train) :].to_numpy()


def segments(both: HandedOver, random: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """A level of a category, and a range of a number, that hold 6 to 25 % of the test rows."""
    found = []
    for kind in (False, True):
        names = [n for n in both.test.features if (both.test.features[n].dtype == float) == kind]
        for name in random.permutation(names):
            values = both.test.features[name]
            if kind:
                rows = (values > values.quantile(0.85)).to_numpy()
            else:
                shares = values.value_counts(normalize=True)
                fits = shares[shares.between(*SHARES)]
                rows = (values == fits.index[0]).to_numpy() if len(fits) else np.zeros(1, bool)
            if SHARES[0] <= rows.mean() <= SHARES[1]:
                found.append((str(name), rows))
                break
    return found


def half(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return random.random((len(rows), 1)) < 0.5


def judged(both: HandedOver, classes: np.ndarray, said: np.ndarray) -> list[dict[str, Any]]:
    answers = pd.DataFrame({f"proba_{each}": said[:, n] for n, each in enumerate(classes)})
    answers["y_true"], answers["pred"] = both.test.target, classes[said.argmax(axis=1)]
    given = Given(train=pa.schema([]), predictions=from_frame(answers))
    view = View(both.schema, both.train, both.test, both.raw_train, both.raw_test, given=given)
    found: list[Finding] = []
    for check in CHECKS:
        result = check(view, {})
        found += [] if isinstance(result, NotApplicable) else result
    kept = ("code", "severity", "title", "columns")
    return [{key: each.as_dict()[key] for key in kept} for each in found]


def show(said: list[dict[str, Any]]) -> None:
    for model in models():
        mine = [each for each in said if each["model"] == model and each["spoiled"] is None]
        told = Counter(
            f"{one['severity']} {one['code']}"
            for each in mine
            for one in {(f["severity"], f["code"]): f for f in each["found"]}.values()
        )
        print(f"{model}: {len(mine)} tables: {dict(sorted(told.items()))}")
    turned = [each for each in said if each["spoiled"] not in (None, "too sure")]
    hits = [
        any(one["code"] == "AS608" and each["spoiled"] in one["columns"] for one in each["found"])
        for each in turned
    ]
    print(f"parts turned round: {sum(hits)} of {len(hits)} named")
    sure = [each for each in said if each["spoiled"] == "too sure"]
    alarms = [
        any(one["code"] == "AS607" and one["severity"] != "note" for one in each["found"])
        for each in sure
    ]
    print(f"answers too sure: {sum(alarms)} of {len(alarms)} named")


if __name__ == "__main__":
    main()
