"""Leaks by gaps, by ids, jointly and from the future: what is said, how firmly, and of what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as101_single_feature_leak import SingleFeatureLeak
from assay.checks.as104_missing_tells_target import MissingTellsTarget
from assay.checks.as106_order_tells_target import OrderTellsTarget
from assay.checks.as107_joint_leak import JointLeak
from assay.checks.as108_future_feature import FutureFeature
from assay.data.schema import Task
from assay.findings import Severity
from tests.checks.leaks import aim_of, followed, windowed, with_gaps, with_ids
from tests.contracts.checks import look
from tests.contracts.handed import Handed, look_at, parted
from tests.tables import leaking, table

TIMED = {"roles": {"time": "day"}}


def test_features_of_which_a_third_is_strong_are_no_leaks() -> None:
    random = np.random.default_rng(0)
    y = random.choice(["a", "b", "c"], 600)
    size = pd.factorize(y, sort=True)[0] * 3.0
    strong = {f"s{k}": size + random.normal(size=600) for k in range(3)}
    frame = pd.DataFrame({**strong, "weak": random.normal(size=600), "y": y})
    assert look(SingleFeatureLeak(), frame) == []


def test_leaks_that_hide_each_other_are_left_out_at_once_to_measure_them() -> None:
    frame = leaking(Task.BINARY, n=800)
    found = look(SingleFeatureLeak(), frame.assign(copy=frame["leak"] * 2))
    assert {finding.columns[0] for finding in found} == {"leak", "copy"}
    for finding in found:
        assert finding.effect is not None
        assert finding.effect.startswith("Without these 2 columns the ROC-AUC of a quick model")
        assert " falls from " in finding.effect


def test_a_gap_that_is_the_outcome_itself_is_firm() -> None:
    [finding] = look(MissingTellsTarget(), with_gaps(Task.BINARY, inside=1, outside=0))
    assert (finding.severity, finding.columns) == (Severity.WARN, ("closed",))
    assert finding.title.startswith("'closed' is missing in 100% of the rows where 'y' is 'yes', ")
    [asked] = look(MissingTellsTarget(), with_gaps(Task.BINARY, inside=0.97, outside=0))
    assert asked.severity is Severity.ASK


def test_columns_that_lack_the_same_rows_are_one_finding() -> None:
    frame = with_gaps(Task.BINARY)
    [finding] = look(MissingTellsTarget(), frame.assign(why=frame["closed"] + 1))
    assert finding.columns == ("closed", "why")


def test_gaps_of_a_handful_of_rows_prove_nothing() -> None:
    frame = table(Task.BINARY, n=2000)
    some = np.flatnonzero(aim_of(frame))[:12]
    found = np.where(frame.index.isin(some), np.nan, frame["a"].round(1))
    assert look(MissingTellsTarget(), frame.assign(found=found)) == []


def test_a_declared_id_is_looked_at_though_no_model_sees_it() -> None:
    frame = with_ids(Task.BINARY, blur=0.3)
    [finding] = look(OrderTellsTarget(), frame, roles={"id": "record_id"})
    assert (finding.severity, finding.columns) == (Severity.ASK, ("record_id",))
    assert finding.evidence["read off the id"] == "order"
    assert "others that are given these rows may" in finding.mend


def test_letters_of_an_id_that_say_the_class_are_found() -> None:
    frame = table(Task.BINARY, n=600)
    ids = [f"{'xk'[k]}-{n:05}" for n, k in enumerate(aim_of(frame))]
    [finding] = look(OrderTellsTarget(), frame.assign(ref=ids), roles={"id": "ref"})
    assert finding.evidence["read off the id"] == "beginning"


def test_rows_sorted_by_the_target_are_a_note() -> None:
    frame = table(Task.BINARY, n=600).sort_values("y")
    [finding] = look(OrderTellsTarget(), frame)
    assert (finding.severity, finding.columns) == (Severity.NOTE, ())


def test_parts_of_a_total_are_firm_and_parts_with_noise_a_question() -> None:
    frame = table(Task.REGRESSION, n=600)
    random = np.random.default_rng(2)
    one = random.normal(scale=frame["y"].std(), size=600)
    for noise, severity in ((0, Severity.WARN), (0.5, Severity.ASK)):
        other = frame["y"] - 2 * one + noise * random.normal(size=600)
        [finding] = look(JointLeak(), frame.assign(one=one, other=other))
        assert (finding.severity, set(finding.columns)) == (severity, {"one", "other"})


def test_a_histogram_that_gives_its_spread_is_found_by_its_names() -> None:
    frame = table(Task.REGRESSION, n=1500)
    random = np.random.default_rng(3)
    votes = random.dirichlet(np.ones(8), 1500)
    spread = np.sqrt(votes @ np.arange(8.0) ** 2 - (votes @ np.arange(8.0)) ** 2)
    shares = {f"v{k}": np.round(votes[:, k], 1) for k in range(8)}
    frame = frame.assign(**shares, y=spread + random.normal(scale=0.1, size=1500))
    [finding] = look(JointLeak(), frame)
    assert (finding.severity, set(finding.columns)) == (Severity.ASK, set(shares))


@pytest.mark.parametrize(
    ("how", "severity"),
    [("centred", Severity.WARN), ("next maximum", Severity.WARN), ("next blurred", Severity.ASK)],
)
def test_a_feature_from_the_future_is_found(how: str, severity: Severity) -> None:
    handed = parted(windowed(followed(Task.BINARY), how), series="site")
    found = look_at(FutureFeature(), Handed(handed.train, handed.test, handed.given, TIMED))
    assert [(each.severity, each.columns) for each in found] == [(severity, ("extra",))]


@pytest.mark.parametrize("how", ["trailing", "last maximum", "now blurred"])
@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_its_twin_from_the_past_is_not(how: str, task: Task) -> None:
    handed = parted(windowed(followed(task), how), series="site")
    assert look_at(FutureFeature(), Handed(handed.train, handed.test, handed.given, TIMED)) == []


def test_one_series_needs_a_declared_time_only() -> None:
    frame = windowed(followed(Task.BINARY, n_series=1, days=500), "centred").drop(columns="site")
    [finding] = look(FutureFeature(), frame, roles={"time": "day"})
    assert finding.columns == ("extra",)


def test_a_mean_of_the_target_that_includes_today_is_found() -> None:
    frame = followed(Task.REGRESSION, n_series=1, days=500).dropna()
    y = frame["y"].round(4)
    frame = frame.assign(y=y, extra=y.rolling(3).mean(), lag=y.shift(1).rolling(3).mean()).iloc[5:]
    [finding] = look(FutureFeature(), frame.drop(columns="site"), roles={"time": "day"})
    assert (finding.severity, finding.columns) == (Severity.WARN, ("extra",))
    assert "of the same row and later ones of 'y'" in finding.title
