"""How a contest is told: in words, on a page, on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from assay.cli.main import cli
from assay.data.schema import Task
from assay.reports.wording import NARROW_SPACE
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.feedback import Feedback, Outcome
from assay.serving.traffic.measures import Measure
from assay.serving.traffic.page import history, render
from assay.serving.traffic.standing import History, Standing, standing
from assay.serving.traffic.store import Event, Given, TrafficStore, path_of
from assay.serving.traffic.telling import basis, oddities, shared, verdict
from assay.workspace import Workspace

CONTEST = Contest(
    "m/1", {"m/2": 0.25}, ("m/3",), "header:X-User", "", "y", Task.BINARY, ("no", "yes"),
    Measure("accuracy"),
)  # fmt: skip
N = 1500


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace: m/2 is much worse than m/1, and the shadow m/3 much like it."""
    folder = tmp_path_factory.mktemp("told") / "workspace"
    store = TrafficStore(path_of(Workspace(folder).ensure(), "m"))
    store.prepare()
    store.begin(CONTEST)
    random = np.random.default_rng(0)
    requests = []
    for n in range(N):
        unit = f"key {n}"
        to = CONTEST.assigned(unit)
        said = {to: "yes" if random.random() < (0.9 if to == "m/1" else 0.6) else "no"}
        if to == "m/1":
            said["m/3"] = said[to] if random.random() < 0.99 else "no"
        requests.append([
            Given(str(n), 0, version, CONTEST.id, unit, to, {"prediction": label}, None, float(n))
            for version, label in said.items()
        ])  # fmt: skip
    store.keep(requests, {(CONTEST.id, "m/2"): (400, 3, 5)})
    Feedback(store, lambda: None, lambda _: False).take(
        [Outcome(str(n), 0, "yes") for n in range(N)]
    )
    store.tell(Event(0.0, CONTEST.id, "m/1", "began", "<champion>"))
    return folder


@pytest.fixture(scope="module")
def found(path: Path) -> Standing:
    return standing(TrafficStore(path_of(Workspace(path), "m")), "m")


def plain(text: str) -> str:
    return text.replace(NARROW_SPACE, " ")


def test_the_verdict_is_a_sentence(found: Standing) -> None:
    worse, same = (plain(verdict(found, each).text) for each in found.duels)
    assert worse.startswith("m/2 is worse than m/1 in accuracy: 0.")
    assert worse.endswith(f", after {N:,} keys.")
    assert same.startswith("Whether m/3 is better than m/1 in accuracy cannot be told yet: the ")
    assert verdict(found, found.duels[0]).tone == "bad"
    assert verdict(found, found.duels[1]).tone == "even"
    needed = replace(found.duels[1], needed=12_345)
    assert "About 12,000 more keys with an outcome would tell" in verdict(found, needed).text
    nothing = replace(found.duels[1], needed=None)
    assert "How much more it takes cannot be said" in verdict(found, nothing).text
    stopped = replace(found.duels[1], stopped="it was slow")
    assert verdict(found, stopped).text.endswith("It gets no more traffic.")
    none = replace(found.duels[1], difference=None, values=None, n=(3, 0))
    assert verdict(found, none).text == (
        "Nothing can be said of m/3 beside m/1 yet: no outcome of m/3 has come."
    )


def test_what_takes_part_and_how_it_is_judged_is_said(found: Standing) -> None:
    assert plain(shared(found)) == (
        "m/1 against m/2 with 25 % of the traffic, by header X-User; m/3 in its shadow."
    )
    alone = replace(found, contest=replace(CONTEST, shares={}, shadows=()))
    assert shared(alone) == "m/1 alone: outcomes are kept, nobody challenges."
    assert plain(basis(found)) == (
        "Each key counts once, with the outcomes that came first. Intervals stand at 97.5 %, so "
        "that all 2 hold together, at all times: looking often does not make them lie. Where the "
        "traffic is shared, the difference is weighted by the shares, so that chance in who got "
        "which request is taken out: of few outcomes it is not the one value minus the other."
    )
    assert "weighted" not in basis(replace(found, duels=found.duels[1:]))
    squared = replace(found, contest=replace(CONTEST, measure=Measure("squared_error", 100.0)))
    assert basis(squared).endswith("Errors above 10 count as 10.")


def test_what_is_odd_is_told(found: Standing) -> None:
    assert oddities(found) == []
    [text] = oddities(replace(found, mismatch=0.0001))
    assert plain(text).startswith("The traffic is not shared as asked: m/2 has ")
    assert "where 25 % was asked (p < 0.0005, valid at any time)" in plain(text)
    [text] = oddities(replace(found, coverage_mismatch=0.004))
    assert plain(text).startswith("Outcomes do not come for all models alike: m/1 100 %, m/2 100 %")
    stopped = replace(found.duels[0], stopped="it was slow")
    assert oddities(replace(found, duels=(stopped,))) == ["m/2 is stopped: it was slow."]


def test_the_interval_narrows_around_the_line(found: Standing) -> None:
    for number, duel in enumerate(found.duels):
        went = duel.history
        assert (went.low <= went.value).all()
        assert (went.value <= went.high).all()
        assert went.high[-1] - went.low[-1] < (went.high - went.low)[10]
        assert history(found, number).y_label == "accuracy, points"
    assert found.duels[0].history.n[-1] == N


def test_no_axis_shows_differences_that_cannot_be(found: Standing) -> None:
    wide = np.array([-1.0, -0.9]), np.zeros(2), np.array([1.0, 0.9])
    early = History(np.array([1.0, 2.0]), *wide)
    duels = [replace(found.duels[0], history=early), *found.duels[1:]]
    shown = history(replace(found, duels=tuple(duels)), 0).y
    assert (shown.low, shown.high) == (-100.0, 100.0)


def test_the_page_stands_alone_and_escapes_what_is_not_ours(found: Standing) -> None:
    page = render(found)
    assert "&lt;champion&gt;" in page
    assert "<champion>" not in page
    for fetched in ("<script", "http://", "https://", "src=", "@import", "url("):
        assert fetched not in page
    assert page.count("<figure>") == 2
    assert render(found) == page
    alone = replace(CONTEST, shares={}, shadows=())
    assert "<figure>" not in render(replace(found, contest=alone, duels=(), mismatch=None))


def test_the_command_tells_it_and_writes_the_page(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(path))
    told = CliRunner().invoke(cli, ["traffic", "m@production"], standalone_mode=False)
    assert told.exception is None
    assert "m/2 is worse than m/1 in accuracy" in told.output
    assert "challenger" in told.output
    assert (path / "reports" / "m.traffic.html").is_file()
    page = tmp_path / "own.html"
    told = CliRunner().invoke(cli, ["traffic", "m", "--json", "--html", str(page)])
    document = json.loads(told.output)
    assert document["page"] == str(page)
    assert document["duels"][0]["better"] == "champion"
    assert document["traffic"][1]["calls"] == [400, 3, 5]
    alone = CliRunner().invoke(cli, ["traffic", "m", "--as-test", "x.parquet"])
    assert alone.exit_code == 2
    assert "--as-test FILE and --beside DATA go together" in alone.output
