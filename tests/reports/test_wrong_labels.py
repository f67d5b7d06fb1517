"""Labels that may be wrong in words: one of them is told as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.evaluation.details import LabelError, LabelErrors
from assay.reports.wording import NARROW_SPACE
from assay.reports.wrong_labels import wrong_labels

from . import builders


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (1, "contradicts the model by more than its own probabilities allow, and 1 row stands out. "
            "Either this label is wrong"),
        (2, "contradict the model by more than its own probabilities allow, and 2 rows stand out. "
            "Either these labels are wrong"),
    ],
)  # fmt: skip
def test_one_is_told_as_one(n: int, told: str) -> None:
    rows = [LabelError(row, "yes", "no", 0.9, 0.9, 0.8) for row in range(n)]
    found = wrong_labels(replace(builders.binary(), label_errors=LabelErrors(n, 300, rows)))
    assert found is not None
    reading = found.reading.replace(NARROW_SPACE, " ")
    assert reading.startswith(f"About {n} of 300 labels (")
    assert told in reading
    assert found.n == n
