"""What workers read of the data equals what was stored, and is not copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.fitting.sharing import store, stored
from tests.tables import table, target_of


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("labels", ["text", "numbers", "truth"])
def test_a_part_comes_back_bit_for_bit(task: Task, labels: str, tmp_path: Path) -> None:
    frame = table(task, n=300)
    frame["text"] = [f"one of {i} sentences with many words" for i in range(300)]
    frame.loc[::7, ["text", "kind"]] = None
    frame["when"] = pd.date_range("2026-01-01", periods=300)
    frame["w"], frame["g"] = 1.5, np.arange(300) // 3
    if task is Task.BINARY and labels != "text":
        frame["y"] = (frame["y"] == "yes").astype(int if labels == "numbers" else bool)
    roles = {"weight": "w", "group": "g"}
    asked = DataSettings(source="t", target=target_of(task), task=task, roles=roles)
    part = prepare(from_frame(frame), asked, "t").development
    store(part, tmp_path / "part.arrow")
    back = stored(tmp_path / "part.arrow")
    pd.testing.assert_frame_equal(part.features, back.features, check_exact=True)
    for name in ("rows", "target", "weights", "groups"):
        given, read = getattr(part, name), getattr(back, name)
        assert given.dtype == read.dtype
        np.testing.assert_array_equal(given, read)
    assert back.times is None
    assert back.schema == part.schema
    assert replace(back, features=None).target is back.target


def test_numbers_are_mapped_not_copied(tmp_path: Path) -> None:
    part = prepare(
        from_frame(table(Task.REGRESSION)), DataSettings(source="t", target="y"), "t"
    ).development
    store(part, tmp_path / "part.arrow")
    numbers = stored(tmp_path / "part.arrow").features["a"].to_numpy()
    assert not numbers.flags.owndata
    assert not numbers.flags.writeable
