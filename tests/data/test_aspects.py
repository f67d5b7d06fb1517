"""Aspects: the same rows are known again after likely edits, and other rows are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from assay.data.aspects import Cells, aspects_of
from assay.data.sources import from_frame
from tests.conftest import EXAMPLES

Edit = Callable[[pd.DataFrame], pd.DataFrame]


def customers(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Numbers, few and many values, texts, an id, a target."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer id": np.arange(n) + 1000,
            "Income": random.lognormal(10, 1, n),
            "Age": random.integers(18, 90, n),
            "Balance": np.where(random.random(n) < 0.3, np.nan, random.normal(0, 500, n)),
            "Visits": random.poisson(4, n),
            "City": random.choice(["Bern", "Genf", "Basel", "Chur"], n),
            "Ratio": random.random(n),
            "Spent": random.integers(0, 5000, n),
            "Plan": random.choice(["gold", "silver"], n),
            "churned": random.choice(["yes", "no"], n, p=[0.2, 0.8]),
        }
    )


def share_seen(stored: pd.DataFrame, other: pd.DataFrame) -> float:
    """Share of the other table's rows that some aspect of the stored one knows."""
    cells = Cells(from_frame(other))
    seen = np.zeros(len(other), dtype=bool)
    for aspect in aspects_of(Cells(from_frame(stored))):
        seen |= aspect.seen_among(cells)
    return float(seen.mean())


def rounded(frame: pd.DataFrame, digits: int) -> pd.DataFrame:
    numbers = frame.select_dtypes("float").columns
    return frame.assign(**{name: frame[name].round(digits) for name in numbers})


EDITS: dict[str, Edit] = {
    "a constant column": lambda f: f.assign(split="test"),
    "ten columns": lambda f: f.assign(
        **{f"new{i}": np.random.default_rng(i).normal(size=len(f)) for i in range(10)}
    ),
    "a column in front": lambda f: pd.concat([f["Age"].rename("first") ** 2, f], axis=1),
    "one column renamed": lambda f: f.rename(columns={"Income": "income_per_year"}),
    "all columns renamed": lambda f: f.set_axis([f"x{i}" for i in range(f.shape[1])], axis=1),
    "names tidied": lambda f: f.set_axis(
        [name.lower().replace(" ", "_") for name in f.columns], axis=1
    ),
    "rounded to 12 digits": lambda f: f.assign(Income=f["Income"].round(12)),
    "rounded to 3 decimals": lambda f: rounded(f, 3),
    "single precision": lambda f: f.astype({"Income": "float32", "Ratio": "float32"}),
    "whole numbers as floats": lambda f: f.astype({"Age": float, "Spent": float}),
    "text in capitals": lambda f: f.assign(City=f["City"].str.upper() + " "),
    "gaps filled": lambda f: f.fillna({"Balance": 0.0}),
    "two columns dropped": lambda f: f.drop(columns=["Income", "customer id"]),
    "the target coded": lambda f: f.assign(churned=(f["churned"] == "yes").astype(int)),
    "another order": lambda f: f.sample(frac=1, random_state=0)[f.columns[::-1]],
    "rows added": lambda f: pd.concat([f, customers(200, seed=9)]),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_rows_are_known_after_an_edit(edit: Edit) -> None:
    frame = customers()
    assert share_seen(frame, edit(frame.copy())) > 0.65


@pytest.mark.parametrize("column", customers().columns)
def test_no_single_column_is_needed(column: str) -> None:
    frame = customers()
    assert share_seen(frame, frame.drop(columns=column)) > 0.95


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_other_rows_of_the_same_kind_are_not_known(edit: Edit) -> None:
    assert share_seen(customers(), edit(customers(seed=1))) == 0


def test_another_draw_of_a_real_table_is_known_as_far_as_it_overlaps() -> None:
    frame = pd.read_parquet(EXAMPLES / "penguins.parquet").drop(columns="Sample Number")
    order = np.random.default_rng(0).permutation(len(frame))
    stored, rest = frame.iloc[order[:100]], frame.iloc[order[100:]]
    assert share_seen(stored, rest) == 0
    half = frame.iloc[order[50:150]].assign(part="test").drop(columns="Region")
    assert 0.5 <= share_seen(stored, half) < 0.6


def test_tables_that_only_number_their_rows_alike_are_strangers() -> None:
    days = pd.date_range("2026-01-01", periods=300)
    random = np.random.default_rng(0)
    first = pd.DataFrame({"id": range(300), "day": days, "a": random.normal(size=300)})
    second = pd.DataFrame({"id": range(300), "day": days, "b": random.normal(size=300)})
    for frame in (first, second):
        frame["flag"] = random.integers(0, 2, 300)
    assert share_seen(first, second) == 0


def test_rows_that_all_look_alike_are_known_by_the_names_of_their_columns_only() -> None:
    def votes(names: str, seed: int) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        return pd.DataFrame({name: random.integers(0, 2, 300) for name in names})

    assert share_seen(votes("abcd", 0), votes("efgh", 1)) == 0
    assert share_seen(votes("abcd", 0), votes("abcd", 0).assign(e=1)) == 1


def test_a_table_of_one_column_has_no_aspects() -> None:
    assert aspects_of(Cells(from_frame(pd.DataFrame({"a": [1.5, 2.5, 3.5]})))) == []
    assert share_seen(customers(), customers().head(1)[["Age"]]) == 0
