"""AS202 on planted groups, their clean twins, and categories that are no groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as202_undeclared_groups import UndeclaredGroups
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from tests.checks.planting import grouped
from tests.contracts.checks import look, view_of
from tests.tables import table

CHECK = UndeclaredGroups()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_groups_are_asked_about_and_the_same_names_on_unrelated_rows_are_not(
    task: Task, seed: int
) -> None:
    [finding] = look(CHECK, grouped(task, seed=seed))
    assert finding.columns == ("patient",)
    assert look(CHECK, grouped(task, seed=seed, is_real=False)) == []


def test_whole_numbers_name_groups_too() -> None:
    frame = grouped(Task.REGRESSION)
    [finding] = look(CHECK, frame.assign(patient=frame["patient"].str[1:].astype(int)))
    assert finding.columns == ("patient",)


def test_a_column_that_is_left_out_of_the_features_still_shows_its_groups() -> None:
    frame = grouped(Task.REGRESSION)
    settings = DataSettings(source="t", target="y", roles={"ignore": ["patient"]})
    found = CHECK(view_of(prepare(from_frame(frame), settings, "t")), {})
    assert isinstance(found, list)
    assert [finding.columns for finding in found] == [("patient",)]


def test_a_number_within_a_site_names_a_group_together_with_the_site() -> None:
    frame = grouped(Task.REGRESSION, n=2000, per_group=8)
    number = pd.factorize(frame.pop("patient"))[0]
    frame = frame.assign(subject=number % 25, site=np.array(list("ABCDEFGHIJ"))[number // 25])
    [finding] = look(CHECK, frame)
    assert finding.columns == ("subject", "site")
    assert "group: ['subject', 'site']" in finding.mend


@pytest.mark.parametrize("seed", range(3))
def test_a_category_whose_levels_come_again_is_no_group(seed: int) -> None:
    """A strong neighbourhood: 28 levels in 1,500 rows, each with its own price."""
    random = np.random.default_rng(seed)
    frame = table(Task.REGRESSION, 1500, seed)
    place = random.integers(0, 28, len(frame))
    frame["y"] += 30 * random.normal(size=28)[place]
    assert look(CHECK, frame.assign(place=[f"n{i:02}" for i in place])) == []


@pytest.mark.parametrize("seed", range(3))
def test_an_amount_that_repeats_is_no_group(seed: int) -> None:
    """Rows of equal area have equal prices, and so have their neighbours."""
    random = np.random.default_rng(seed)
    frame = table(Task.REGRESSION, 1500, seed)
    area = np.round(random.gamma(9, 15, len(frame))).astype(int)
    assert look(CHECK, frame.assign(area=area, y=frame["y"] + area)) == []


def test_few_common_levels_among_many_rare_ones_are_a_category() -> None:
    """Zipf: most rows share a handful of levels, as species and airlines do."""
    random = np.random.default_rng(0)
    frame = table(Task.REGRESSION, 1500)
    species = random.zipf(1.5, len(frame)) % 400
    frame["y"] += 30 * random.normal(size=400)[species]
    assert look(CHECK, frame.assign(species=[f"s{i:03}" for i in species])) == []
