"""Gaps are put together when the same rows miss, and tell something only beyond chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.data.gaps import find_gaps
from assay.data.kinds import infer_schema
from assay.data.profile import Gap
from assay.data.schema import Task
from assay.data.settings import DataSettings
from tests.tables import prepared

N = 400


def gaps_of(target: Any, **masks: Any) -> tuple[tuple[Gap, ...], int]:
    """The gaps of columns with these masks."""
    columns = {name: pa.array(np.arange(len(target)), mask=mask) for name, mask in masks.items()}
    table = pa.table({**columns, "y": pa.array(target)})
    return find_gaps(table, infer_schema(table, DataSettings(source="t", target="y")))


def targets(random: np.random.Generator) -> dict[str, Any]:
    return {
        "rare": np.where(random.random(N) < 0.06, "yes", "no"),
        "classes": random.choice(list("abcd"), N, p=[0.6, 0.25, 0.1, 0.05]),
        "skewed": random.lognormal(0, 2, N),
        "ties": random.poisson(0.7, N) * 1.5 + random.choice([0.0, 0.1], N),
    }


def test_columns_with_the_same_missing_rows_are_one_gap() -> None:
    random = np.random.default_rng(0)
    mask = random.random(N) < 0.2
    nearly = mask.copy()
    nearly[np.flatnonzero(mask)[0]] = False
    gaps, complete = gaps_of(
        random.normal(size=N), a=nearly, b=mask, c=random.random(N) < 0.2, d=np.zeros(N, bool)
    )
    assert sorted(gap.columns for gap in gaps) == [("b", "a"), ("c",)]
    both = next(gap for gap in gaps if len(gap.columns) == 2)
    assert (both.missing, both.together) == (mask.sum(), nearly.sum())
    assert complete < N - mask.sum()


def test_columns_that_are_nearly_always_missing_do_not_miss_together_by_that() -> None:
    random = np.random.default_rng(0)
    gaps, _ = gaps_of(random.normal(size=N), a=random.random(N) < 0.98, b=random.random(N) < 0.98)
    assert len(gaps) == 2


@pytest.mark.parametrize("kind", ["rare", "classes", "skewed", "ties"])
def test_a_gap_that_follows_the_target_is_found(kind: str) -> None:
    random = np.random.default_rng(1)
    target = targets(random)[kind]
    unlike = np.isin(target, ["yes", "c", "d"]) if target.dtype.kind == "U" else target > 2
    telling = unlike & (random.random(N) < 0.8)
    gaps, _ = gaps_of(target, a=random.random(N) < 0.1, b=telling | (random.random(N) < 0.02))
    assert gaps[0].columns == ("b",)
    assert gaps[0].tells
    assert gaps[0].difference > 0


@pytest.mark.parametrize("kind", ["rare", "classes", "skewed", "ties"])
def test_chance_is_called_chance(kind: str) -> None:
    """At most 5 % of tables have a false alarm in any of their columns, few rows or many."""
    alarms = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        masks = {f"x{at}": random.permutation(N) < n for at, n in enumerate((1, 5, 12, 60, 390))}
        gaps, _ = gaps_of(targets(random)[kind], **masks)
        alarms += any(gap.tells for gap in gaps)
    assert alarms <= 18  # 99 % of what 5 % of 200 tables gives


def test_what_chance_gives_is_exact_for_shares() -> None:
    """Two rows of ten, five of them of the class: neither, one or both are drawn."""
    gaps, _ = gaps_of(["no", "yes"] * 5, a=np.arange(10) < 2, b=np.arange(10) >= 10)
    [gap] = gaps
    assert gap.difference == 0.0
    assert gap.chance == (0 / 2 - 5 / 8, 2 / 2 - 3 / 8)


@pytest.mark.parametrize("task", list(Task))
def test_only_features_have_gaps_and_the_share_is_that_of_the_positive_class(task: Task) -> None:
    data = prepared(task, roles={"ignore": ["b"]})
    assert find_gaps(data.raw_development, data.schema) == ((), data.n_rows["train"])
    data = prepared(task)
    [gap], complete = find_gaps(data.raw_development, data.schema)
    assert gap.columns == ("b",)
    assert gap.missing == data.n_rows["train"] - complete
    expected = {Task.BINARY: {str(data.schema.classes[-1:][0])} if data.schema.classes else set()}
    assert gap.label in expected.get(task, {"", *map(str, data.schema.classes)})
