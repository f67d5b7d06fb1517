"""Design: how the rows of an outcome came about, which resamples have to repeat."""

from __future__ import annotations

from enum import StrEnum


class Design(StrEnum):
    """How rows came about.

    Attributes:
        CHANCE: As they came, one by one or in whole clusters: how many are of each class varies.
        CLASSES: So many rows of each class were asked for, as in a case-control study.
        TIME: One after the other: neighbouring rows may be related, so clusters are blocks of time.
    """

    CHANCE = "chance"
    CLASSES = "fixed class counts"
    TIME = "time"
