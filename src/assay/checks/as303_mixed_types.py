"""AS303 mixed-types: numbers or dates kept as text because a few cells are something else.

One cell of 'N/A' makes a whole column text, and a model then learns a level for each number. What
the cells are decides. Where every odd one is a word for a missing value, or a number in another
notation ('12,5', '12 kg', '1 200'), the column holds numbers. Other words among numbers with
fractions, or among many different ones, say the same if they come again. Codes are let be: digits
with leading zeros, letters before digits ('V27', 'PC 17599'), a few whole numbers beside a
range ('3+', '2-10').
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

from assay.checks.base import View
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, NotApplicable, Severity

LEAST_TYPED = 0.5
FEWEST_CELLS = 50
MANY_NUMBERS = 20
MOST_WORDS = 0.2
"""Other words than those for missing values: their share of the cells, and of each the cells."""
AGAIN = 2.0
SHOWN = 6

_NUMBER = r"^\s*[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_DATE = r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?Z?)?\s*$"
_FRACTION = r"[.eE]"
_PADDED = re.compile(r"\s*0[0-9]+\s*")
_LETTERED = re.compile(r"\s*[0-9]+[A-Za-z]+\s*")
"""Among whole numbers a code, as of house 12A; among fractions a unit, as in 12kg."""
_MISSING = re.compile(
    r"[-\u2013\u2014.?*_/\\#!\s]+|#?n\.?/?a\.?|#?n/a n/a|nan|none|null|nil|na|<na>|n\.?d\.?|tb[ad]"
    r"|-?inf(inity)?|unk|unknown|undefined|missing|empty|blank|void|invalid|error|err"
    r"|not? (available|applicable|data|value|known|recorded|measured|given|answer)|no data|nodata"
    r"|refused|pending|#(value|ref|div/0|num|name|null)[!?]?",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(
    r"[<>~\u2248\u2264\u2265]?\s*[-+]?[$€£¥]?\s*[-+]?\d+([,.\s'\u2019]\d+)*([eE][+-]?\d+)?"
    r"\s*[%‰$€£¥°µ]?[a-zA-Z°/²³]{0,4}"
    r"|\(\d+([.,]\d+)?\)"
)
_OTHER_DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}([T ]\d{1,2}:\d{2}.*)?|\d{8}|\d{5}(\.0)?"
    r"|\d{1,2}[ -][a-z]{3,9}\.?[ -]\d{2,4}|[a-z]{3,9}\.? \d{1,2},? \d{4}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mixture:
    """A column of text that holds two types.

    Attributes:
        of: What most cells are: 'numbers' or 'dates'.
        share: Share of the cells with a value that are.
        is_certain: Whether the odd ones leave no doubt.
        odd: The odd texts, the commonest first, with their number of cells.
        train: Positions of the odd cells.
        test: Likewise in the test rows.
    """

    of: str
    share: float
    is_certain: bool
    odd: Mapping[str, int]
    train: NDArray[np.int64]
    test: NDArray[np.int64]


class MixedTypes:
    """Finds columns of numbers or dates that a few other cells have made text."""

    code = "AS303"
    name = "mixed-types"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Read the cells of each column of text as numbers and as dates."""
        texts = [each for each in view.schema.columns if _is_text(each, view)]
        if not texts:
            return NotApplicable("no feature is stored as text")
        found = []
        for column in texts:
            for of, pattern in (("numbers", _NUMBER), ("dates", _DATE)):
                mixture = _mixture(column, view, of, pattern)
                if mixture is not None:
                    found.append(_finding(column, mixture, view))
        return found


def are_typed(values: pa.ChunkedArray) -> bool:
    """Whether most cells of a column of text are numbers or dates."""
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return False
    shares = [
        pc.mean(pc.match_substring_regex(values, pattern).cast(pa.float64())).as_py()
        for pattern in (_NUMBER, _DATE)
    ]
    return bool(max(shares) >= LEAST_TYPED)


def _is_text(column: Column, view: View) -> bool:
    return (
        column.role in (Role.FEATURE, Role.TIME)
        and column.kind in (Kind.CATEGORICAL, Kind.TEXT)
        and column.why != "as set"
        and pa.types.is_string(view.raw_train[column.name].type)
    )


