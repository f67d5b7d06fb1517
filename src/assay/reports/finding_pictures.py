"""The pictures of findings: lines over what their checks measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.findings import Finding, Picture
from assay.reports.axis import extent
from assay.reports.plots import Mark, Note, Plot, across, dots, line, upwards

_LOOKS = (("trend", "point small off"), ("curve", "point small"), ("short", ""))


def pictures(findings: Sequence[Finding]) -> list[Plot | None]:
    """The picture of each finding; None where it has none."""
    return [
        _drawn(each.picture, f"finding-{number}") if each.picture is not None else None
        for number, each in enumerate(findings)
    ]


def _drawn(picture: Picture, key: str) -> Plot:
    x = np.array(picture.x)
    heights = {name: np.array(values) for name, values in picture.lines.items()}
    x_scale = across(*extent(x, 0.02))
    y_scale = upwards(*extent(np.concatenate([*heights.values()])))
    marks: list[Mark] = []
    notes: list[Note] = []
    for (name, y), (look, spots) in zip(heights.items(), _LOOKS, strict=False):
        known = np.isfinite(y)
        places = x_scale.at(x[known]), y_scale.at(y[known])
        marks += [line(look, *places), *([dots(spots, *places)] if spots else [])]
        if len(heights) > 1:
            notes.append(Note(name, float(places[0][-1]), float(places[1][-1]) - 6, "end"))
    named = ", ".join(heights)
    return Plot(
        key=key,
        title=picture.title,
        description=f"{picture.y_label} over {picture.x_label}: {named}. {picture.reading}",
        reading=picture.reading,
        x=x_scale,
        y=y_scale,
        x_label=picture.x_label,
        y_label=picture.y_label,
        marks=marks,
        notes=notes,
    )
