"""The page on tracking: the mirror that it shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from assay.tracking.mirror import Opening
from assay.tracking.recorder import Point, Status

PAGE = Path(__file__).parents[2] / "docs" / "tracking.md"


def test_the_mirror_on_the_page_works(tmp_path: Path) -> None:
    [code] = [
        each
        for each in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        if "class Telegraph:" in each
    ]
    names: dict[str, type] = {}
    exec(code, names)
    recorder = names["Telegraph"]().open(Opening("r1", "boosting", "income", {}, 0, tmp_path))
    recorder.child("fold-1").points([Point("loss", 0.5, 3, 0)])
    recorder.finish(Status.FINISHED)
    assert (tmp_path / "telegrams.txt").read_text() == "boosting: loss is 0.5 at 3\n"