def _mixture(column: Column, view: View, of: str, pattern: str) -> Mixture | None:
    """What the column holds beside numbers or dates; None if that is nothing, or codes."""
    coded = view.raw_train[column.name].combine_chunks().dictionary_encode()
    levels = coded.dictionary
    is_typed = pc.match_substring_regex(levels, pattern).to_numpy(zero_copy_only=False)
    codes = pc.fill_null(coded.indices, -1).to_numpy()
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    total, typed = int(counts.sum()), int(counts[is_typed].sum())
    if total < FEWEST_CELLS or typed < LEAST_TYPED * total or typed == total:
        return None
    odd_levels = np.flatnonzero(~is_typed)
    ordered = odd_levels[np.argsort(-counts[odd_levels], kind="stable")]
    odd = {levels[int(at)].as_py(): int(counts[at]) for at in ordered}
    typed_levels = levels.filter(pa.array(is_typed))
    certain = _certainty(odd, total, typed_levels, of)
    if certain is None:
        return None
    test = np.zeros(0, dtype=np.int64)
    if view.raw_test is not None and pa.types.is_string(view.raw_test[column.name].type):
        cells = view.raw_test[column.name].combine_chunks()
        fits = pc.fill_null(pc.match_substring_regex(cells, pattern), True)
        test = np.flatnonzero(~fits.to_numpy(zero_copy_only=False))
    train = np.flatnonzero(np.isin(codes, odd_levels))
    return Mixture(of, typed / total, certain, odd, train, test)


def _certainty(odd: Mapping[str, int], total: int, typed: pa.Array, of: str) -> bool | None:
    """Whether the odd cells leave no doubt that the others are measured; None if these are codes.

    >>> numbers = pa.array([f"{number}.5" for number in range(60)])
    >>> _certainty({"N/A": 3}, 100, numbers, "numbers"), _certainty({"V27": 9}, 100, numbers, "")
    (True, None)
    """
    other = _OTHER_DATE if of == "dates" else _OTHER_NUMBER
    if of == "numbers" and any(map(_PADDED.fullmatch, odd)):
        return None
    words = {
        text: n
        for text, n in odd.items()
        if not _MISSING.fullmatch(text.strip()) and not other.fullmatch(text.strip())
    }
    is_fractional = bool(pc.any(pc.match_substring_regex(typed, _FRACTION)).as_py())
    if of == "numbers" and not is_fractional and any(map(_LETTERED.fullmatch, odd)):
        return None
    is_measured = of == "dates" or is_fractional or len(typed) >= MANY_NUMBERS
    if not words:
        has_missing = any(_MISSING.fullmatch(text.strip()) for text in odd)
        return True if is_measured else False if has_missing else None
    has_codes = any(re.search(r"\d", text) for text in words)
    n_cells = sum(words.values())
    is_repeated = n_cells >= AGAIN * len(words) or len(words) <= 2
    if has_codes or not is_measured or not is_repeated or n_cells > MOST_WORDS * total:
        return None
    return is_fractional or of == "dates"


def _finding(column: Column, mixture: Mixture, view: View) -> Finding:
    shown = list(mixture.odd)[:SHOWN]
    n = len(mixture.train)
    words = ", ".join(map(repr, shown)) + (", ..." if len(mixture.odd) > SHOWN else "")
    rows = {"train": tuple(view.train.rows[mixture.train].tolist())}
    if view.test is not None and len(mixture.test):
        rows["test"] = tuple(view.test.rows[mixture.test].tolist())
    read = "pd.to_numeric" if mixture.of == "numbers" else "pd.to_datetime"
    question = "" if mixture.is_certain else f"Is '{column.name}' measured, not a code? If so:\n"
    return Finding(
        code=MixedTypes.code,
        severity=Severity.WARN if mixture.is_certain else Severity.ASK,
        title=f"'{column.name}' is text, but {mixture.share:.1%} of its cells are {mixture.of}; "
        f"{'the other one is' if n == 1 else f'the other {n:,} are'} {words}.",
        evidence={
            f"share of {mixture.of}": round(mixture.share, 4),
            "other cells": n,
            "what they are": {text: mixture.odd[text] for text in shown},
        },
        columns=(column.name,),
        rows=rows,
        mend=f"{question}frame['{column.name}'] = {read}(frame['{column.name}'], errors='coerce')\n"
        "after the cells that are written otherwise are put right at their source",
    )
