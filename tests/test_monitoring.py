"""Monitoring from a served model to the page, the webhook and the exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

import assay
from assay import monitoring, serving_models
from assay.data.schema import Task
from assay.errors import DataError, NotFoundError
from assay.inference.loading import LoadedModel
from assay.serving.monitoring.files import sample_files
from assay.serving.monitoring.outcomes import outcomes_path
from assay.serving.monitoring.sampling import Sampler
from assay.serving.monitoring.settings import SamplingSettings
from assay.serving.rows import Answer, Row
from assay.serving.settings import ServingSettings
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.feedback import Feedback, Outcome
from assay.serving.traffic.measures import Measure
from assay.serving.traffic.store import Given, TrafficStore, path_of
from assay.workspace import Workspace
from tests.journeys.terminal import Terminal
from tests.serving.monitoring.test_alerts import Receiver
from tests.serving.monitoring.test_alerts import receiver as receiver  # noqa: PLC0414
from tests.tables import table

SETTINGS = {"name": "income", "training": {"seeds": 1}, "evaluation": {"resamples": 200}}
SAMPLING = SamplingSettings(share=1, write_s=60)
HOURS, DRIFTED, RATE = 30, 20, 60


@pytest.fixture(scope="module")
def served(
    template_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, float]]:
    """A workspace with a model that was served for some hours; from the 20th on 'a' is higher."""
    folder = tmp_path_factory.mktemp("served") / "workspace"
    folder.mkdir()
    shutil.copy(template_database, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASSAY_WORKSPACE", str(folder))
        patched.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        run = assay.train(table(Task.BINARY, 900), target="y", learner="linear", settings=SETTINGS)
        assay.register(run, "income")
        now = (time.time() - 120) // 3600 * 3600 + 120
        serve(assay.load("income/1"), now, folder)
        yield folder, now


def serve(model: LoadedModel, now: float, folder: Path) -> None:
    """Ask for hours, keep what is to be kept, and tell what came true."""
    clock = [0.0]
    workspace = Workspace(folder)
    store = TrafficStore(path_of(workspace, "income"))
    store.prepare()
    contest = Contest(
        "income/1", {}, (), None, "", "y", Task.BINARY, ("no", "yes"), Measure("accuracy")
    )
    store.begin(contest)
    outcomes = []
    sampler = Sampler(workspace.samples_folder, SAMPLING, lambda: clock[0])
    for hour in range(HOURS):
        frame = table(Task.BINARY, RATE, seed=100 + hour)
        truth = frame.pop("y").tolist()
        if hour >= DRIFTED:
            frame["a"] += 1.0
        rows, answers = asked(model, frame)
        clock[0] = now - 3600 * (HOURS - hour)
        sampler.observe(f"r{hour}", model.name, rows, answers)
        store.keep([[Given(f"r{hour}", row, model.name, contest.id, f"r{hour}-{row}",
                          model.name, each, None, clock[0])
                    for row, each in enumerate(answers)]], {})  # fmt: skip
        outcomes += [Outcome(f"r{hour}", row, each) for row, each in enumerate(truth) if row % 2]
    sampler.close()
    taken = Feedback(store, lambda: None, lambda _: False).take(outcomes)
    assert taken.taken == HOURS * RATE // 2


def asked(model: LoadedModel, frame: pd.DataFrame) -> tuple[list[Row], list[Answer]]:
    """Rows as they come out of JSON, and what a server answers."""
    rows = [
        {name: None if pd.isna(cell) else cell for name, cell in row.items()}
        for row in frame.to_dict("records")
    ]
    if not model.classes:
        return rows, [{"prediction": value} for value in model.predict(frame).tolist()]
    probabilities = model.predict_proba(frame)
    labels = list(map(str, model.classes))
    return rows, [
        {"prediction": label, "probabilities": dict(zip(labels, each, strict=True))}
        for label, each in zip(
            model.decide(probabilities).tolist(), probabilities.tolist(), strict=True
        )
    ]


@pytest.fixture
def now(served: tuple[Path, float], monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(served[0]))
    return served[1]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def test_what_drifts_is_found_told_and_drawn(now: float, tmp_path: Path) -> None:
    report = monitoring.monitor("income", now=now, out=tmp_path / "page.html")
    alarms = {each.name: each for each in report.found.alarms}
    first = report.found.hourly.first
    assert set(alarms) <= {"a", "probability of yes", "predicted label", "log loss"}
    assert (alarms["a"].raised - first, alarms["a"].is_open) == (DRIFTED, True)
    assert abs(alarms["a"].began - first - DRIFTED) <= 1
    assert "probability of yes" in alarms, "scores move with the column"
    assert report.found.n_seen == report.found.n_kept == HOURS * RATE
    performance = report.found.performance
    assert performance.overall is not None
    assert performance.overall.n == HOURS * RATE // 2
    assert performance.overall.value < performance.training.value
    page = report.page.read_text(encoding="utf-8")
    assert page.count('class="plot"') >= 2 * 2 + 1
    for text in (
        "&#39;a&#39; is typically",
        "Began most likely",
        "ROC AUC over time",
        "predicted label",
    ):
        assert text in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_to_ask_more_often_changes_nothing(now: float, tmp_path: Path) -> None:
    often = [monitoring.monitor("income/1", now=now - 3600 * each) for each in range(3)]
    again = monitoring.monitor("income/1", now=now)
    assert often[0].found.alarms == again.found.alarms
    [a] = [each for each in often[2].found.alarms if each.name == "a"]
    assert a.raised == next(each.raised for each in again.found.alarms if each.name == "a")


def test_before_the_shift_nothing_is_told(now: float) -> None:
    report = monitoring.monitor("income", now=now - 3600 * (HOURS - DRIFTED))
    assert report.found.alarms == ()
    assert report.found.said.startswith("Nothing differs from training")
    assert report.found.performance.overall is not None, "outcomes of these hours are known since"


def test_the_first_hour_is_waited_for(now: float) -> None:
    report = monitoring.monitor("income", now=now - 3600 * HOURS)
    assert report.found.said.startswith("No hour is over yet: the first look is just after ")
    assert "None." in report.page.read_text(encoding="utf-8")


def test_the_verb_says_it_in_words_in_json_and_by_its_status(
    now: float, terminal: Terminal, receiver: Receiver
) -> None:
    asked = ("monitor", "income", "--quiet")
    said = terminal(*asked)
    assert said.status == 0, "alarms are no failure unless asked for"
    assert "income/1: 1,800 rows answered, 1,800 kept." in said.out
    assert "alarm  'a' is typically" in said.out
    assert terminal(*asked, "--fail-on-alarm").status == 1
    receiver.answers = [400]
    said = terminal(*asked, "--webhook", receiver.url, "--json")
    found = said.json
    assert (said.status, found["webhook"]["failure"]) == (0, "it answers 400")
    assert "the webhook at 127.0.0.1 was not told: it answers 400" in said.err
    assert "hidden" not in said.out + said.err, "an address may hold a key"
    assert {"model", "alarms", "columns", "performance", "rows", "report"} <= set(found)
    said = terminal(*asked, "--webhook", receiver.url)
    assert f"told   {len(found['alarms'])} to 127.0.0.1" in said.out
    heard = json.loads(receiver.heard[-1][1])
    assert (heard["event"], heard["model"]) == ("assay.alarms", "income/1")
    terminal(*asked, "--webhook", receiver.url)
    assert len(receiver.heard) == 2, "what was told is not told again"


def test_a_server_keeps_a_sample_only_where_it_is_asked_to(
    now: float, served: tuple[Path, float]
) -> None:
    folder = served[0] / "samples" / "income"
    for sampling, more in ((SamplingSettings(), 0), (SAMPLING, 1)):
        before = len(sample_files(folder, "income/1", 0))
        settings = ServingSettings(sampling=sampling)
        app = serving_models.app_of(serving_models.ModelSource.of("income/1"), settings)
        row = {"a": 0.1, "b": None, "c": 1, "kind": "red", "whole": 3}
        with TestClient(app) as client:
            answered = client.post("/predict", json={"rows": [row]})
            assert answered.status_code == 200, answered.text
        assert len(sample_files(folder, "income/1", 0)) == before + more


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION, Task.MULTILABEL])
def test_every_task_is_watched(task: Task, workspace: Path) -> None:
    frame = table(task, 400)
    target = [each for each in frame if each.startswith("y")]
    run = assay.train(frame, target=target[0] if len(target) == 1 else target, learner="linear",
                      settings=SETTINGS)  # fmt: skip
    version = assay.register(run, "m").reference
    later = table(task, 300, seed=9).drop(columns=target).assign(kind="blue")
    sampler = Sampler(workspace / "samples", SAMPLING, lambda: 7200.0)
    sampler.observe("r", version, *asked(assay.load(version), later))
    sampler.close()
    found = monitoring.monitor(version, now=11_000.0).found
    assert "kind" in {each.name for each in found.alarms}
    scores = [each for each in found.columns if each.column.role == "score"]
    assert scores
    assert all(each.n == 300 for each in scores)
    assert found.performance.overall is None


def test_what_was_not_sampled_is_told_with_what_to_do(now: float) -> None:
    samples = Workspace.find().samples_folder
    samples.rename(samples.with_name("aside"))
    try:
        with pytest.raises(NotFoundError, match="No prediction of income/1 was sampled") as told:
            monitoring.monitor("income/1")
    finally:
        samples.with_name("aside").rename(samples)
    assert "sampling: {share: 1.0}" in told.value.mend


def test_a_model_without_a_reference_is_refused(now: float, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    from assay.place import Place
    from assay.registry import versions

    place = Place.to_find()
    with place.workspace.scratch() as scratch:
        shutil.copytree(versions.find_model(place.uri, "income/1").local(scratch), folder)
    (folder / "artifacts" / "finished" / "reference.json").unlink()
    with pytest.raises(DataError, match="old keeps nothing that its traffic could be held against"):
        monitoring.monitor(str(folder))


WITHOUT_A_SERVER = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"orjson", "starlette", "uvicorn", "prometheus_client"}:
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
import assay.monitoring
"""


def test_a_machine_without_a_server_can_monitor() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_SERVER], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name in ("income", "a name/with: signs"):
        assert outcomes_path(Workspace.find(), name) == path_of(Workspace.find(), name)


def test_reference_has_no_rows_in_it(now: float) -> None:
    """Only counts of each column by itself: of no row can be told what stood together in it."""
    [path] = Workspace.find().root.rglob("reference.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 64_000
    roles = [(each["name"], each["role"]) for each in record["columns"]]
    assert roles == [
        ("a", "feature"), ("b", "feature"), ("c", "feature"), ("kind", "feature"),
        ("whole", "feature"), ("probability of yes", "score"), ("predicted label", "score"),
        ("log loss", "loss"),
    ]  # fmt: skip
    assert all(len(each["cuts"]) <= 66 and len(each["levels"]) <= 100 for each in record["columns"])
    gaps = next(each for each in record["columns"] if each["name"] == "b")
    assert gaps["missing"] / (gaps["missing"] + sum(gaps["counts"])) == pytest.approx(0.1, abs=0.03)
    assert np.isfinite(record["metric"]["value"])
