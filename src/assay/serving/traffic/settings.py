"""What is asked of traffic: who gets which share, by which key, and what stops a challenger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.errors import InputError

_FLAG = "--challenger"
_LEAST_FOR_CHAMPION = 0.01


class GuardRails(BaseModel):
    """What a challenger must not do; it is stopped once it is certain that it does."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    failed: float = Field(
        0.01, ge=0, lt=1, description="Share of its requests that may fail; others answer those."
    )
    slow_ms: float = Field(
        1000.0, gt=0, description="A prediction that takes longer counts as slow, in milliseconds."
    )
    slow: float = Field(0.05, ge=0, lt=1, description="Share of its requests that may be slow.")
    worse_by: float = Field(
        0.0,
        ge=0,
        description="How much worse than the champion it may be, in units of the measure: stopped "
        "once the whole interval lies beyond.",
    )


class TrafficSettings(BaseModel):
    """How traffic is divided, kept and judged."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key: str | None = Field(
        None,
        pattern=r"^(header|field):\S.*$",
        description="What keeps its model from request to request: 'header:X-User' or "
        "'field:customer'. Without one every request is assigned by itself.",
    )
    salt: str = Field("", description="Any text: another one deals the keys out anew.")
    measure: (
        Literal["accuracy", "log_loss", "brier", "squared_error", "absolute_error", "hamming"]
        | None
    ) = Field(
        None,
        description="What models are compared by; accuracy for classes, squared_error for numbers "
        "and hamming for several labels when absent.",
    )
    largest_error: float | None = Field(
        None,
        gt=0,
        description="Of a regression: the error from which on all errors count the same.",
    )
    guards: GuardRails = Field(GuardRails(), description="What stops a challenger.")
    feedback: bool = Field(
        False, description="Take outcomes at /feedback also where nobody challenges the champion."
    )
    keep_rows: bool = Field(
        False, description="Keep the rows that were asked, so that they can become a test set."
    )
    keep_days: int = Field(
        90, ge=1, description="Days after which predictions without an outcome are forgotten."
    )


@dataclass(frozen=True)
class Share:
    """A challenger and its share of the traffic.

    Attributes:
        reference: Which model: NAME@STAGE or NAME/VERSION.
        share: Of the requests, above 0 and below 1.
    """

    reference: str
    share: float


def shares(given: Sequence[str]) -> tuple[Share, ...]:
    """Challengers as they are named on the command line: MODEL=SHARE each.

    Raises:
        InputError: One cannot be read, is named twice, or the champion is left next to nothing.

    >>> shares(["income@staging=0.1"])
    (Share(reference='income@staging', share=0.1),)
    """
    found = tuple(map(_read, given))
    names = [each.reference for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"The challenger {twice} is named twice.",
            where=_FLAG,
            mend=f"give it one share: {_FLAG} {twice}=0.1",
        )
    total = sum(each.share for each in found)
    if total > 1 - _LEAST_FOR_CHAMPION:
        told = " + ".join(f"{each.share:g}" for each in found)
        raise InputError(
            f"The challengers' shares come to {total:g} ({told}), which leaves the champion "
            f"{max(0.0, 1 - total):.3g} of the traffic.",
            where=_FLAG,
            mend=f"leave the champion {_LEAST_FOR_CHAMPION:g} at least: there is nothing to "
            "compare with otherwise",
        )
    return found


def _read(text: str) -> Share:
    match = re.fullmatch(r"(?P<reference>[^=]+)=(?P<share>\d*\.?\d+)(?P<percent>%?)", text.strip())
    part = float(match["share"]) / (100 if match["percent"] else 1) if match else 0.0
    if not match or not 0 < part < 1:
        raise InputError(
            f"{text!r} names no challenger with its share of the traffic, above 0 and below 1.",
            where=_FLAG,
            mend=f"{_FLAG} NAME@staging=0.1",
        )
    return Share(match["reference"].strip(), part)
