"""What was chosen for each label is compared label by label, a number as a number."""

from __future__ import annotations

from typing import Any

import pytest

from assay.reproduction.verdict import choices


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        ({"rounds": [30, 20]}, {"rounds": [30, 20]}, "identical"),
        ({"rounds": [30, 20]}, {"rounds": [30, 21]}, "different"),
        ({"rounds": [30, None]}, {"rounds": [30, None]}, "identical"),
        ({"rounds": [30, None]}, {"rounds": [30, 20]}, "different"),
        ({"rounds": [30, 20]}, {"rounds": [30]}, "different"),
        ({"share": [0.5, 0.2]}, {"share": [0.5, 0.2 + 1e-12]}, "within tolerance"),
    ],
)
def test_each_label_has_its_own(before: Any, now: Any, verdict: str) -> None:
    assert choices("chosen by folds", before, now, 1e-9).verdict == verdict
