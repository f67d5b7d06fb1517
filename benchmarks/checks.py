"""What the checks say of a folder of public tables: known mistakes named, honest ones let be."""

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
    "breast_cancer_ids": "Class", "chicago_ridership": "ridership", "covid_testing": "result",
    "cran_check_time": "check_time", "credit_status": "Status", "diamonds": "price",
    "fine_foods": "label", "flights": "arr_delay", "german_credit": "class",
    "lending_club": "Class", "letter": "lettr", "movies": "rating", "mpls_stops": "problem",
    "nass_crash": "dead", "nls_wages": "ln_wage", "penguins": "Species",
    "saratoga_houses": "price", "satellite": "classes", "soybean": "Class",
    "spam_assassin": "label", "spambase": "type", "stackoverflow_remote": "Remote",
    "storms": "status", "taxi_tip": "tip",
    "telco_churn": "churn", "titanic": "survived",
}  # fmt: skip
LEAKS = {
    "bird_strikes": {"height"},
    "covid_testing": {"ct_result"},
    "flights": {"dep_delay", "dep_time", "arr_time"},
    "nass_crash": {"injSeverity"},
    "spam_assassin": {"folder"},
    "storms": {"wind"},
}
JOINT = {"movies": {f"r{k}" for k in range(1, 11)}}
GAPS = {"storms": {"category"}}
IDS = {"spam_assassin": {"id"}}
MAY_HAVE_GAPS = {"bird_strikes", "soybean", *GAPS}
TWINS = ("letter", "titanic")
GROUPS = ("nls_wages", "storms")
TIMED = ("chicago_ridership",)
MARKED = ("spam_assassin",)
REPEATED = ("fine_foods", "spam_assassin")
HONEST = ("adult", "ames", "diamonds", "german_credit")
MAY_HAVE_GROUPS = {"bird_strikes", "breast_cancer_ids", "covid_testing", "flights", "nass_crash",
                   "penguins", "spam_assassin", *GROUPS}  # fmt: skip
MAY_HAVE_TIME = {"ames", "bird_strikes", "covid_testing", "flights", "movies", "mpls_stops",
                 "nass_crash", "nls_wages", "penguins", "spam_assassin", "storms", "taxi_tip",
                 *TIMED}  # fmt: skip
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
    parser.add_argument("--quick", action="store_true", help="10,000 rows of each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    most_rows = 10_000 if arguments.quick else MOST_ROWS
    results = {
        name: look(path, target, most_rows)
        for name, target in TARGETS.items()
        if (path := arguments.folder / f"{name}.parquet").exists()
    }
    if arguments.json:
        print(json.dumps(results))
        return
    for name, result in results.items():
        print(f"{name}: {result['cpu_s']:.2f} CPU s, passed {', '.join(result['passed'])}")
        for finding in result["findings"]:
            print(f"    {finding['code']} {finding['title']} {finding['evidence']}")
    bars(results)


def bars(results: dict) -> None:
    """One line per target, over the tables that were there."""
    for what, code, known in (
        ("tables whose known leaks are all named", "AS101", LEAKS),
        ("tables whose known joint leaks are all named", "AS107", JOINT),
        ("tables whose telling gaps are all named", "AS104", GAPS),
        ("tables whose telling ids are all named", "AS106", IDS),
    ):
        tables = {name for name in known if name in results}
        hits = sum(known[name] <= named(results[name], code) for name in tables)
        exact(what, hits, len(tables))
    for what, code, tables in (
        ("duplicates named", "AS201", TWINS),
        ("groups asked for", "AS202", GROUPS),
        ("time asked for", "AS203", TIMED),
        ("marks in texts named", "AS103", MARKED),
        ("repeated texts named", "AS205", REPEATED),
    ):
        present = [name for name in tables if name in results]
        exact(what, sum(code in codes(results[name]) for name in present), len(present))
    honest = [name for name in HONEST if name in results]
    exact("warnings on honest tables", sum(has_warning(results[name]) for name in honest), 0)
    for what, code, real in (
        ("tables without leaks asked about", "AS101", LEAKS),
        ("tables without joint leaks asked about", "AS107", JOINT),
        ("tables without telling gaps asked about", "AS104", MAY_HAVE_GAPS),
        ("tables without telling ids asked about", "AS106", IDS),
        ("tables without encodings asked about", "AS105", ()),
        ("tables without marks asked about", "AS103", MARKED),
        ("tables without groups asked about", "AS202", MAY_HAVE_GROUPS),
        ("tables without time asked about", "AS203", MAY_HAVE_TIME),
    ):
        alarms = sum(code in alarmed(each) for name, each in results.items() if name not in real)
        print(f"bar {what}: {alarms} (wanted <= 0) {_verdict(alarms == 0)}")


def exact(what: str, value: int, wanted: int) -> None:
    print(f"bar {what}: {value} (wanted {wanted}) {_verdict(value == wanted)}")


def codes(result: dict) -> set[str]:
    return {finding["code"] for finding in result["findings"]}


def alarmed(result: dict) -> set[str]:
    """Codes of findings that are more than a note."""
    return {each["code"] for each in result["findings"] if each["severity"] != "note"}


def named(result: dict, code: str) -> set[str]:
    found = [finding for finding in result["findings"] if finding["code"] == code]
    return {column for finding in found for column in finding["columns"]}


def has_warning(result: dict) -> bool:
    """Whether anything is firm but that a column is constant, or all but so."""
    return any(
        finding["severity"] in ("warn", "block") and finding["code"] != "AS301"
        for finding in result["findings"]
    )


def _verdict(is_met: bool) -> str:
    return "ok" if is_met else "short"


if __name__ == "__main__":
    main()
