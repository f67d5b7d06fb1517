"""Runs beside a first one: all are told, several hold together, and what differs is named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console
from sklearn.linear_model import LogisticRegression

import assay
from assay.cli.comparing import compare, shown
from assay.data.schema import Task
from assay.differing import Told, changes
from assay.errors import InputError
from assay.evaluation.contrast import Change
from assay.evaluation.resampled import over_fits
from assay.reports import contrast_page, contrasts
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.reports.markup import Markup
from tests.tables import table

SETTINGS = {"name": "small", "training": {"seeds": 2}, "evaluation": {"resamples": 300}}


def trained(store: MemoryStore, learner: Any, **more: Any) -> Run:
    return assay.train(
        table(Task.BINARY), target="y", learner=learner, store=store, workers=1, checks=[],
        settings=SETTINGS | more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def runs(store: MemoryStore, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("three")
        patch.setenv("ASSAY_WORKSPACE", str(folder / "workspace"))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        strong = {"model": {"learner": "linear", "options": {"C": 0.01}}}
        return [
            trained(store, FakeLearner()),
            trained(store, "linear"),
            trained(store, None, **strong),
        ]


def test_several_are_compared_with_the_first(store: MemoryStore, runs: list[Run]) -> None:
    found = assay.compare(*runs, store=store)
    assert found.first == runs[0].name
    assert [each.run_id for each in found.contrasts] == [each.run_id for each in runs[1:]]
    alone = assay.compare(*runs[:2], store=store)
    assert alone.verdict.estimate.level == 0.95
    for each, single in zip(found.differences, alone.differences, strict=True):
        assert each.estimate.value == single.estimate.value
        if each.estimate.has_interval:
            assert 0.95 <= each.estimate.level <= 0.975
            assert each.estimate.low <= single.estimate.low
            assert each.estimate.high >= single.estimate.high
    assert runs[1].name in found.better
    assert repr(found).startswith("Comparison(2 runs with ")
    assert found._repr_html_().count("<table>") == 2


def test_a_run_that_is_named_twice_is_compared_once(store: MemoryStore, runs: list[Run]) -> None:
    first, second, _ = runs
    found = assay.compare(first, second, first, second, store=store)
    assert [each.run_id for each in found.contrasts] == [second.run_id]
    alone = assay.compare(first, first, first, store=store)
    assert alone.is_of_one
    assert not alone.better
    assert alone.contrasts[0].changes == ()
    assert alone.contrasts[0].over_fits.estimate.value == 0


def test_folds_and_seeds_stand_beside_it(store: MemoryStore, runs: list[Run]) -> None:
    [found] = assay.compare(*runs[:2], store=store).contrasts
    assert (found.over_fits.folds, found.over_fits.seeds) == (5, 2)
    assert runs[0].seeds == found.seeds[0]
    by_fold = runs[0].by_fold
    assert [len(each) for each in by_fold] == [5, 5]
    assert sum(by_fold[0]) / 5 == pytest.approx(runs[0].seeds[0], abs=0.05)
    again = Run.from_dict(json.loads(json.dumps(runs[0].as_dict(), default=str)))
    assert again.by_fold == by_fold
    other = trained(store, "linear", data={"split": {"seed": 7}})
    [apart] = assay.compare(runs[1], other, store=store).contrasts
    assert apart.over_fits is None, "other folds are not paired"
    assert apart.things == ("split",)
    record = json.loads(json.dumps(runs[1].as_dict(), default=str))
    del record["by_fold"]
    assert Run.from_dict(record).by_fold == ()


def test_what_differs_is_named_and_whether_it_is_one_thing(
    store: MemoryStore, runs: list[Run]
) -> None:
    fake, linear, strong = runs
    [found] = assay.compare(linear, strong, store=store).contrasts
    assert found.things == ("model.options.C",)
    assert found.whose.startswith("One thing differs: model.options.C (")
    both = trained(
        store, None, model={"learner": "linear", "options": {"C": 9.0}},
        evaluation={"resamples": 200, "calibration": "none"}, training={"seeds": 1},
    )  # fmt: skip
    [found] = assay.compare(linear, both, store=store).contrasts
    assert set(found.things) == {"model.options.C", "evaluation.calibration"}
    assert "2 things differ (" in found.whose
    assert "cannot be laid to one of them" in found.whose
    quiet = {each.name for each in found.changes if not each.counts}
    assert quiet == {"evaluation.resamples", "training.seeds"}
    [found] = assay.compare(fake, linear, store=store).contrasts
    assert found.things == ("learner",)


def test_a_learner_that_was_handed_over_is_told_by_what_it_holds(store: MemoryStore) -> None:
    one, same, other = (trained(store, LogisticRegression(C=c)) for c in (1.0, 1.0, 0.01))
    [found] = assay.compare(one, same, store=store).contrasts
    assert found.changes == ()
    assert found.whose == "Nothing is recorded that sets the two apart."
    [found] = assay.compare(one, other, store=store).contrasts
    assert found.things == ("learner",)


def test_code_packages_and_the_machine_count_where_numbers_depend_on_them(
    store: MemoryStore, runs: list[Run], tmp_path: Path
) -> None:
    first = Told.of(runs[1], store, tmp_path / "first")
    about = runs[1].provenance
    elsewhere = {
        "packages": {**about["packages"], "numpy": "1.0", "mlflow": "1.0"},
        "python": "2.7.18",
        "git": {"commit": "0" * 40, "diff": "a\nb"},
        "hardware": {**about["hardware"], "processor": "abacus", "cores": 3},
    }
    second = replace(first, run=replace(runs[1], provenance={**about, **elsewhere}))
    found = {each.name: each for each in changes(first, second)}
    assert {name for name, each in found.items() if each.counts} == {
        "numpy", "python", "processor",
    }  # fmt: skip
    assert set(found) - {"numpy", "python", "processor"} == {
        "mlflow", "commit", "uncommitted changes",
    }  # fmt: skip
    own = replace(second, is_own=True, code={"mine.py": "1" * 64})
    things = {each.thing for each in changes(first, own) if each.counts}
    assert things == {"code", "environment"}


def test_the_terminal_tells_every_run(store: MemoryStore, runs: list[Run]) -> None:
    found = assay.compare(*runs, store=store)
    console = Console(width=120, record=True, highlight=False)
    console.print(shown(found))
    text = " ".join(console.export_text().split())
    for part in (
        "ROC AUC", "Log loss", "within noise", "McNemar's mid-p", "Over 5 folds and 2 seeds",
        "corrected resampled t", "One thing differs: learner", "192 rows, out of fold",
        "so that all hold together at 95 %",
    ):  # fmt: skip
        assert part in text, part
    for each in found.contrasts:
        assert f"{each.name} is better than fake-seeds2 in ROC AUC by" in text
        assert contrasts.verdict(found, each).text in text
        assert f"Decided right by fake-seeds2 only: {each.decisions.only_first} rows, by" in text
        assert text.count(contrasts.on_fits(found, each)) == 1
    undecided = assay.compare(runs[1], runs[2], store=store)
    console.print(shown(undecided))
    text = " ".join(console.export_text().split())
    said = contrasts.verdict(undecided, undecided.contrasts[0]).text
    assert "is within noise: " in said
    assert said.endswith(undecided.contrasts[0].needed.said)
    assert said in text


def test_seeds_that_only_one_of_the_runs_has_are_said_to_be_its_own(
    store: MemoryStore, runs: list[Run]
) -> None:
    found = assay.compare(*runs[:2], store=store)
    apart = replace(found.contrasts[0], over_fits=None)
    both = contrasts.on_seeds(found, apart)
    assert both.startswith("Standard deviation of ROC AUC over seeds: ")
    assert both.endswith(f" ({runs[1].name}, 2 seeds).")
    alone = contrasts.on_seeds(found, replace(apart, seeds=(runs[0].seeds, runs[1].seeds[:1])))
    assert alone.endswith(f" ({runs[0].name}, 2 seeds), of this run alone.")
    single = tuple(each.seeds[:1] for each in runs[:2])
    assert contrasts.on_seeds(found, replace(apart, seeds=single)).startswith("One seed each")


def test_a_fold_without_a_value_is_null_in_records_and_told(
    store: MemoryStore, runs: list[Run], tmp_path: Path
) -> None:
    gap = replace(runs[0], by_fold=((float("nan"), *runs[0].by_fold[0][1:]), runs[0].by_fold[1]))
    record = gap.as_dict()
    assert json.loads(json.dumps(record["by_fold"], allow_nan=False))[0][0] is None
    again = Run.from_dict(json.loads(json.dumps(record, default=str)))
    assert math.isnan(again.by_fold[0][0])
    assert again.by_fold[0][1:] == gap.by_fold[0][1:]
    found = over_fits(again.by_fold, runs[1].by_fold, n=192, level=0.95)
    compared = assay.compare(*runs[:2], store=store)
    told = replace(compared.contrasts[0], over_fits=found)
    said = contrasts.on_fits(compared, told)
    assert said.endswith("; no interval: it is not defined in every fold.")
    page = contrast_page.write(replace(compared, contrasts=(told,)), tmp_path / "page.html")
    assert said in Markup(page.read_text()).seen


def test_the_page_stands_alone_and_tells_the_same(
    store: MemoryStore, runs: list[Run], tmp_path: Path
) -> None:
    found = assay.compare(*runs, store=store)
    evil = Change("x", "model.options.<script>", "<b>", "&", counts=False)
    first, *others = found.contrasts
    hostile = replace(found, contrasts=(replace(first, changes=(*first.changes, evil)), *others))
    path = contrast_page.write(hostile, tmp_path / "deep" / "comparison.html")
    text = path.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "Content-Security-Policy" in text
    page = Markup(text)
    for each in found.contrasts:
        assert contrasts.verdict(found, each).text in page.seen
        assert each.whose in page.seen
        for change in each.changes:
            assert change.first in page.seen
    assert "<script>" not in text
    assert "nan" not in page.seen.lower().split()
    assert len(page.ids) == len(set(page.ids))
    assert [tag for tag, about in page.tags if "src" in about] == []
    assert contrast_page.render(hostile) == text


def asked(monkeypatch: pytest.MonkeyPatch, store: MemoryStore, *words: str) -> tuple[int, str, str]:
    original = assay.compare
    monkeypatch.setattr("assay.lifecycle.compare", lambda *runs: original(*runs, store=store))
    result = CliRunner().invoke(compare, words, standalone_mode=False)
    assert result.exception is None, result.output
    return result.return_value, result.stdout, result.stderr


def test_better_may_be_required(
    store: MemoryStore, runs: list[Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake, linear, strong = (each.run_id for each in runs)
    status, out, err = asked(monkeypatch, store, fake, linear, "--require-better")
    assert (status, err) == (0, "")
    assert "is better than" in out
    status, out, err = asked(monkeypatch, store, linear, fake, "--require-better")
    assert status == 1
    assert err.startswith(f"Not better than {runs[1].name}, which was required.\n{runs[0].name}: ")
    status, *_ = asked(monkeypatch, store, linear, fake)
    assert status == 0, "a comparison alone never fails"
    status, *_ = asked(monkeypatch, store, fake, fake, linear, "--require-better")
    assert status == 0
    page = tmp_path / "page.html"
    status, out, _ = asked(monkeypatch, store, fake, linear, strong, "--json", "--html", str(page))
    document = json.loads(out)
    assert document["page"] == str(page)
    assert page.exists()
    assert [each["run_id"] for each in document["runs"]] == [linear, strong]
    assert document["differences"] == document["runs"][0]["differences"]
    assert {"rows_needed", "decisions", "over_fits", "changes", "things"} <= set(
        document["runs"][0]
    )


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("nowhere/p.html", "There is no folder nowhere"),
        ("/proc/p.html", "Nothing can be written into the folder /proc"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before(
    page: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["no-such-run", "nor-such", "--html", page]
    result = CliRunner().invoke(compare, words, standalone_mode=False)
    assert isinstance(result.exception, InputError)
    assert told in result.exception.what
    assert result.exception.where == page
    assert result.exception.mend
    assert list(tmp_path.iterdir()) == []
