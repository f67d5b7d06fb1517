"""Rows to look at, as they are recorded: predicted wrongly, or alike with other labels."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.evaluation.details import OppositeLabels


@dataclass(frozen=True)
class Picture:
    """A small picture, as a file."""

    width: int
    height: int
    form: str
    content: bytes

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "content": b64encode(self.content).decode()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Picture:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "content": b64decode(record["content"])})


@dataclass(frozen=True)
class Seen:
    """What a column holds in the rows that are shown.

    Attributes:
        name: Its name.
        cells: A value each: a number, a truth value or a text, which may be cut; None if missing.
        is_text: Whether its cells are there to be read.
    """

    name: str
    cells: tuple[Any, ...]
    is_text: bool = False

    @property
    def holds_numbers(self) -> bool:
        """Whether what is not missing is numbers."""
        return all(isinstance(each, int | float) for each in self.cells if each is not None)

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "cells": list(self.cells)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Seen:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "cells": tuple(record["cells"])})


@dataclass(frozen=True)
class Pictures:
    """The pictures of a column in the rows that are shown; None where there is none."""

    name: str
    cells: tuple[Picture | None, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "cells": [each and each.as_dict() for each in self.cells]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Pictures:
        """Read back what `as_dict` wrote."""
        cells = (each and Picture.from_dict(each) for each in record["cells"])
        return cls(record["name"], tuple(cells))


@dataclass(frozen=True)
class Mistake:
    """One row that was predicted wrongly.

    Attributes:
        row: Its number in the source.
        truth: Its class or labels as text, or its value.
        said: The class or labels it was taken for, or the value that was predicted.
        confidence: Probability of that class, or of the surest of the wrong decisions on its
            labels; None of a regression.
        for_truth: Probability of the true class; None of a regression, and of labels.
        worst: Of labels, the decision that this confidence is of: 'wet', or 'not hot'.
    """

    row: int
    truth: Any
    said: Any
    confidence: float | None = None
    for_truth: float | None = None
    worst: str = ""


@dataclass(frozen=True)
class Mistakes:
    """The mistakes that are shown, the worst first.

    Attributes:
        n: How many rows were predicted wrongly.
        of: How many were predicted.
        most: At most how many of one confusion are shown; None of a regression.
        half: What half of the rows are off by at most; None of a classification.
        rows: Those that are shown.
        columns: What they hold.
        pictures: What they show.
    """

    n: int
    of: int
    most: int | None
    half: float | None
    rows: tuple[Mistake, ...]
    columns: tuple[Seen, ...]
    pictures: tuple[Pictures, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "rows": [dict(each.__dict__) for each in self.rows],
            "columns": [each.as_dict() for each in self.columns],
            "pictures": [each.as_dict() for each in self.pictures],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Mistakes:
        """Read back what `as_dict` wrote."""
        return cls(
            **{
                **record,
                "rows": tuple(Mistake(**each) for each in record["rows"]),
                "columns": tuple(map(Seen.from_dict, record["columns"])),
                "pictures": tuple(map(Pictures.from_dict, record["pictures"])),
            }
        )


@dataclass(frozen=True)
class Opposites:
    """Rows that are alike with other labels, and what the first of them hold.

    Attributes:
        found: Those rows.
        rows: Numbers of those that are shown, each odd one before its twin.
        columns: What they hold.
        pictures: What they show.
    """

    found: OppositeLabels
    rows: tuple[int, ...]
    columns: tuple[Seen, ...]
    pictures: tuple[Pictures, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "found": self.found.as_dict(),
            "rows": list(self.rows),
            "columns": [each.as_dict() for each in self.columns],
            "pictures": [each.as_dict() for each in self.pictures],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Opposites:
        """Read back what `as_dict` wrote."""
        return cls(
            OppositeLabels.from_dict(record["found"]),
            tuple(record["rows"]),
            tuple(map(Seen.from_dict, record["columns"])),
            tuple(map(Pictures.from_dict, record["pictures"])),
        )
