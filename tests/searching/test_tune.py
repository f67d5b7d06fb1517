"""`assay tune` from end to end: the runs it records, the winner it trains, what it says of both."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

import assay
from assay.cli.summary import show_run
from assay.cli.tuning import tune as command
from assay.data.schema import Task
from assay.errors import InputError
from assay.place import Place
from assay.reports.wording import estimate, numbers
from assay.run import Run
from assay.searching.found import Found
from assay.searching.recording import STATE, STUDY
from assay.searching.telling import worth
from assay.tracking.memory import MemoryStore
from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Status
from tests.searching.small import OWN, QUICK, C
from tests.tables import table

ROOT = Path(__file__).parents[2]


def tune(store: MemoryStore | None, learner: str = "linear", **more: Any) -> Found:
    tuning = {"trials": 4, "seeds": 1, "space": C, **more.pop("tuning", {})}
    settings = {**QUICK, "tuning": tuning}
    return assay.tune(
        table(Task.BINARY), target="y", learner=learner, settings=settings, store=store, **more
    )


def test_the_winner_is_an_ordinary_run_and_every_trial_a_child() -> None:
    store = MemoryStore()
    space = {"options.mood": ["good", "bad"], **C}
    found = tune(store, OWN, tuning={"trials": 8, "space": space, "sampler": "random"}, tags=["t"])
    [search] = [each for each in store.runs() if each.name.startswith("search-")]
    assert search.status is Status.FINISHED
    assert search.tags[STUDY] == found.study
    assert search.metrics["best/roc_auc"] == found.best_trial.values[0]
    assert found.corrected is not None
    assert search.metrics["corrected/roc_auc"] == found.corrected.corrected.value
    children = {each.name: each for each in store.children(search.run_id)}
    assert set(children) == {f"trial-{each.number}" for each in found.trials}
    assert len(children) == 8
    for each in found.trials:
        child = children[f"trial-{each.number}"]
        assert child.params == {key: str(value) for key, value in each.settings.items()}
        assert child.tags[STATE] == each.state
        failed = each.state == "failed"
        assert child.status is (Status.FAILED if failed else Status.FINISHED)
        assert child.reason == each.reason
        assert bool(child.reason) == failed
        assert child.metrics.get("roc_auc") == (each.values[0] if each.values else None)
    run = found.run
    assert run is not None
    assert run.name == "Moody-tuned" or run.name.endswith("-tuned")
    record = store.get(run.run_id)
    assert record.tags[STUDY] == found.study
    assert record.params["model.options.C"] == str(found.best_trial.settings["model.options.C"])
    assert run.metrics["roc_auc"].value == pytest.approx(found.best_trial.values[0])
    tested = assay.evaluate(run, on="test", store=store)
    assert tested.test is not None
    assert worth(found) in tested.test.notes
    _is_compared_with_what_is_corrected(tested, found)
    assert worth(found).startswith(f"Chosen from {found.corrected.candidates} trials, it flatters")
    assert json.loads(json.dumps(found.as_dict(), default=str))["run"]["run_id"] == run.run_id


def _is_compared_with_what_is_corrected(tested: Run, found: Found) -> None:
    """The trained model is not calibrated: its score is the best trial's."""
    assert found.corrected is not None
    assert tested.test is not None
    corrected, difference = found.corrected.corrected, tested.test.difference
    assert tested.corrected == found.corrected
    assert tested.announced.value == pytest.approx(corrected.value)
    assert found.corrected.optimism > 1e-4
    assert difference.first == pytest.approx(corrected.value)
    sealed = tested.test.evaluation.headline.value
    assert difference.estimate.value == pytest.approx(sealed - corrected.value)
    written = StringIO()
    show_run(tested, Console(file=written, width=160, highlight=False))
    announced = numbers(difference.first, difference.second)[0]
    assert f"Announced {announced}, corrected for the choice, sealed" in written.getvalue()
    assert tested.report is not None
    page = " ".join(tested.report.read_text().split())
    assert f"<strong>{estimate(tested.announced)}</strong>" in page
    assert f"announced {estimate(tested.announced).partition(' ')[0]}, corrected for" in page
    assert page.count(worth(found)) == 2  # as a reading, and among the notes on the sealed rows


