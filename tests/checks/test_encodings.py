"""The equations of target encodings hold for what was computed so, and for nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.checks.as105_encoded_on_all_rows import EncodedOnAllRows
from assay.checks.encodings import encodes, half_unit, is_own_mean, sums_of
from assay.data.schema import Task
from assay.findings import Severity
from tests.checks.leaks import aim_of, with_shops
from tests.contracts.handed import look_at, parted

N = 1200


def drawn(seed: int, per_group: int) -> tuple[np.ndarray, np.ndarray]:
    """The group and the outcome of each row."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.arange(N) % (N // per_group))
    return codes, (random.random(N) < 0.2 + 0.5 * random.random(N)).astype(np.float64)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    per_group=st.sampled_from([3, 7, 40]),
    weight=st.floats(0, 30),
    scale=st.floats(0.1, 100),
    leaves_out=st.booleans(),
)
def test_an_encoding_obeys_its_equation_whatever_its_prior_and_scale(
    seed: int, per_group: int, weight: float, scale: float, leaves_out: bool
) -> None:
    codes, y = drawn(seed, per_group)
    codes = np.minimum(codes, N // per_group - 2)
    everyone = np.ones(N, dtype=bool)
    sums = sums_of(codes, y, everyone)
    sums = sums.without_itself if leaves_out else sums
    values = scale * (sums.total + weight * 0.4) / (sums.count + weight) + 3
    assert encodes(values, sums, 0.0)
    blurred = values + np.random.default_rng(seed).normal(scale=1e-3, size=N)
    assert not encodes(blurred, sums, 0.0)


@pytest.mark.parametrize("per_group", [3, 7, 40])
def test_one_of_other_rows_does_not(per_group: int) -> None:
    codes, y = drawn(0, per_group)
    some = np.random.default_rng(1).random(N) < 0.7
    part, everyone = sums_of(codes, y, some), sums_of(codes, y, np.ones(N, dtype=bool))
    has_rows = part.count > 0
    values = (part.total / np.maximum(part.count, 1))[has_rows]
    assert encodes(values, part.at(has_rows), 0.0)
    assert not encodes(values, everyone.at(has_rows), 0.0)


def test_rows_of_one_value_have_their_mean_though_the_group_is_gone() -> None:
    _, y = drawn(0, 4)
    codes = np.random.default_rng(2).integers(0, N // 4, N)
    sums = sums_of(codes, y, np.ones(N, dtype=bool))
    values = sums.total / sums.count
    for seen in (values, np.round(values, 3), 2 * values - 1):
        assert is_own_mean(seen, y, half_unit(seen), is_binary=True)


def test_a_forecast_that_is_right_on_average_is_no_encoding() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        share = np.round(random.random(3000), 2)
        y = (random.random(3000) < share).astype(np.float64)
        assert not is_own_mean(share, y, half_unit(share), is_binary=True)


def test_one_over_training_rows_only_is_a_note_and_one_over_all_rows_a_warning() -> None:
    frame = with_shops(Task.BINARY)
    y = pd.Series(aim_of(frame))
    n = round(len(frame) * 0.7)
    for is_counted, severity in ((y.index < n, Severity.NOTE), (y.index >= 0, Severity.WARN)):
        means = y[is_counted].groupby(frame["shop"][is_counted]).mean()
        rate = frame["shop"].map(means).fillna(y.mean())
        [finding] = look_at(EncodedOnAllRows(), parted(frame.assign(rate=rate)))
        assert (finding.severity, finding.columns) == (severity, ("rate",))
        assert "the share of 'yes' among rows with the same 'shop'" in finding.title


def test_without_the_category_it_is_proved_as_well() -> None:
    frame = with_shops(Task.BINARY, n=1500)
    rate = pd.Series(aim_of(frame)).groupby(frame["shop"]).transform("mean")
    handed = parted(frame.assign(rate=rate).drop(columns="shop"))
    [finding] = look_at(EncodedOnAllRows(), handed)
    assert (finding.severity, finding.columns) == (Severity.WARN, ("rate",))
    assert finding.effect is not None
    assert finding.effect.startswith("Without 'rate' the ROC-AUC of a quick model falls from")
