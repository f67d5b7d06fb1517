"""Gates beside what nobody may know twice: a search's choice, and looks at the test rows."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.challenging import beside_champion
from assay.evaluation.intervals import widened
from assay.gathering import gathered
from assay.lineage import carried
from assay.place import Place
from assay.registry.gates.base import Champion, Evidence, Verdict
from assay.registry.gates.calibration import Calibrated
from assay.registry.gates.metrics import MetricFloor
from assay.registry.gates.segments import WorstSegment
from assay.registry.numbering import EVALUATION
from assay.registry.settings import SegmentLimits
from assay.registry.versions import Version
from assay.run import Run
from assay.searching.found import Found
from tests.promoting.conftest import SETTINGS, frame, trained

SEARCH = {"trials": 12, "seeds": 1, "space": {"options.draw": list(range(40))}}
LUCKY = "tests.promoting.lucky:lucky"


@pytest.fixture(scope="module")
def found(
    template_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Run]]:
    """The winner of a search, and an ordinary run of the same table."""
    folder = tmp_path_factory.mktemp("chosen")
    (folder / "workspace").mkdir()
    shutil.copy(template_database, folder / "workspace" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_WORKSPACE", str(folder / "workspace"))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        rows = frame()
        rows["y"] = np.random.default_rng(0).permutation(rows["y"])
        searched = assay.tune(
            rows, target="y", learner=LUCKY, settings={**SETTINGS, "tuning": SEARCH}
        )
        assert isinstance(searched, Found)
        assert searched.run is not None
        return folder, {"winner": searched.run, "plain": trained(rows)}


@pytest.fixture
def both(found: tuple[Path, dict[str, Run]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Run]:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(found[0] / "workspace"))
    monkeypatch.setenv("ASSAY_LEDGER", str(found[0] / "ledger.db"))
    return found[1]


def evidence(run: Run, folder: Path) -> Evidence:
    return gathered(run, "it/1", "production", Champion(), Place.to_find(), folder)


def said(verdict: Verdict | None) -> tuple[bool | None, str]:
    assert verdict is not None
    return verdict.passed, "\n".join(verdict.reasons)


def beside(run: Run, holder: Run, folder: Path) -> Champion:
    version = Version("it", 1, "", holder.run_id, "", (), "", {})
    return beside_champion(run, version, Place.to_find(), folder)


def test_a_winner_is_judged_by_what_is_left_of_its_score(
    both: dict[str, Run], tmp_path: Path
) -> None:
    winner = both["winner"]
    flattered, announced = winner.evaluation.headline, winner.announced
    assert flattered.low is not None
    assert announced.low is not None
    assert announced.low < flattered.low
    known = evidence(winner, tmp_path)
    assert winner.corrected is not None
    n = winner.corrected.candidates
    floor = (announced.low + flattered.low) / 2
    passed, reasons = said(MetricFloor()(known, {"roc_auc": floor, "accuracy": 0.1}))
    assert passed is False
    assert f"corrected for the choice among {n} trials" in reasons
    assert f"not corrected for the choice among {n} trials" in reasons.partition("accuracy")[2]
    assert said(MetricFloor()(known, {"roc_auc": announced.low - 0.01}))[0] is True
    for verdict in (Calibrated()(known, 0.9), WorstSegment()(known, SegmentLimits(worst=0.0))):
        assert f"not corrected for the choice among {n} trials" in said(verdict)[1]
    plain = MetricFloor()(evidence(both["plain"], tmp_path), {"roc_auc": 0.1})
    assert "choice" not in said(plain)[1]


def test_its_version_carries_what_is_left_of_its_score(both: dict[str, Run]) -> None:
    winner, tags = both["winner"], carried(both["winner"])
    told = json.loads(tags[EVALUATION])
    left = winner.announced
    assert (told["value"], told["low"], told["high"]) == (left.value, left.low, left.high)
    assert tags["roc_auc"] == str(left) != str(winner.evaluation.headline)


def test_it_is_not_compared_on_the_rows_that_chose_it_but_on_opened_ones(
    both: dict[str, Run], tmp_path: Path
) -> None:
    winner, plain = both["winner"], both["plain"]
    closed = beside(winner, plain, tmp_path)
    assert closed.difference is None
    assert closed.reason == (
        "a search chose the candidate on the rows that it was judged on in training, which "
        "flatters it, and the test rows of the candidate were never opened; "
        f"assay evaluate {winner.reference} --on test"
    )
    turned = beside(plain, winner, tmp_path)
    assert turned.difference is not None
    assert turned.notes == ("A search chose it/1 on these rows, which flatters it.",)
    left, constant = winner.announced.value, winner.baselines[0].evaluation.headline.value
    assert turned.edge == pytest.approx(left - constant)
    opened = assay.evaluate(winner, on="test")
    told = beside(opened, plain, tmp_path)
    assert told.difference is not None
    assert told.rows == "120 test rows, no row equal to one the champion learnt from"
    assert told.notes[0].startswith("Chosen from")


def test_looks_of_others_widen_what_a_version_is_judged_by(
    both: dict[str, Run], tmp_path: Path
) -> None:
    place = Place.to_find()
    opened = assay.evaluate(both["winner"], on="test")
    first = evidence(opened, tmp_path)
    looks = place.vault.looks(opened.test_digest)
    assert first.chosen_from == 0, "the test rows chose nothing"
    assay.evaluate(both["plain"], on="test")
    assert place.vault.looks(opened.test_digest) == looks + 1
    later = evidence(opened, tmp_path)
    assert later.evaluation.headline.value == first.evaluation.headline.value
    level = widened(0.95, looks + 1)
    assert later.evaluation.headline.level == pytest.approx(level)
    old, new = (each.evaluation.miscalibration for each in (first, later))
    assert old is not None
    assert new is not None
    assert new.error.level == pytest.approx(level)
    assert new.error.level > old.error.level
    assert later.segments is not None
    assert first.segments is not None
    assert later.segments.level > first.segments.level


def test_what_cannot_be_widened_passes_nothing(both: dict[str, Run], tmp_path: Path) -> None:
    opened = assay.evaluate(both["plain"], on="test")
    elsewhere = evidence(replace(opened, test_digest="0" * 64), tmp_path)
    for verdict in (
        MetricFloor()(elsewhere, {"roc_auc": 0.1}),
        Calibrated()(elsewhere, 0.9),
        WorstSegment()(elsewhere, SegmentLimits(worst=0.0)),
    ):
        passed, reason = said(verdict)
        assert passed is None
        assert reason.startswith("nobody can tell how often its test rows were looked at")
        assert "run the command in the workspace that trained the run" in reason
