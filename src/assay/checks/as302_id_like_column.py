"""AS302 id-like-column: a feature that names the row instead of describing it.

A model can learn such a column by heart, and it says nothing of rows to come. Honest numbers may
also be nearly all different (incomes, measurements). Two things tell keys from them. Values of
anything that is measured tie as often as they lie next to each other, so that whole numbers which
lie close and never tie were given out, not measured. And keys that are drawn from a range fill it
evenly: that is asked about only where the name says that the column is a key, since an honest
column may be even too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import kstest, poisson

from assay.checks.as303_mixed_types import are_typed
from assay.checks.base import View
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, NotApplicable, Severity

FEWEST_ROWS = 50
LEAST_DISTINCT = 0.98
CHANCE = 1e-6
NEIGHBOURS = 3
"""Steps that count as close: ties are as frequent as pairs that are so many steps apart."""
EVEN = 0.001
CODES = 0.99
SHORTEST_CODE = 4
_EXACT = 2**53
_CODE = r"^[0-9A-Za-z][0-9A-Za-z_-]*$"
_DIGIT = r"[0-9]"
_NAMED = re.compile(
    r"(^|[^a-z])(u?u?id|key|index|uuid|guid|number|nr|no|num|code|ref|reference|serial|account|acct"
    r"|record|row|case|ticket|order|token|hash)s?($|[^a-z])"
)


@dataclass(frozen=True)
class Sign:
    """What makes a column look like a key.

    Attributes:
        why: In words.
        is_code: Whether its values are codes, which no row to come will have again.
        evidence: Numbers that show it.
    """

    why: str
    is_code: bool
    evidence: Mapping[str, Any]


class IdLikeColumn:
    """Finds features whose values are all different and carry no meaning of their own."""

    code = "AS302"
    name = "id-like-column"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at how many values of each feature are distinct, and at how they lie."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell ids from values")
        findings = []
        for column in view.schema.columns:
            if column.role is Role.FEATURE:
                sign = _sign(column, view.raw_train[column.name], n)
                if sign is not None:
                    findings.append(_finding(column, n, sign))
        return findings


def _sign(column: Column, values: pa.ChunkedArray, n: int) -> Sign | None:
    """What makes the column look like a key; None if nothing does."""
    present = n - values.null_count
    if present < FEWEST_ROWS or column.n_distinct < LEAST_DISTINCT * present:
        return None
    if column.kind is Kind.CATEGORICAL:
        is_text = pa.types.is_string(values.type) and not are_typed(values)
        return _sign_of_text(values.drop_null()) if is_text else None
    numbers = _whole(values) if column.kind is Kind.NUMERIC else None
    if numbers is None:
        return None
    given_out = _given_out(numbers)
    if given_out is not None:
        return given_out
    if is_named_so(column.name) and _is_even(numbers):
        return Sign("whole numbers, even over their range, whose name says so", False, {})
    return None


def is_named_so(name: str) -> bool:
    """Whether the name of a column says that it is a key.

    >>> is_named_so("customerId"), is_named_so("ref_no"), is_named_so("width")
    (True, True, False)
    """
    return _NAMED.search(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()) is not None


def _sign_of_text(values: pa.ChunkedArray) -> Sign:
    shares = [
        pc.mean(pc.match_substring_regex(values, each).cast(pa.float64())).as_py()
        for each in (_CODE, _DIGIT)
    ]
    shortest = pc.min(pc.utf8_length(values)).as_py()
    if min(shares) >= CODES and shortest >= SHORTEST_CODE:
        return Sign("a code that is different in nearly every row", True, {})
    return Sign("text that is different in nearly every row", False, {})


def _whole(values: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """The numbers that are there, sorted, in steps of their common divisor; None of fractions."""
    if pa.types.is_boolean(values.type):
        return None
    numbers = values.drop_null().to_numpy()
    if pa.types.is_floating(values.type):
        if not (np.isfinite(numbers) & (np.abs(numbers) < _EXACT)).all() or (numbers % 1).any():
            return None
        numbers = numbers.astype(np.int64)
    numbers = np.sort(numbers)
    step = int(np.gcd.reduce(np.diff(numbers)))
    return (numbers - numbers[0]) // max(step, 1)


def _given_out(numbers: NDArray[np.int64]) -> Sign | None:
    """Whether close values never tie: were they drawn, pairs at distance 0 would be as frequent.

    Among values of a smooth distribution half as many pairs tie as lie one step apart, since of two
    that are apart either may be the larger. So a count of pairs within some steps, divided by twice
    the steps, is what to expect of ties.
    """
    ties = _pairs_within(numbers, 0)
    close = _pairs_within(numbers, NEIGHBOURS) - ties
    expected = close / (2 * NEIGHBOURS)
    if poisson.cdf(ties, expected) >= CHANCE:
        return None
    filled = len(np.unique(numbers)) / (int(numbers[-1]) + 1)
    shown = {"equal pairs": ties, "equal pairs expected if drawn": round(expected, 1)}
    if filled >= 0.5:
        return Sign(f"whole numbers that fill {filled:.0%} of their range", False, shown)
    return Sign("whole numbers that lie close and hardly ever tie", False, shown)


def _pairs_within(numbers: NDArray[np.int64], steps: int) -> int:
    """Pairs of sorted whole numbers that are at most so many steps apart."""
    last = np.searchsorted(numbers, numbers + steps, side="right")
    return int((last - np.arange(len(numbers)) - 1).sum())


def _is_even(numbers: NDArray[np.int64]) -> bool:
    span = int(numbers[-1]) or 1
    return bool(kstest(numbers / span, "uniform").pvalue >= EVEN)


def _finding(column: Column, n: int, sign: Sign) -> Finding:
    question = "" if sign.is_code else f"Does '{column.name}' name the row? If so:\n"
    return Finding(
        code=IdLikeColumn.code,
        severity=Severity.WARN if sign.is_code else Severity.ASK,
        title=f"'{column.name}' looks like the name of a row: {sign.why}.",
        evidence={"distinct values": column.n_distinct, "rows": n, **sign.evidence},
        columns=(column.name,),
        mend=f"{question}data: {{roles: {{id: '{column.name}'}}}}\n"
        "If it describes it:\n"
        f"checks: {{accept: {{{IdLikeColumn.code}: 'it describes the row'}}}}",
    )
