"""What the checks say of a folder of public tables: known leaks found, honest tables left alone."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from assay.checks.base import View
from assay.checks.builtin import CHECKS
from assay.checks.run import run_checks
from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import read_table

TARGETS = {
    "adult": "income", "ames": "price", "attrition": "Attrition", "bird_strikes": "phase_of_flt",
    "breast_cancer_ids": "Class", "covid_testing": "result", "credit_status": "Status",
    "diamonds": "price", "flights": "arr_delay", "german_credit": "class",
    "lending_club": "Class", "letter": "lettr", "movies": "rating", "mpls_stops": "problem",
    "nass_crash": "dead", "nls_wages": "ln_wage", "penguins": "Species",
    "saratoga_houses": "price", "satellite": "classes", "soybean": "Class", "spambase": "type",
    "stackoverflow_remote": "Remote", "storms": "status", "taxi_tip": "tip",
    "telco_churn": "churn", "titanic": "survived",
}  # fmt: skip
LEAKS = {
    "bird_strikes": "height",
    "covid_testing": "ct_result",
    "flights": "dep_delay",
    "nass_crash": "injSeverity",
    "storms": "wind",
}
MOST_ROWS = 20_000


def look(path: Path, target: str, most_rows: int) -> dict:
    table = read_table(path)
    if table.num_rows > most_rows:
        rows = np.random.default_rng(0).permutation(table.num_rows)[:most_rows]
        table = table.take(np.sort(rows))
    data = prepare(table, DataSettings(source=path.name, target=target), path.name)
    view = View(data.schema, data.development, data.test, data.raw_development, data.raw_test)
    started = time.process_time()
    found = run_checks(view, CHECKS)
    return {"cpu_s": time.process_time() - started, **found.as_dict()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Parquet tables, named as above")
    parser.add_argument("--quick", action="store_true", help="5,000 rows of each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    most_rows = 5000 if arguments.quick else MOST_ROWS
    results = {
        name: look(path, target, most_rows)
        for name, target in TARGETS.items()
        if (path := arguments.folder / f"{name}.parquet").exists()
    }
    if arguments.json:
        print(json.dumps(results))
        return
    leaks: dict[str, list[str]] = {}
    for name, result in results.items():
        print(f"{name}: {result['cpu_s']:.2f} CPU s, passed {', '.join(result['passed'])}")
        for finding in result["findings"]:
            print(f"    {finding['code']} {finding['title']} {finding['evidence']}")
            if finding["code"] == "AS101":
                leaks.setdefault(name, []).extend(finding["columns"])
    known = [name for name in LEAKS if name in results]
    hits = sum(LEAKS[name] in leaks.get(name, []) for name in known)
    honest = [name for name in results if name not in LEAKS]
    alarms = sum(name in leaks for name in honest)
    print(f"bar known leaks found: {hits} (wanted {len(known)}) {_verdict(hits == len(known))}")
    print(f"bar honest tables asked about: {alarms} (wanted <= 1) {_verdict(alarms <= 1)}")


def _verdict(is_met: bool) -> str:
    return "ok" if is_met else "short"


if __name__ == "__main__":
    main()
