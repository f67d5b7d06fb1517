"""Numbers and values as they are read: never 'nan', 'None', '-0' or a share that lies."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.estimates import Estimate
from assay.reports import wording
from assay.reports.wording import MINUS, NARROW_SPACE

_FINITE = st.floats(-1e12, 1e12, allow_nan=False)


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_said_in_words(nothing: float) -> None:
    words = {wording.number(nothing), wording.plain(nothing), wording.setting(nothing)}
    assert words <= {"not defined", "infinite", f"{MINUS}infinite"}


@given(_FINITE)
def test_zero_has_no_sign_and_minus_is_a_minus(value: float) -> None:
    text = wording.number(value)
    assert "-" not in text
    assert text.startswith(MINUS) == (value < 0 and any(digit in text for digit in "123456789"))


@given(st.floats(0, 1))
def test_a_share_is_all_or_nothing_only_when_it_is(part: float) -> None:
    text = wording.share(part).replace(NARROW_SPACE, " ")
    assert (text == "0 %") == (part == 0)
    assert (text == "100 %") == (part == 1)


def test_an_interval_turns_round_with_its_difference() -> None:
    lower = Estimate(-0.24, -0.26, -0.23, n=9)
    assert wording.magnitude(lower) == "0.240 (0.230 to 0.260)"
    assert wording.estimate(lower) == f"{MINUS}0.240 ({MINUS}0.260 to {MINUS}0.230)"
    assert wording.magnitude(Estimate.without_interval(-0.24, n=9, reason="few")) == "0.240"


def test_recorded_values_are_told_in_words() -> None:
    assert wording.plain(None) == "not set"
    assert wording.plain([True, 1203, -4, {"skill": 0.82341}]) == (
        f"yes, 1,203, {MINUS}4, skill: 0.823"
    )
    assert wording.plain(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
    assert wording.plain({}) == "none"


def test_settings_are_told_in_full() -> None:
    assert wording.setting(list(range(10))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert wording.setting(20261123) == "20261123"
    assert wording.setting(False) == "no"


@pytest.mark.parametrize(
    ("created", "read"),
    [
        ("2026-11-23T14:05:09+00:00", "2026-11-23 14:05 UTC"),
        ("2026-11-23T14:05:09+01:30", "2026-11-23 14:05 +01:30"),
        ("2026-11-23T14:05:09", "2026-11-23 14:05"),
    ],
)
def test_a_time_keeps_its_offset(created: str, read: str) -> None:
    assert wording.moment(created) == read
