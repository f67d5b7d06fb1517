"""Hourly counts: what was sampled is read as the model reads it, and nothing odd in it is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.inference.reference import FEATURE, SCORE, Reference, ReferenceColumn
from assay.serving.monitoring.hourly import Hourly, hourly_of
from assay.serving.monitoring.sampling import Sampler
from assay.serving.monitoring.settings import SamplingSettings

HOUR = 480_000


def column(name: str, kind: Kind, stored: str, role: Role = Role.FEATURE) -> Column:
    return Column(name, kind, role, stored, "it is said here", 2, 0.0)


SCHEMA = Schema(
    columns=(
        column("age", Kind.NUMERIC, "float"),
        column("member", Kind.NUMERIC, "boolean"),
        column("code", Kind.CATEGORICAL, "integer"),
        column("said", Kind.TEXT, "string"),
        column("y", Kind.NUMERIC, "float", Role.TARGET),
    ),
    target="y",
    task=Task.REGRESSION,
    classes=(),
)


def numbers(name: str, values: list[float], role: str = FEATURE, kind: str = "numeric") -> Any:
    return ReferenceColumn.of_numbers(name, np.array(values, dtype=float), role, kind)


REFERENCE = Reference(
    (
        numbers("age", [10, 20]),
        numbers("member", [0, 1]),
        ReferenceColumn.of_levels("code", ["7"] * 9 + ["8"] * 9, FEATURE),
        numbers("said", [2, 4], kind="text"),
        numbers("predicted value", [0, 1], role=SCORE),
    ),
    "rmse",
    "out-of-fold",
    {},
)


def counted(folder: Path, rows: list[list[dict[str, Any]]], *, until: int = HOUR + 9) -> Hourly:
    """The counts of rows that were asked hour by hour, in the model's every spelling."""
    clock = [HOUR * 3600.0]
    kept = Sampler(folder, SamplingSettings(share=1), lambda: clock[0])
    for number, of_hour in enumerate(rows):
        clock[0] = (HOUR + number) * 3600.0
        answers = [{"prediction": 0.5} for _ in of_hour]
        kept.observe(str(number), "m/1", of_hour, answers)
        kept.write()
    kept.close()
    return hourly_of(folder / "m", "m/1", REFERENCE, SCHEMA, {}, since=0, until=until)[0]


def by_bin(found: Hourly, name: str, role: str = FEATURE) -> list[int]:
    """Rows by bin in all hours, the last those without a value."""
    return found.counts[name, role].sum(axis=0).astype(int).tolist()


def test_cells_are_read_as_the_model_reads_them(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        [
            [{"age": 10, "member": True, "code": 7, "said": "ab"}],
            [{"age": "15", "member": "false", "code": "8", "said": "abcd"}],
            [{"age": None, "member": None, "code": 7.0, "said": "abcdefgh"}],
        ],
    )
    assert by_bin(found, "age") == [0, 1, 1, 0, 1]
    assert by_bin(found, "member") == [0, 1, 1, 0, 1]
    assert by_bin(found, "code") == [2, 1, 0, 0]
    assert by_bin(found, "said") == [0, 1, 1, 1, 0], "longer than any in training"
    assert by_bin(found, "predicted value", SCORE) == [0, 0, 3, 0, 0]
    assert (found.first, found.n, found.kept[:4].tolist()) == (HOUR, 9, [1, 1, 1, 0])


def test_cells_that_cannot_be_read_and_columns_that_are_not_there_are_missing(
    tmp_path: Path,
) -> None:
    row = {"age": 12, "member": "true", "code": 9, "said": "abc"}
    found = counted(
        tmp_path, [[row, {**row, "age": "twelve", "member": "perhaps"}], [{"said": "x"}]]
    )
    assert by_bin(found, "age") == [0, 0, 1, 0, 2]
    assert by_bin(found, "member") == [0, 0, 1, 0, 2]
    assert by_bin(found, "code") == [0, 0, 2, 1], "another level than those of training"


def test_hours_that_are_not_over_or_are_too_old_are_left_out(tmp_path: Path) -> None:
    row = {"age": 12, "member": "true", "code": 9, "said": "abc"}
    found = counted(tmp_path, [[row], [row] * 2, [row] * 3], until=HOUR + 2)
    assert (found.kept.tolist(), found.seen.tolist()) == ([1, 2], [1, 2])
    found = hourly_of(tmp_path / "m", "m/1", REFERENCE, SCHEMA, {}, since=HOUR + 1, until=HOUR + 3)[
        0
    ]
    assert (found.first, found.kept.tolist()) == (HOUR + 1, [2, 3])