def test_the_same_seed_gives_the_same_model_with_any_number_of_workers() -> None:
    tuning = {"sampler": "quasi-random", "trials": 3}

    def of(found: Found) -> Any:
        assert found.run is not None
        return found.run.metrics

    first = tune(MemoryStore(), study="first", tuning=tuning)
    again = tune(MemoryStore(), study="again", tuning=tuning)
    several = tune(MemoryStore(), study="several", tuning=tuning, workers=2)
    assert [each.values for each in again.trials] == [each.values for each in first.trials]
    assert len(several.trials) == 3
    for found in (again, several):
        assert found.best_trial.settings == first.best_trial.settings
        assert found.corrected == first.corrected
        assert {name: each.as_dict() for name, each in of(found).items()} == {
            name: each.as_dict() for name, each in of(first).items()
        }


def test_the_same_call_goes_on_where_it_was(workspace: Path) -> None:
    tune(None, tuning={"trials": 2})
    found = tune(None, tuning={"trials": 4})
    assert len(found.trials) == 4
    store = MlflowStore(Place.to_find().uri)
    [search] = [each for each in store.runs() if each.name.startswith("search-")]
    children = sorted(each.name for each in store.children(search.run_id))
    assert children == [f"trial-{n}" for n in range(4)]
    for each in store.children(search.run_id):
        assert len(store.history(each.run_id, "roc_auc")) == 1
    with pytest.raises(InputError, match="searched something else: its space is not the same"):
        tune(None, tuning={"space": {"options.C": [0.1, 1.0]}})
    assert len(tune(None, study="other", tuning={"trials": 1}).trials) == 1


def test_on_the_command_line(workspace: Path, tmp_path: Path) -> None:
    table(Task.BINARY).to_csv(tmp_path / "small.csv", index=False)
    file = tmp_path / "small.yaml"
    file.write_text(
        "data: {source: small.csv, target: y, split: {folds: 2}}\n"
        "model: {learner: linear}\nevaluation: {resamples: 200}\n"
        "tuning: {seeds: 1, space: {options.C: {low: 0.01, high: 10.0, log: true}}}\n"
    )

    def printed(*words: str) -> str:
        result = CliRunner().invoke(command, [str(file), *words], standalone_mode=False)
        assert result.exception is None, result.output
        assert result.return_value == 0
        return result.stdout

    text = printed("--trials", "6", "--quiet")
    assert "6 trials of the study small: 6 complete; " in text
    assert "Best: trial " in text
    assert "Chosen from 6 trials, it flatters itself: corrected for the choice, ROC AUC is" in text
    assert "What mattered most: C (100 %)." in text.replace("\u202f", " ")
    assert "linear-tuned" in text
    found = json.loads(printed("--trials", "6", "--json", "--quiet"))
    assert len(found["trials"]) == 6
    assert found["corrected"]["candidates"] == 6
    assert found["run"]["name"].startswith("linear-tuned")


@pytest.mark.slow
def test_kills_lose_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "killing.py"), "--kills", "4", "--trials", "40",
         "--json"],
        capture_output=True, text=True, check=False, timeout=280, cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 4
    assert found["wrong"] == []
    assert found["trials"] == 40


def test_ctrl_c_ends_it_and_leaves_no_process(workspace: Path, tmp_path: Path) -> None:
    code = (
        "import assay; from tests.tables import table; from assay.data.schema import Task\n"
        "from tests.searching.small import OWN, QUICK\n"
        "tuning = {'trials': 500, 'space': {'options.mood': ['slow'], 'options.C': "
        "{'low': 0.1, 'high': 1.0}}}\n"
        "assay.tune(table(Task.BINARY), target='y', learner=OWN, settings={**QUICK, 'tuning': "
        "tuning}, workers=2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    journal = workspace / "studies" / "experiment" / "journal.log"
    deadline = time.monotonic() + 120
    while not (journal.exists() and journal.read_text().count('"op_code":4') > 2):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    alive = subprocess.run(
        ["pgrep", "-g", str(process.pid)], capture_output=True, text=True, check=False
    )
    assert alive.stdout == ""
