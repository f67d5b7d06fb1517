"""Whether `assay check` finds planted mistakes, and is silent where there are none.

Builds cases with the generator of planted mistakes (each bad case has a clean twin), shows the
command line what a tool may see, and scores its JSON by the key: an alarm is an ask, a warn or a
block, a firm one is not an ask; a note is none. Bad cases count as found where an alarm alleges
their kind or one that the key accepts for it. On clean cases every alarm is false, unless the key
says that it is true there, or a question about a column that the key tolerates.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bars import bar

LEAKS = tuple(
    f"target_leak_{each}"
    for each in ("copy", "proxy_cat", "postoutcome", "missingness", "tenc_allrows", "id_order")
)
FITTED = ("prep_fit_all_scaler", "prep_fit_all_pca", "prep_impute_all")
ALLEGES: dict[str, tuple[str, ...]] = {
    "AS101": LEAKS,
    "AS102": LEAKS,
    "AS104": ("target_leak_missingness", "target_leak_postoutcome"),
    "AS105": ("target_leak_tenc_allrows",),
    "AS106": ("target_leak_id_order",),
    "AS107": LEAKS,
    "AS108": ("temporal_future_feature",),
    "AS201": ("dup_train_test",),
    "AS202": ("group_leak",),
    "AS203": ("temporal_random_split",),
    "AS204": ("group_leak", "temporal_random_split"),
    "AS206": ("near_dup_train_test",),
    "AS207": ("oversample_before_split",),
    "AS208": ("conflicting_labels",),
    "AS209": FITTED,
    "AS210": ("prep_fit_all_select",),
    "AS211": ("tiny_test",),
    "AS212": ("eval_on_train",),
    "AS301": ("constant_or_null_column",),
    "AS302": ("high_card_id",),
    "AS303": ("mixed_types",),
    "AS304": ("unit_outliers",),
    "AS305": ("label_noise",),
    "AS306": ("high_card_id",),
    "AS309": ("unit_outliers",),
    "AS311": ("schema_mismatch",),
    "AS312": ("new_categories",),
    "AS313": ("covariate_drift", "label_shift"),
    "AS314": ("concept_drift", "label_shift"),
    "AS601": ("test_used_for_tuning",),
    "AS602": ("stale_test",),
    "AS603": ("single_seed_claim",),
    "AS604": ("single_seed_claim",),
    "AS605": ("metric_direction",),
    "AS606": ("imbalance_accuracy",),
    "AS607": ("miscalibrated",),
    "AS608": ("failing_subgroup",),
    "AS701": (*FITTED, "prep_fit_all_select"),
    "AS702": ("oversample_before_split",),
    "AS703": ("prep_fit_all_select",),
    "AS704": FITTED,
}
"""Kinds that a finding alleges, by code."""
ALARMS = ("ask", "warn", "block")
FIRM = ("warn", "block")
FILES = {
    "raw.parquet": "--raw",
    "predictions.parquet": "--predictions",
    "serve.parquet": "--serving",
    "runs.json": "--runs",
    "code.py": "--code",
}
ROLES = {"time_column": "time", "group_column": "group", "series_column": "series",
         "id_column": "id"}  # fmt: skip


@dataclass
class Scored:
    """What was said of one case, beside its key."""

    id: str
    kind: str
    bad: bool
    variant: int
    decidable: str
    found: bool = False
    firm: bool = False
    false_alarms: list[str] = field(default_factory=list)
    false_firm: list[str] = field(default_factory=list)
    columns: tuple[int, int, int] = (0, 0, 0)
    rows: tuple[int, int, int] = (0, 0, 0)
    said: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("generator", type=Path, help="its generate.py")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variants", type=int, default=4)
    parser.add_argument("--kinds", default="", help="only these, with commas between")
    parser.add_argument("--built", type=Path, help="a folder of cases built before: seedN in it")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="each case that went wrong")
    parser.add_argument("--json", type=Path, help="where to write what was said of each case")
    arguments = parser.parse_args()
    kinds = [each for each in arguments.kinds.split(",") if each]
    with TemporaryDirectory() as scratch:
        cases = [
            case
            for seed in arguments.seeds
            for case in _cases(arguments, seed, kinds, Path(scratch))
        ]
        with ProcessPoolExecutor(arguments.jobs) as pool:
            scored = list(pool.map(score, cases))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(each) for each in scored], indent=1))
    show(scored, each_wrong=arguments.show)


def _cases(
    arguments: argparse.Namespace, seed: int, kinds: list[str], scratch: Path
) -> Iterator[tuple[Path, Path]]:
    """Folder and key of each case of a seed."""
    built = arguments.built / f"seed{seed}" if arguments.built else scratch / str(seed)
    if not arguments.built:
        spec = importlib.util.spec_from_file_location("generate", arguments.generator)
        assert spec is not None
        assert spec.loader is not None
        generate = importlib.util.module_from_spec(spec)
        sys.modules["generate"] = generate
        spec.loader.exec_module(generate)
        generate.write(str(built), seed, kinds or None, arguments.variants)
    for each in json.loads((built / "index.json").read_text()):
        if not kinds or each["kind"] in kinds:
            yield built / "cases" / each["id"], built / "answers" / each["id"] / "meta.json"


def score(case: tuple[Path, Path]) -> Scored:
    folder, key = case
    meta = json.loads(key.read_text())
    findings = [each for each in look(folder)["findings"] if each["severity"] in ALARMS]
    scored = Scored(meta["id"], meta["kind"], meta["bad"], meta["variant"], meta["decidable"])
    scored.said = [f"{each['severity']} {each['code']}: {each['title']}" for each in findings]
    right = [each for each in findings if {*ALLEGES.get(each["code"], ())} & {*meta["accept"]}]
    scored.found = bool(right)
    scored.firm = any(each["severity"] in FIRM for each in right)
    for each in findings:
        if each not in right and not _is_true(each, meta):
            scored.false_alarms.append(each["code"])
            if each["severity"] in FIRM:
                scored.false_firm.append(each["code"])
    if meta["bad"] and right:
        named = {name for each in right for name in each["columns"]}
        scored.columns = _counts(named, {*meta["columns"]}) if meta["columns"] else (0, 0, 0)
        scored.rows = _rows(right, meta)
    return scored


def look(folder: Path) -> dict[str, Any]:
    """What the command line says of a case, as JSON."""
    from assay.cli.checking import check

    task = json.loads((folder / "task.json").read_text())
    given = ["--train", str(folder / "train.parquet"), "--test", str(folder / "test.parquet")]
    given += ["--target", task["target"], "--task", task["task"], "--json", "--quiet"]
    for name, flag in FILES.items():
        if (folder / name).exists():
            given += [flag, str(folder / name)]
    for name, role in ROLES.items():
        if name in task:
            given += ["--role", f"{role}={task[name]}"]
    for name in ("metric", "claim"):
        if name in task:
            given += [f"--{name}", task[name]]
    printed = io.StringIO()
    with redirect_stdout(printed):
        check.main(given, standalone_mode=False)
    said: dict[str, Any] = json.loads(printed.getvalue())
    return said


def _is_true(finding: Mapping[str, Any], meta: Mapping[str, Any]) -> bool:
    if {*ALLEGES.get(finding["code"], ())} & {*meta["also_true"]}:
        return True
    tolerated = bool(finding["columns"]) and {*finding["columns"]} <= {*meta["tolerate"]}
    return finding["severity"] == "ask" and tolerated


def _rows(right: Iterable[Mapping[str, Any]], meta: Mapping[str, Any]) -> tuple[int, int, int]:
    """True, false and missed rows of both parts; rows alike by nature count for neither."""
    natural = {("test", row) for row in meta.get("rows_test_natural", ())}
    wanted = {(part, row) for part in ("train", "test") for row in meta[f"rows_{part}"]}
    if not wanted:
        return (0, 0, 0)
    parts = {part for part, _ in wanted}
    named = {(part, row) for each in right for part in parts for row in each["rows"][part]}
    return _counts(named - (natural - wanted), wanted)


def _counts(named: set[Any], wanted: set[Any]) -> tuple[int, int, int]:
    return len(named & wanted), len(named - wanted), len(wanted - named)


def show(scored: list[Scored], *, each_wrong: bool) -> None:
    bad = [each for each in scored if each.bad]
    clean = [each for each in scored if not each.bad]
    provable = [each for each in bad if each.decidable != "ask"]
    asks = [each for each in bad if each.decidable == "ask"]
    by_kind: dict[str, list[Scored]] = defaultdict(list)
    for each in bad:
        by_kind[each.kind].append(each)
    for kind, cases in by_kind.items():
        found = sum(each.found for each in cases)
        firm = sum(each.firm for each in cases)
        print(
            f"{kind:26} {found:3}/{len(cases):3} found, {firm:3} firm, columns "
            f"{_ratios(cases, 'columns')}, rows {_ratios(cases, 'rows')}, "
            f"{sum(bool(each.false_alarms) for each in cases)} with other alarms"
        )
    false = [each for each in clean if each.false_alarms]
    codes = sorted(code for each in false for code in each.false_alarms)
    print(f"clean: {len(false)} of {len(clean)} alarmed: {Counter(codes)}")
    if each_wrong:
        _show_wrong(scored)
    _at_least("provable cases found", _share(provable, "found"), 0.97)
    _at_least("asks found", _share(asks, "found"), 0.90)
    _at_most("asks with a firm claim", _share(asks, "firm"), 0.02)
    _at_least("worst kind", min(_share(each, "found") for each in by_kind.values()), 0.85)
    _at_most("clean cases alarmed", len(false) / max(len(clean), 1), 0.03)
    firm = sum(bool(each.false_firm) for each in clean)
    _at_most("clean cases with a firm alarm", firm / max(len(clean), 1), 0.0)
    right, wrong, missed = _summed(bad, "columns")
    _at_least("columns, precision", right / max(right + wrong, 1), 0.9)
    _at_least("columns, recall", right / max(right + missed, 1), 0.9)
    right, wrong, missed = _summed(bad, "rows")
    _at_least("rows, F1", 2 * right / max(2 * right + wrong + missed, 1), 0.85)


def _at_least(name: str, value: float, wanted: float) -> None:
    bar(name, value, f">= {wanted}", value >= wanted)


def _at_most(name: str, value: float, wanted: float) -> None:
    bar(name, value, f"<= {wanted}", value <= wanted)


def _show_wrong(scored: Iterable[Scored]) -> None:
    for each in scored:
        if (each.bad and not each.found) or each.false_alarms:
            what = "missed" if each.bad and not each.found else "false"
            side = "bad" if each.bad else "clean"
            print(f"{what}: {each.kind} {side} variant {each.variant} ({each.decidable}) {each.id}")
            for said in each.said:
                print(f"    {said}")


def _share(cases: list[Scored], what: str) -> float:
    return sum(getattr(each, what) for each in cases) / len(cases) if cases else float("nan")


def _summed(cases: Iterable[Scored], what: str) -> tuple[int, int, int]:
    counts = [getattr(each, what) for each in cases]
    return tuple(map(sum, zip(*counts, strict=True))) if counts else (0, 0, 0)  # type: ignore[return-value]


def _ratios(cases: list[Scored], what: str) -> str:
    right, wrong, missed = _summed(cases, what)
    if right + missed == 0:
        return "-"
    return f"{right / max(right + wrong, 1):.2f}/{right / (right + missed):.2f}"


if __name__ == "__main__":
    main()
