"""Pictures of findings say what their checks saw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as313_covariate_drift import CovariateDrift
from assay.checks.pictures import target_by_value, two_parts
from assay.data.schema import Task
from tests.contracts.handed import look_at, parted
from tests.tables import prepared, table


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_the_target_rises_along_a_feature_that_raises_it(task: Task) -> None:
    data = prepared(task, n=2000)
    picture = target_by_value(data.development, "a", "'y'")
    assert picture is not None
    [heights] = picture.lines.values()
    assert heights[-1] > heights[0]
    assert list(picture.x) == sorted(picture.x)
    assert len(picture.x) == len(heights)


def test_where_there_is_no_one_height_there_is_no_picture() -> None:
    assert target_by_value(prepared(Task.MULTICLASS).development, "a", "'y'") is None
    assert target_by_value(prepared(Task.BINARY).development, "kind", "'y'") is None


def test_a_column_in_two_parts() -> None:
    random = np.random.default_rng(0)
    picture = two_parts("x", random.normal(size=900), random.normal(2, 1, size=500), "test")
    assert picture is not None
    assert {*picture.lines} == {"training", "test"}
    means = [np.dot(picture.x, shares) / sum(shares) for shares in picture.lines.values()]
    assert means[1] - means[0] == pytest.approx(2, abs=0.2)
    assert two_parts("x", np.ones(9), np.ones(9), "test") is None


def test_drift_is_drawn() -> None:
    handed = parted(table(Task.BINARY, n=1200))
    moved = handed.test.assign(a=handed.test["a"] + 1.5)
    [finding] = look_at(CovariateDrift(), type(handed)(handed.train, pd.DataFrame(moved)))
    assert finding.picture is not None
    assert finding.picture.x_label == "a"
