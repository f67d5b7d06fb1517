"""Rows alike but for their label: what is said of tables as they are, and of copies planted there.

Each table is taken as it is, then with a fiftieth of its rows (at least 20) added once more, a
twentieth of these (at least 4) with another label; of texts the copies have one word more. As many
rows as usual are sealed, so that a part of the planted pairs cannot be seen.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.opposite_labels import opposite_labels
from bars import bar

TABLES = {
    "adult": "income", "attrition": "Attrition", "bird_strikes": "phase_of_flt",
    "breast_cancer_ids": "Class", "covid_testing": "result", "credit_status": "Status",
    "german_credit": "class", "lending_club": "Class", "letter": "lettr", "mpls_stops": "problem",
    "nass_crash": "dead", "penguins": "Species", "satellite": "classes", "soybean": "Class",
    "spambase": "type", "stackoverflow_remote": "Remote", "storms": "status", "taxi_tip": "tip",
    "telco_churn": "churn", "titanic": "survived", "fine_foods": "label", "spam_assassin": "label",
}  # fmt: skip
TEXTS = ("fine_foods", "spam_assassin")
NATURAL = ("nass_crash", "soybean", "spambase", "taxi_tip", "telco_churn", "titanic")
"""Tables whose rows are equal by nature, so that copies are not told apart there."""
QUICK = ("german_credit", "penguins", "satellite", "titanic", "fine_foods")


def told(frame: pd.DataFrame, target: str, planted: dict[int, int]) -> dict[str, Any]:
    """What is said of a table in which these rows are copies of others with another label."""
    data = prepare(from_frame(frame), DataSettings(source="table", target=target), "table")
    found = opposite_labels(data.development, data.raw_development)
    held = set(data.development.rows.tolist())
    pairs = {frozenset(pair) for pair in planted.items() if held.issuperset(pair)}
    named = found.pairs if found is not None else ()
    return {
        "rows": len(data.development),
        "beyond": found.beyond if found is not None else 0,
        "named": len(named),
        "planted": len(pairs),
        "of these named": sum(frozenset((each.row, each.twin)) in pairs for each in named),
    }


def with_copies(frame: pd.DataFrame, target: str, *, is_text: bool) -> Any:
    """The table with copies at its end, and which of them have another label, with their rows."""
    random = np.random.default_rng(0)
    n, n_copies = len(frame), max(20, len(frame) // 50)
    copied = random.choice(n, n_copies, replace=False)
    copies = frame.iloc[copied].copy()
    n_wrong = max(4, n_copies // 20)
    classes = frame[target].unique()
    wrong = [random.choice(classes[classes != each]) for each in copies[target].iloc[:n_wrong]]
    copies.iloc[:n_wrong, copies.columns.get_loc(target)] = wrong
    if is_text:
        copies["text"] += " altogether"
    planted = {n + at: int(copied[at]) for at in range(n_wrong)}
    return pd.concat([frame, copies], ignore_index=True), planted


def bars(found: dict[str, Any]) -> None:
    """No pair is named in a table as it is; all are where copies were planted and can be told."""
    named = sum(each["as it is"]["named"] for each in found.values())
    bar("named in tables as they are", named, "0", named == 0, 0)
    told_apart = [each["planted"] for name, each in found.items() if name not in NATURAL]
    share = sum(each["of these named"] for each in told_apart) / max(
        1, sum(each["planted"] for each in told_apart)
    )
    bar("planted pairs that are named", share, ">= 1.000", share >= 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the tables as Parquet, by their names")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = {}
    for name in QUICK if arguments.quick else TABLES:
        target = TABLES[name]
        frame = pd.read_parquet(arguments.folder / f"{name}.parquet").dropna(subset=[target])
        frame = frame.drop(columns="split", errors="ignore").reset_index(drop=True)
        more, planted = with_copies(frame, target, is_text=name in TEXTS)
        found[name] = {"as it is": told(frame, target, {}), "planted": told(more, target, planted)}
        if not arguments.json:
            print(f"{name:20} {found[name]}")
    if arguments.json:
        print(json.dumps({"tables": found}))
        return
    bars(found)


if __name__ == "__main__":
    main()
