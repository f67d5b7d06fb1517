"""Refusals: requests that were not answered are counted, and a rise of their share is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from assay.inference.loading import LoadedModel
from assay.inference.reference import Reference
from assay.serving.monitoring.alarms import Alarm, watch
from assay.serving.monitoring.drift import GAPS, level_of, looks_at
from assay.serving.monitoring.files import sample_files
from assay.serving.monitoring.hourly import Hourly
from assay.serving.monitoring.refusals import REFUSAL, REFUSED, USUAL, Refusals
from assay.serving.monitoring.sampling import Sampler, samples_of
from assay.serving.monitoring.settings import SamplingSettings
from assay.serving.refusal import Problem
from tests.serving.models import app_with

HOUR = 480_000
WRONG = Problem(0, "mass", "is a text, no number", "send a number", '"4.2 kg"', "wrong_type")
MADE_UP = Problem(0, "4111 1111 1111 1111", "is no column", "leave it out", kind="extra_column")
ANSWER = {"prediction": 0.5}


def alarms(by_hour: list[tuple[int, int]]) -> tuple[Alarm, ...]:
    """The alarms after hours of so many answered and refused requests."""
    refusals = [Refusals(*each) for each in by_hour]
    for each in refusals:
        each.problems["mass", "wrong_type"] = each.refused
    kept = np.array([each.answered for each in refusals], dtype=float)
    counts = np.array(by_hour, dtype=float)
    hourly = Hourly(HOUR, kept, kept, {(REFUSED.name, REFUSED.role): counts}, refusals)
    return watch(Reference((), "rmse", "out-of-fold", {}), hourly).alarms


@pytest.mark.parametrize("before", [0, 48])
def test_a_share_that_rises_is_an_alarm_at_once_and_as_long_as_it_lasts(before: int) -> None:
    [alarm] = alarms([(400, 2)] * before + [(100, 300)] * 200)
    assert (alarm.role, alarm.raised, alarm.began) == (REFUSAL, HOUR + before, HOUR + before)
    assert (alarm.last, alarm.is_open) == (HOUR + before + 199, True)
    assert alarm.after > 0.7
    assert alarm.said.endswith("most for 'mass': wrong type; up to 1.0\u202f% is usual.")


@pytest.mark.parametrize("by_hour", [(1000, 0), (1000, 10), (29, 0), (0, 20)])
def test_the_usual_and_too_few_requests_to_tell_are_none(by_hour: tuple[int, int]) -> None:
    assert alarms([by_hour]) == ()


@pytest.mark.parametrize("rate", [40, 400, 10_000])
def test_a_share_that_is_usual_raises_no_alarm_in_years(rate: int) -> None:
    """Of twenty columns and the requests a tenth of an alarm a month is the budget."""
    random = np.random.default_rng(rate)
    crossing, least = 0, []
    for _ in range(24):
        refused = random.binomial(rate, USUAL, 720).astype(float)
        counts = np.column_stack([rate - refused, refused])
        values, gaps = looks_at(REFUSED, counts, level_of(21))
        assert (gaps.what, bool(values.crosses.any())) == (GAPS, False)
        crossing += int(gaps.crosses.any())
        least.append(gaps.p.min())
    assert crossing <= 1
    assert 1e-6 < np.median(least) < 0.05, "chances are those of chance"


def test_what_is_counted_of_a_refused_request_holds_no_cell(tmp_path: Path) -> None:
    clock = [HOUR * 3600.0]
    kept = Sampler(tmp_path, SamplingSettings(share=1, write_s=60), lambda: clock[0])
    folder = samples_of(tmp_path, "m/1")
    kept.observe_refusal("m/1", 3, [WRONG, WRONG, MADE_UP])
    kept.write()
    [file] = sample_files(folder, "m/1", 0)
    problems = {("mass", "wrong_type"): 1, ("", "extra_column"): 1}
    assert (file.hour, file.refusals) == (HOUR, Refusals(0, 1, 3, problems))
    kept.write()
    assert sample_files(folder, "m/1", 0) == [file], "nothing new is not written again"
    kept.observe("r", "m/1", [{"mass": 1.0}, {"mass": 2.0}], [ANSWER] * 2)
    kept.observe_refusal("m/1", 1, [WRONG])
    clock[0] += 3600
    kept.observe_refusal("m/1", 1, [WRONG])
    kept.close()
    first, second = sample_files(folder, "m/1", 0)
    problems = {("mass", "wrong_type"): 2, ("", "extra_column"): 1}
    assert (first.n_seen, first.refusals) == (2, Refusals(1, 2, 4, problems))
    assert (second.hour, second.refusals.refused) == (HOUR + 1, 1)
    assert pq.read_table(first.path)["features"].to_pylist() == [{"mass": 1.0}, {"mass": 2.0}]
    for each in (first, second):
        written = str(pq.read_schema(each.path).metadata)
        assert "4.2 kg" not in written
        assert "4111" not in written


def test_a_server_tells_each_refusal_with_its_columns_and_kinds(
    strict: LoadedModel, row: dict[str, object], tmp_path: Path
) -> None:
    kept = Sampler(tmp_path, SamplingSettings(share=1, write_s=60), lambda: HOUR * 3600.0)
    some = [name for name in row if name != "a"]
    bodies = [
        {"rows": [row, {**row, "a": "4.2 kg"}, row]},
        {name: row[name] for name in some},
        {**row, "kind": "pink"},
        {**row, "a": 1e9},
        {**row, "a": None},
        {"rows": []},
    ]
    with TestClient(app_with(strict, (kept,))) as client:
        assert client.post("/predict", json=row).status_code == 200
        for body in bodies:
            assert client.post("/predict", json=body).status_code == 422
        assert client.post("/predict", content=b"{", headers={"Content-Type": "application/json"}
                           ).status_code == 400  # fmt: skip
    [file] = sample_files(samples_of(tmp_path, strict.name), strict.name, 0)
    assert file.refusals == Refusals(1, 7, 7, {
        ("a", "wrong_type"): 1, ("a", "missing_column"): 1, ("kind", "unseen_category"): 1,
        ("a", "out_of_range"): 1, ("a", "unexpected_null"): 1, ("", "body"): 2,
    })  # fmt: skip
